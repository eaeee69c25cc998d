"""Write docs/reference/ from the program itself; with --check only say whether it is fresh."""

import ast
import difflib
import re
import sys
from pathlib import Path

import msgspec

from runwright import settings as settings_module
from runwright.api import limits
from runwright.cli.exit_codes import Exit
from runwright.cli.main import build
from runwright.server.app import body_types
from runwright.server.field_limits import all_limits, fields_of
from runwright.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
_MADE = "<!-- Made by tools/generate_docs.py (`make generate`): edit the program instead. -->\n\n"
_SHOWN_DEFAULTS = {"home": "`~/.runwright`"}


def pages() -> dict[Path, str]:
    """Every generated page."""
    return {
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "limits.md": limits_page(),
        REFERENCE / "settings.md": settings_page(),
    }


def cli_page() -> str:
    """The tree of commands, and what their exit statuses mean."""
    tree = build().generate_docs(output_format="markdown", heading_level=1)
    # A lone noun does not know that the whole tree has no such options.
    tree = re.sub(r", --empty-[a-z-]+", "", tree)
    tree = "\n".join(line.rstrip() for line in tree.splitlines())
    meanings = comments_of(Path(sys.modules[Exit.__module__].__file__ or ""), "Exit")
    rows = [f"| {int(code)} | {meanings[code.name]} |" for code in Exit]
    statuses = "\n".join(["## Exit statuses", "", "| Status | Meaning |", "|---|---|", *rows])
    return f"{_MADE}{tree.strip()}\n\n{statuses}\n"


def settings_page() -> str:
    """The settings, their defaults and meanings."""
    meanings = comments_of(Path(settings_module.__file__), "Settings")
    lines = [
        "# Settings",
        "",
        "A process reads them once, when it starts: from the environment, else from the active",
        "profile in `<home>/profiles.toml` (`runwright config set`), else the default holds.",
        "Durations are seconds. `runwright config view --show-sources` shows what is in force.",
        "",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
    ]
    for field in msgspec.structs.fields(Settings):
        variable = f"`RUNWRIGHT_{field.name.upper()}`"
        default = _SHOWN_DEFAULTS.get(field.name) or shown(field)
        lines.append(f"| {variable} | {default} | {meanings.get(field.name, '')} |")
    return _MADE + "\n".join(lines) + "\n"


def limits_page() -> str:
    """What the API takes at the most, and what it gives at once."""
    larger = ", ".join(
        f"`{name}` {most // limits.MIB} MiB" for name, most in sorted(limits.BODIES.items())
    )
    rows = [
        ("Body of a request", f"{limits.MAX_BODY // limits.MIB} MiB; {larger}", "413 `too_large`"),
        ("Body of a request without a key", f"{limits.MAX_OPEN_BODY // limits.KIB} KiB", "413"),
        ("Lists, objects and members in a body", f"{limits.MAX_PARTS:,}", "413 `too_large`"),
        ("Lists and objects inside one another", f"{limits.MAX_DEPTH}", "422 `too_deep`"),
        ("Time for a body", "10 s, and 1 s for every 16 KiB", "408 `body_too_slow`"),
        ("Message of a state", f"{limits.MAX_STATE_MESSAGE:,} characters", "cut"),
        ("Message of a log record", f"{limits.MAX_LOG_MESSAGE:,} characters", "cut"),
        ("Name of a log record's logger", f"{limits.MAX_NAME:,} characters", "cut"),
        ("Templates of one automation", f"{limits.MAX_TEMPLATES:,} characters", "422"),
        ("A log line as it is listed", f"{limits.MAX_SHOWN_LINE:,} characters", "cut"),
        ("All lines of a page of a log", f"{limits.MAX_GATHERED:,} characters", "cut"),
        ("Payloads of a page of events", f"{limits.MAX_GATHERED:,} bytes", "on the next page"),
        ("Rows of a page", f"{limits.MAX_PAGE:,} bytes", "streamed in parts"),
        ("A part of a page that is streamed", f"{limits.MAX_PART:,} bytes, or one row", ""),
        (
            "Large answers that are held, all readers together",
            f"{limits.MAX_HELD // limits.MIB} MiB",
            "wait; 503 `busy` after 30 s",
        ),
        (
            "Time that a reader may take nothing of a large answer",
            f"{limits.READER_PATIENCE_S:g} s, 2 s while others wait for room",
            "the connection is cut",
        ),
        ("Rate of reading a large answer", f"{limits.READER_RATE // limits.KIB} KiB/s", "cut"),
    ]
    lines = [
        "# Limits",
        "",
        "What the API takes at the most. Beyond its limit a request is refused, and the answer",
        "names the field and the limit; what runs report of themselves is cut instead, and says",
        "so. A page of a log cuts long lines and never leaves lines out:",
        "`GET /flow_runs/{id}/logs/download` has them whole. The OpenAPI document has the same",
        "limits as `maxLength`, `maxItems`, `maxProperties` and `x-max-bytes`.",
        "",
        "| What | Limit | Beyond it |",
        "|---|---|---|",
        *(f"| {what} | {most} | {then} |" for what, most, then in rows),
        "",
        "## Fields",
        "",
        "| Body or part of one | Field | Limit |",
        "|---|---|---|",
    ]
    for name, struct in sorted(body_types().items()):
        for field, hint in fields_of(struct).items():
            if found := list(dict.fromkeys(all_limits(hint))):
                lines.append(f"| {name} | `{field}` | {'; '.join(found)} |")
    return _MADE + "\n".join(lines) + "\n"


def shown(field: msgspec.structs.FieldInfo) -> str:
    """A field's default as a person would write it."""
    default = field.default
    if default is msgspec.NODEFAULT:
        default = field.default_factory() if callable(field.default_factory) else None
    if default is None:
        return "none"
    if isinstance(default, float):
        return f"`{default:g}`"
    return f"`{default}`" if default != [] else "none"


def comments_of(file: Path, class_name: str) -> dict[str, str]:
    """The `#:` lines above each name that a class assigns."""
    lines = file.read_text().splitlines()
    tree = ast.parse("\n".join(lines))
    found = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == class_name)
    comments: dict[str, str] = {}
    for statement in found.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement
        name = target if isinstance(target, ast.Name) else getattr(target, "target", None)
        if isinstance(name, ast.Name):
            comments[name.id] = comment_above(lines, statement.lineno - 1)
    return comments


def comment_above(lines: list[str], index: int) -> str:
    """The `#:` lines that end just above that line."""
    words: list[str] = []
    while index > 0 and lines[index - 1].strip().startswith("#:"):
        index -= 1
        words.insert(0, lines[index].strip().removeprefix("#:").strip())
    return " ".join(words)


def stale() -> list[str]:
    """How the pages on disk differ from the program."""
    differences: list[str] = []
    for path, wanted in pages().items():
        there = path.read_text() if path.exists() else ""
        name = str(path.relative_to(ROOT))
        lines = difflib.unified_diff(there.splitlines(), wanted.splitlines(), name, name, "", "", 0)
        differences += list(lines)
    return differences


def main() -> int:
    if "--check" in sys.argv[1:]:
        differences = stale()
        if differences:
            print("\n".join(differences[:40]))
            print("The reference pages are not those of the program: run `make generate`.")
        return 1 if differences else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        path.write_text(text)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
