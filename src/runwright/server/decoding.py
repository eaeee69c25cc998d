"""Bodies of requests, read strictly where the framework is not in between."""

from typing import TypeVar

import msgspec

from runwright.server.problems import Unprocessable

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The body as its type.

    Raises:
        Unprocessable: it is no JSON, does not fit, or holds what databases cannot.
    """
    refuse_nul(body)
    try:
        return decoder.decode(body or b"{}")
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError) as error:
        raise Unprocessable(str(error) or "The body is nested too deeply.") from None


def refuse_nul(body: bytes) -> None:
    """Refuse the character U+0000: Postgres cannot store it.

    Raises:
        Unprocessable: the body has one.
    """
    if b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b""):
        raise Unprocessable("Text may not contain the character U+0000.")
