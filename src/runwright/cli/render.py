"""How answers are shown: a table for people, JSON or names for programs."""

import logging
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from cyclopts import Parameter

from runwright.core.terminal_text import one_line, printable
from runwright.settings import level_of

_BEYOND_ASCII = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
Output = Annotated[Literal["table", "json", "name"], Parameter(name=["--output", "-o"])]


class Column(NamedTuple):
    """A heading, and how a cell is made of a row."""

    title: str
    cell: Callable[[Any], Any]


def show(
    rows: Sequence[Any],
    columns: Sequence[Column],
    output: str,
    *,
    name: Callable[[Any], str],
) -> None:
    """Print many things."""
    if output == "json":
        show_json(rows)
    elif output == "name":
        for row in rows:
            say(name(row))
    elif rows:
        _print_table([column.title for column in columns], [_cells(r, columns) for r in rows])
    else:
        note("none")


def show_one(thing: Any, output: str, *, name: str) -> None:
    """Print one thing: its fields, a line each."""
    if output == "json":
        show_json(thing)
    elif output == "name":
        say(name)
    else:
        fields = msgspec.to_builtins(thing)
        width = max(map(len, fields))
        for field, value in fields.items():
            say(f"{field:<{width}}  {_field(value)}")


def acted(what: str, name: str, output: str) -> None:
    """Tell what was done to something: a sentence for people, or its name."""
    if output == "json":
        show_json({"name": name, "result": what.rstrip(":")})
    elif output == "name":
        say(name)
    else:
        note(f"{what} {name}")


def say(text: str) -> None:
    """One line of result, on standard output."""
    sys.stdout.write(printable(text) + "\n")


def note(text: str) -> None:
    """A word to the person, on standard error."""
    sys.stderr.write(printable(text) + "\n")


def when(instant: datetime | None, now: datetime | None = None) -> str:
    """An instant as people say it: `12 s ago`, `in 3 min`."""
    if instant is None:
        return ""
    now = now or datetime.now(UTC)  # noqa: TID251  # what is printed is meant for this moment
    gap = now - instant
    return f"{span(gap)} ago" if gap >= timedelta(0) else f"in {span(-gap)}"


def span(duration: timedelta | float | None) -> str:
    """A duration in one unit, or two."""
    if duration is None:
        return ""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    for size, unit, lesser, lesser_unit in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{int(whole)} {unit} {int(rest // lesser)} {lesser_unit}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004


def _cells(row: Any, columns: Sequence[Column]) -> list[str]:
    values = (column.cell(row) for column in columns)
    return ["" if value is None else printable(str(value)) for value in values]


def _field(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def show_json(value: Any) -> None:
    """Print JSON, indented."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    # JSON escapes the control characters of ASCII; terminals obey those beyond it as well.
    sys.stdout.write(_BEYOND_ASCII.sub(lambda c: f"\\u{ord(c[0]):04x}", text) + "\n")


def _print_table(titles: list[str], rows: list[list[str]]) -> None:
    if sys.stdout.isatty():
        # Late: only a person at a terminal needs it.
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*titles, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    widths = [max(len(line[i]) for line in (titles, *rows)) for i in range(len(titles))]
    for line in (titles, *rows):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


class LineFormatter(logging.Formatter):
    """Log records, one a line: what they quote can neither forge another nor steer a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # its name there
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def log_to_stderr(level: str, pattern: str) -> None:
    """Write log records to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(pattern))
    logging.basicConfig(level=level_of(level), handlers=[handler])
