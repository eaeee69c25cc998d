"""Fail when a source file has grown past the cap: 500 lines, a word of warning from 400."""

import subprocess
import sys
from pathlib import Path

WARN, FAIL = 400, 500
EXEMPT = ("storage/migrations/versions/", "_generated")


def main() -> int:
    """Count the lines of every tracked Python file."""
    listed = subprocess.run(["git", "ls-files", "*.py"], capture_output=True, text=True, check=True)
    too_long = 0
    for name in listed.stdout.split():
        path = Path(name)
        if any(part in name for part in EXEMPT) or not path.exists():
            continue
        count = len(path.read_text().splitlines())
        if count > WARN:
            print(f"{name}: {count} lines ({'over' if count > FAIL else 'near'} the cap of {FAIL})")
        too_long += count > FAIL
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
