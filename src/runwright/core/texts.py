"""Texts that users' code brings along: readable, encodable as UTF-8, and of a bounded length."""

from collections.abc import Sequence

#: Characters of a message; the rest is cut out of its middle, and a note says how much.
LONGEST_STATE_MESSAGE = 10_000
LONGEST_LOG_MESSAGE = 500_000
#: Characters of a name: of a run, a flow, a task, an artifact's key.
LONGEST_NAME = 1_000

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and end with a note between them of what was cut."""
    if len(text) <= most:
        return text
    note = f"\n[... {len(text) - most:,} of {len(text):,} characters were cut here ...]\n"
    tail = most // 4
    return text[: most - tail] + note + text[len(text) - tail :]


def listed(names: Sequence[str], most: int = 10) -> str:
    """The names for a message, and how many more there are where it would be too long."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def encodable(text: str) -> str:
    """The text with U+FFFD in place of what UTF-8 or a database cannot hold.

    That is U+0000 and lone surrogates, which stand for bytes that could not be decoded.
    """
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # Two surrogates that belong together are one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def text_of(value: object) -> str:
    """`str(value)`, or what is known where that raises."""
    try:
        return str.__str__(str(value))  # a subclass may come out, with methods of its own
    except Exception as error:  # noqa: BLE001  # whatever a user's __str__ may raise
        return f"<its text cannot be made: __str__ raised {type(error).__name__}>"


def shown(value: object, most: int = 120) -> str:
    """`repr(value)`, shortened, or what is known where that raises."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001  # as above
        return f"<{type(value).__qualname__}: __repr__ raised {type(error).__name__}>"
    return text if len(text) <= most else text[: most - 3] + "..."


def error_text(error: BaseException) -> str:
    """The type and the text of an error, as the message of a state."""
    return f"{type(error).__name__}: {text_of(error)}"


def message_of(text: object, most: int = LONGEST_STATE_MESSAGE) -> str:
    """A message as the record can hold it, whatever was given as one."""
    return encodable(shortened(text if type(text) is str else text_of(text), most))
