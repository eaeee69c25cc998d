"""Binding, coercion and description of flows' parameters."""

import enum
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from runwright.errors import ParameterError
from runwright.sdk.parameters import bind, call_arguments, jsonable, parameter_schema, validate

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForTypeCheckers


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Order(BaseModel):
    item: str
    count: int = 1


@dataclass
class Point:
    x: int
    y: int


def test_arguments_are_bound_with_their_defaults():
    def fn(a, b=2, *, c=3): ...

    assert bind(fn, (1,), {}) == {"a": 1, "b": 2, "c": 3}
    assert bind(fn, (), {"c": 0, "a": 1}) == {"a": 1, "b": 2, "c": 0}


def test_plain_arguments_keep_the_order_of_the_signature():
    def fn(a, b, c=3): ...

    assert list(bind(fn, (), {"c": 0, "b": 1, "a": 2})) == ["a", "b", "c"]


def test_variadic_arguments_survive_the_round_trip():
    def fn(a, /, b, *rest, c, **more):
        return a, b, rest, c, more

    args, kwargs = call_arguments(fn, bind(fn, (1, 2, 3, 4), {"c": 5, "d": 6}))

    assert fn(*args, **kwargs) == (1, 2, (3, 4), 5, {"d": 6})


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((), {}, "missing a required argument: 'a'"),
        ((1, 2, 3), {}, "too many positional arguments"),
        ((1,), {"a": 2}, "multiple values for argument 'a'"),
        ((1,), {"z": 2}, "unexpected keyword argument 'z'"),
    ],
)
def test_a_call_that_does_not_fit_says_why(args, kwargs, says):
    def ship(a, b=2): ...

    with pytest.raises(ParameterError, match=says) as caught:
        bind(ship, args, kwargs)
    assert "ship(a, b=2)" in str(caught.value)


def test_values_are_coerced():
    def fn(  # noqa: PLR0917
        count: int,
        ratio: float,
        when: datetime,
        day: date,
        size: Size,
        order: Order,
        point: Point,
        either: int | str,
        picked: Literal["a", "b"],
        small: Annotated[int, Field(lt=10)],
        many: list[Order],
        anything,
    ): ...

    got = validate(
        fn,
        {
            "count": "3",
            "ratio": 1,
            "when": "2026-01-02T03:04:05Z",
            "day": "2026-01-02",
            "size": "large",
            "order": {"item": "tea", "count": "2"},
            "point": {"x": 1, "y": "2"},
            "either": "x",
            "picked": "b",
            "small": 9,
            "many": [{"item": "a"}],
            "anything": fn,
        },
    )

    assert got["count"] == 3
    assert type(got["ratio"]) is float
    assert got["when"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert got["day"] == date(2026, 1, 2)
    assert got["size"] is Size.LARGE
    assert got["order"] == Order(item="tea", count=2)
    assert got["point"] == Point(1, 2)
    assert got["either"] == "x"
    assert got["many"] == [Order(item="a")]
    assert got["anything"] is fn


def test_what_does_not_fit_is_named_with_what_was_given_and_expected():
    def fn(count: int, order: Order, day: date, note: str = ""): ...

    with pytest.raises(ParameterError) as caught:
        validate(fn, {"count": "many", "order": {"count": 1}, "color": 1}, flow_name="shop")

    message = str(caught.value)
    assert "Flow 'shop' cannot run" in message
    assert "count: Input should be a valid integer" in message
    assert "Got 'many' (str). Expected: int." in message
    assert "order.item: Field required" in message
    assert "day: missing. Expected: date." in message
    assert "color: there is no such parameter (there are: count, order, day, note)" in message


def test_defaults_are_filled_in_and_taken_as_they_are():
    def fn(a: int = None, b: list[int] = ("x",)): ...  # noqa: RUF013  # pyright: ignore

    assert validate(fn, {}) == {"a": None, "b": ("x",)}
    assert validate(fn, bind(fn, (), {})) == {"a": None, "b": ("x",)}


def test_an_annotation_that_cannot_be_resolved_accepts_anything():
    def fn(a: "OnlyForTypeCheckers", b: "int"): ...

    assert validate(fn, {"a": "x", "b": "1"}) == {"a": "x", "b": 1}


def test_classes_of_the_user_are_checked_by_instance():
    class Handle: ...

    def fn(handle: Handle): ...

    handle = Handle()
    assert validate(fn, {"handle": handle}) == {"handle": handle}
    with pytest.raises(ParameterError, match="instance of"):
        validate(fn, {"handle": 1})


def test_variadic_values_are_coerced_one_by_one():
    def fn(*numbers: int, **named: float): ...

    bound = bind(fn, ("1", 2), {"x": "1.5"})
    assert validate(fn, bound) == {"numbers": (1, 2), "named": {"x": 1.5}}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
scalars = [str, int, float, bool, dict, list, None, Any, str | None, int | str, float | None]
containers = [list[int], list[str | None], dict[str, int], dict[str, list[float]]]
annotations = st.sampled_from([*scalars, *containers, list[dict[str, Any]]])


@given(annotation=annotations, value=json_values)
def test_the_fast_path_agrees_with_pydantic(annotation, value):
    def fn(x): ...

    fn.__annotations__["x"] = annotation
    try:
        expected = TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        with pytest.raises(ParameterError):
            validate(fn, {"x": value})
    else:
        got = validate(fn, {"x": value})["x"]
        assert got == expected
        assert type(got) is type(expected)


@given(args=st.lists(st.integers(), max_size=4), names=st.sets(st.sampled_from("abcd")))
def test_binding_agrees_with_a_call(args, names):
    def fn(a, b=2, c=3):
        return {"a": a, "b": b, "c": c}

    kwargs = dict.fromkeys(names, 0)
    try:
        expected = fn(*args, **kwargs)
    except TypeError:
        with pytest.raises(ParameterError):
            bind(fn, tuple(args), kwargs)
    else:
        assert bind(fn, tuple(args), kwargs) == expected


def test_plain_parameters_do_not_load_pydantic():
    program = (
        "import sys\n"
        "from runwright.sdk.parameters import bind, validate\n"
        "def fn(a: int, b: str | None = None, c: list[int] = []): ...\n"
        "validate(fn, bind(fn, (1,), {'c': [1]}))\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_schema_describes_each_parameter():
    def fn(order: Order, count: int, size: Size = Size.SMALL, note: str | None = None, free=1):
        """Ship it.

        Args:
            order: what to ship,
                in full
            count: how many
        """

    schema = parameter_schema(fn)

    assert schema["title"] == "Parameters"
    assert schema["additionalProperties"] is False  # a misspelt one is refused when it is asked for
    assert schema["type"] == "object"
    assert schema["required"] == ["order", "count"]
    assert schema["properties"]["count"] == {
        "type": "integer",
        "title": "count",
        "position": 1,
        "description": "how many",
    }
    assert schema["properties"]["order"] == {
        "allOf": [{"$ref": "#/definitions/Order"}],
        "title": "order",
        "position": 0,
        "description": "what to ship, in full",
    }
    assert schema["properties"]["size"]["default"] == "small"
    assert schema["properties"]["note"]["default"] is None
    assert schema["properties"]["free"] == {"title": "free", "position": 4, "default": 1}
    assert set(schema["definitions"]) >= {"Order"}


def test_a_type_without_a_schema_accepts_anything():
    class Handle: ...

    def fn(handle: Handle, other: Handle = Handle()): ...  # noqa: B008

    assert parameter_schema(fn)["properties"] == {
        "handle": {"title": "handle", "position": 0},
        "other": {"title": "other", "position": 1},
    }


def test_parameters_are_shown_as_json():
    class Handle: ...

    shown = jsonable(
        {
            "n": 1,
            "when": datetime(2026, 1, 2, tzinfo=UTC),
            "size": Size.LARGE,
            "order": Order(item="tea"),
            "point": Point(1, 2),
            "nested": [Handle(), {"a": (1, 2)}],
        }
    )

    assert shown["when"] == "2026-01-02T00:00:00Z"
    assert shown["size"] == "large"
    assert shown["order"] == {"item": "tea", "count": 1}
    assert shown["point"] == {"x": 1, "y": 2}
    assert shown["nested"][0].endswith("Handle>")
    assert shown["nested"][1] == {"a": [1, 2]}


def test_a_secret_default_inside_a_model_is_left_out_of_the_schema() -> None:
    from pydantic import BaseModel, SecretStr

    class Inner(BaseModel):
        password: SecretStr = SecretStr("topsecret")
        port: int = 5432

    class Outer(BaseModel):
        inner: Inner = Inner()

    shared = Inner()

    def fn(outer: Outer, direct: Inner = shared) -> None: ...

    schema = parameter_schema(fn)
    assert "**" not in str(schema)
    assert schema["definitions"]["Inner"]["properties"]["port"]["default"] == 5432
    assert "default" not in schema["definitions"]["Inner"]["properties"]["password"]


def test_what_pydantic_cannot_read_is_not_validated_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from pydantic.v1 import BaseModel

    class Old(BaseModel):
        a: int

    def fn(old: Old, frame: "Optional[pd.DataFrame]" = None, ahead: "Later" = None) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    old = Old(a=1)
    for _ in range(2):
        assert validate(fn, {"old": old, "frame": 3, "ahead": 4})["old"] is old
    assert sum("old is not validated" in line for line in caplog.messages) == 1
    assert set(parameter_schema(fn)["properties"]) == {"old", "frame", "ahead"}
