"""The schema's type decides how a text on the command line is read."""

import pytest

from runwright.cli.values import pairs_for

SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "number": {"type": "integer"},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "named": {"$ref": "#/definitions/Colour"},
        "free": {},
    },
    "definitions": {"Colour": {"enum": ["1", "2"]}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("text=1.10", "1.10"),
        ("text=true", "true"),
        ("text=null", "null"),
        ('text="x"', '"x"'),
        ("text=[1]", "[1]"),
        ("number=5", 5),
        ("number=x", "x"),
        ("either=5", 5),
        ("either=1.10", "1.10"),
        ("maybe=null", None),
        ("maybe=1.10", "1.10"),
        ("named=1", "1"),
        ("free=1.5", 1.5),
        ("unknown=[1]", [1]),
    ],
)
def test_a_text_is_read_as_its_type(text, value):
    assert list(pairs_for([text], "--param", SCHEMA).values()) == [value]
