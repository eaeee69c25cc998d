"""Bodies of requests: what may be in them, and reading them where no framework is in between.

A body may have only the fields that its type knows. Those of `LAX` routes may have more: workers,
supervisors and senders of records report in them, and are not brought up to date at one time.
"""

from typing import Any, TypeVar

import msgspec

from runwright.server.field_limits import check_sizes
from runwright.server.problems import Unprocessable
from runwright.server.strictness import refuse_unknown

T = TypeVar("T")

#: The options of a route whose bodies may have unknown fields.
LAX: dict[str, Any] = {"takes_unknown_fields": True}


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The body as its type.

    Raises:
        Unprocessable: it is no JSON, does not fit, or holds what databases cannot.
    """
    refuse_nul(body)
    try:
        value = decoder.decode(body or b"{}")
    except msgspec.ValidationError as error:
        # Of those types that refuse unknown fields by themselves: here is why.
        if "unknown field" in str(error):
            refuse_unknown(decoder.type, msgspec.json.decode(body))
        raise Unprocessable(str(error)) from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError) as error:
        raise Unprocessable(str(error) or "The body is nested too deeply.") from None
    check_sizes(value, decoder.type, len(body))
    return value


def refuse_nul(body: bytes) -> None:
    """Refuse the character U+0000: Postgres cannot store it.

    Raises:
        Unprocessable: the body has one.
    """
    if b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b""):
        raise Unprocessable("Text may not contain the character U+0000.")
