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
        "release": {"allOf": [{"$ref": "#/definitions/Release"}], "title": "release"},
        "maybe_release": {"anyOf": [{"$ref": "#/definitions/Release"}, {"type": "null"}]},
        "texts": {"type": "array", "items": {"type": "string"}},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "texts_or_text": {
            "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]
        },
    },
    "definitions": {
        "Colour": {"enum": ["1", "2"]},
        "Release": {
            "type": "object",
            "properties": {
                "version": {"type": "string"},
                "size": {"type": "integer"},
                "either": {"anyOf": [{"type": "number"}, {"type": "string"}]},
                "before": {"$ref": "#/definitions/Release"},
            },
        },
    },
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
        ('release={"version": 1.10, "size": 3}', {"version": "1.10", "size": 3}),
        ('release={"version": "1.10", "other": 1.10}', {"version": "1.10", "other": 1.1}),
        ('release={"either": 1.10, "size": "x"}', {"either": 1.1, "size": "x"}),
        ('release={"before": {"version" : 1e3 }}', {"before": {"version": "1e3"}}),
        ('maybe_release={"version": true}', {"version": "true"}),
        ("maybe_release=null", None),
        ('texts=[1.10, null, "a"]', ["1.10", None, "a"]),
        ("texts_or_text=[1.10]", ["1.10"]),
        ("texts_or_text=1.10", "1.10"),
        ("pair=[007, 1.10]", "[007, 1.10]"),
        ("pair=[70, 1.10]", ["70", 1.1]),
        ('map={"a": 1.10}', {"a": "1.10"}),
        ('free={"a": [1.10]}', {"a": [1.1]}),
        ("texts=[%s]" % ("[" * 20 + "]" * 20), [eval("[" * 20 + "]" * 20)]),
    ],
)
def test_a_text_is_read_as_its_type(text, value):
    assert list(pairs_for([text], "--param", SCHEMA).values()) == [value]
