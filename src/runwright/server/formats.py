"""The formats of JSON Schema, as those who read the values later read them.

A flow's parameters are read by pydantic, which takes more than the standard's own formats: times
without an offset, durations as a clock shows them, numbers of seconds. What it would take is not
refused here; what it could never read is.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

_ANY_CASE = re.IGNORECASE
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")
_ISO_DURATION = re.compile(
    r"[+-]?P(?!$)(\d+(\.\d+)?[YMWD])*(T(?=\d)(\d+([.,]\d+)?[HMS])+)?", _ANY_CASE
)
_CLOCK = re.compile(
    r"[+-]?(\d+\s*(d|days?)\s*,?\s*)?(\d+:\d{1,2}(:\d{1,2}([.,]\d+)?)?)?", _ANY_CASE
)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", _ANY_CASE)


def _reads(read: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        if _NUMBER.fullmatch(text):
            return True
        try:
            read(text.strip())
        except ValueError:
            return False
        return True

    return check


def _any_date(text: str) -> Any:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _instant(text)


def _instant(text: str) -> datetime:
    # The letters between a date and a time, and for UTC, may be small, and a blank or a line.
    return datetime.fromisoformat(text.replace("_", "T", 1).replace("z", "Z").replace("t", "T"))


def _is_duration(text: str) -> bool:
    text = text.strip()
    return bool(
        _NUMBER.fullmatch(text)
        or _ISO_DURATION.fullmatch(text)
        or (text.strip("+-") and _CLOCK.fullmatch(text))
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _is_uri(text: str) -> bool:
    return _URI.match(text.strip()) is not None


def _fits(text: str) -> bool:
    del text
    return True


#: Name -> whether a text is of it. Those that are only looks, or read differently, fit always.
FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _reads(_any_date),
    "date-time": _reads(_instant),
    "time": _reads(time.fromisoformat),
    "duration": _is_duration,
    "uuid": _is_uuid,
    "uri": _is_uri,
    "ipv4": _reads(ipaddress.IPv4Address),
    "ipv6": _reads(ipaddress.IPv6Address),
    **dict.fromkeys(
        (
            "hostname", "idn-hostname", "idn-email", "iri", "iri-reference", "json-pointer",
            "relative-json-pointer", "uri-reference", "uri-template",
        ),
        _fits,
    ),
}  # fmt: skip
