"""How much work a schema may make is found by counting, not by doing it."""

from typing import Any

import pytest

from runwright.core.schema_cost import MANY, applications, extent, pattern_work
from runwright.server import schema_checks
from runwright.server.problems import Unprocessable
from runwright.server.schema_checks import check_schema, first_problem

JSON: dict[str, Any] = {
    "$defs": {
        "any": {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"$ref": "#/$defs/any"}},
                {"type": "object", "additionalProperties": {"$ref": "#/$defs/any"}},
            ]
        }
    },
    "properties": {"x": {"$ref": "#/$defs/any"}, "y": {"$ref": "#/$defs/any"}},
}


def test_what_a_value_has_is_counted() -> None:
    assert extent({"a": [1, {"b": "x" * 1_000}]}) == (1 + 1 + 2 + (1 + 3), 4)
    assert extent({}) == (1, 1)


def test_usual_schemas_cost_little_however_deep_the_values() -> None:
    assert applications({"properties": {str(n): {"type": "null"} for n in range(999)}}, 50) == 1
    assert [applications(JSON, depth) for depth in (2, 10, 90)] == [5, 5, 5]


@pytest.mark.parametrize(
    "words", ["allOf", "anyOf", "oneOf"], ids=["all", "any", "one"]
)  # fmt: skip
def test_each_doubling_is_counted(words: str) -> None:
    doubling = {f"a{n}": {words: [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(10)}
    schema = {"$defs": {**doubling, "a10": True}, "not": {"$ref": "#/$defs/a0"}}
    assert 2**10 <= applications(schema, 1) <= 2**13


def test_what_refers_to_itself_is_counted_for_each_level() -> None:
    twice = {"anyOf": [{"properties": {"c": {"$ref": "#"}}}] * 2}
    assert applications(twice, 10) >= 2**9
    assert applications(twice, 100) >= MANY
    assert applications({"allOf": [{"$ref": "#"}]}, 3) < 10  # for the same value: an endless one


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/x"},
        {"$ref": "#a", "$defs": {"x": {"$anchor": "a"}, "y": {"$anchor": "a"}}},
        {"$ref": "#/$defs/x", "$defs": {"x": {"$id": "https://example.com/x"}}},
    ],
)
def test_what_cannot_be_looked_up_may_be_anything(schema: dict[str, Any]) -> None:
    assert applications(schema, 1) >= MANY


def test_patterns_cost_what_their_kind_costs() -> None:
    assert pattern_work({"pattern": "a+", "patternProperties": {"a{9}": {"pattern": r"\pL"}}}) == 21
    assert applications({"pattern": "^a+$"}, 1) < 100
    for searching in ("(?=a)", "(?!a)", "(?<=a)", r"(a)\1", "(?>a)", "a++"):
        assert applications({"pattern": searching}, 1) > 1_000


def test_what_is_wrong_is_said_of_many_values_too(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {
        "properties": {
            "n": {"type": "array", "items": {"type": "number"}}, "day": {"type": "integer"},
        },
        "required": ["n"],
    }  # fmt: skip
    monkeypatch.setattr(schema_checks, "_MOST_EXPLAINED", 20)
    many: list[Any] = ["NaN", 1.0] * 50
    assert first_problem(schema, {"n": many}) is None
    assert first_problem(schema, {"day": 1, "z": many}) == ("n", "it is required and has no value")
    found = first_problem(schema, {"n": many, "day": "x"})
    assert found is not None
    assert found[0] == "day"
    assert '"x" is not of type "integer"' in found[1]
    assert first_problem(schema, {"n": [*many, "x"]}) == ("n", "it does not fit the schema")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {str(n): {"type": "null"} for n in range(6_000)}}, "words"),
        ({"properties": {str(n): {"pattern": r"\p{L}{99}"} for n in range(60)}}, "expressions"),
        ({"anyOf": [{"enum": list(range(5_000))}] * 1 + [{"required": ["x"] * 6_000}]}, "words"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"$id": "https://example.com/x"}}}, "alternatives"),
    ],
)
def test_too_large_a_schema_is_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(Unprocessable, match=said) as refused:
        check_schema(schema, "It")
    assert refused.value.code == "schema_too_complex"
