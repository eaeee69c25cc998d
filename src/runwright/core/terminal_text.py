"""Text that is safe to print: a terminal obeys control characters, so they are shown instead."""

import re

#: Colours and styles: a log that is shown without them has lost nothing.
_STYLE = re.compile(r"\x1b\[[0-9;:]*m")


def printable(text: str) -> str:
    """The text with control characters escaped; newlines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


def one_line(text: str) -> str:
    """The same in one line, for what may not look like the beginning of another record."""
    return printable(text).replace("\n", "\\n")


def record_text(message: str) -> str:
    """A log message for a file of lines: no colours, and further lines are indented.

    So no message can pass for a record of its own.
    """
    return printable(_STYLE.sub("", message)).replace("\n", "\n    ")
