"""Fail unless the migrations are one chain: two branches that each add one may not collide."""

import re
import sys
from pathlib import Path

FOLDER = Path("src/runwright/storage/migrations/versions")
_WORD = re.compile(r'^(revision|down_revision)(?:: [^=]+)? = "?(\w+)"?$', re.MULTILINE)


def main() -> int:
    """Read what each file says of itself."""
    before, problems = "None", []
    for path in sorted(FOLDER.glob("[0-9]*.py")):
        said = dict(_WORD.findall(path.read_text()))
        number = path.name.partition("_")[0]
        if said.get("revision") != number or said.get("down_revision") != before:
            problems.append(
                f"{path}: revision {said.get('revision')} after {said.get('down_revision')}, "
                f"but {number} after {before} is next."
            )
        before = number
    for each in problems:
        print(each)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
