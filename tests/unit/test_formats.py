"""What pydantic reads fits its format; what nobody could read does not."""

import datetime as dt
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from runwright.server.formats import FORMATS
from runwright.server.schema_checks import first_problem

READERS = {
    "date": dt.date,
    "date-time": dt.datetime,
    "time": dt.time,
    "duration": dt.timedelta,
    "uuid": UUID,
    "ipv4": IPv4Address,
    "ipv6": IPv6Address,
}
TEXTS = [
    "2026-01-31", "2026-01-31T00:00:00", "2026-01-31 09:30", "2026-01-31T09:30:00Z",
    "2026-01-31t09:30:00z", "2026-01-31T09:30:00+01:00", "2026-01-31T09:30:00.123456-0500",
    "1700000000", "1700000000.5", "09:30", "09:30:00", "09:30:00.5", "P1D", "PT1H30M", "P1DT2H",
    "-PT5S", "01:30:00", "1 day, 01:30:00", "3 days", "12345678-1234-5678-1234-567812345678",
    "12345678123456781234567812345678", "10.0.0.1", "::1",
]  # fmt: skip
WRONG = ["hello", "", "2026-13-01", "2026-02-30", "25:00", "P", "10.0.0", "yesterday", "31.1.2026"]


@pytest.mark.parametrize("name", READERS)
def test_no_text_is_refused_that_would_be_read(name):
    read = TypeAdapter(READERS[name]).validate_python
    taken = 0
    for text in (*TEXTS, *WRONG):
        try:
            read(text)
        except ValidationError:
            continue
        taken += 1
        assert FORMATS[name](text), text
    assert taken


@pytest.mark.parametrize("name", READERS)
def test_what_nobody_could_read_is_refused(name):
    for text in ("hello", "yesterday", "31.1.2026", ""):
        assert not FORMATS[name](text), text


def test_a_parameter_of_the_wrong_format_is_named():
    day = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
    schema = {"type": "object", "properties": {"day": day}}
    problem = first_problem(schema, {"day": "hello"})
    assert problem is not None
    assert problem[0] == "day"
    assert first_problem(schema, {"day": "2026-01-31"}) is None
    assert first_problem(schema, {"day": None}) is None
