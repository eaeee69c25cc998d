"""Parameters as they are given to another process, and as they are shown."""

import enum
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr

from runwright.core.masks import MASK, masked, shown_of
from runwright.errors import ParameterError
from runwright.sdk.parameter_values import given, jsonable, nameable, shown_parameters
from runwright.sdk.parameters import parameter_schema, validate


class Login(BaseModel):
    user: str = "me"
    password: SecretStr = SecretStr("hidden")
    key: SecretBytes | None = Field(default=None, alias="theKey")


@dataclass
class Place:
    host: str
    login: Login
    token: SecretStr


def flow(  # noqa: PLR0917
    s: SecretStr,
    login: Login = Login(),  # noqa: B008
    place: Place | None = None,
    many: list[SecretStr] = [],  # noqa: B006
    by_name: dict[str, Login] = {},  # noqa: B006
    maybe: Annotated[SecretStr | None, Field(description="x")] = None,
    plain: str = "plain",
) -> None: ...


RAW = {
    "s": "topsecret",
    "login": {"user": "u", "password": "topsecret", "theKey": "topsecret"},
    "place": {"host": "h", "login": {"password": "topsecret"}, "token": "topsecret"},
    "many": ["topsecret", "topsecret"],
    "by_name": {"a": {"password": "topsecret"}},
    "maybe": "topsecret",
    "plain": "seen",
}


def test_secrets_are_masked_before_and_after_they_are_checked():
    before = shown_parameters(flow, RAW)
    after = shown_parameters(flow, validate(flow, RAW))
    for shown in (before, after):
        assert "topsecret" not in repr(shown)
        assert shown["s"] == MASK
        assert shown["login"]["password"] == MASK
        assert shown["login"]["user"] == "u"
        assert shown["place"]["host"] == "h"
        assert shown["place"]["token"] == MASK
        assert shown["many"] == [MASK, MASK]
        assert shown["maybe"] == MASK
        assert shown["plain"] == "seen"


def test_the_server_masks_by_the_schema_that_the_sdk_makes():
    schema = parameter_schema(flow)
    shown = masked(RAW, schema)
    assert "topsecret" not in repr(shown)
    assert shown["login"]["user"] == "u"
    assert shown["plain"] == "seen"
    assert shown_of({"plain": "seen"}, schema) is None
    assert shown_of(RAW, None) is None


def test_a_default_with_a_secret_is_not_in_the_schema():
    schema = parameter_schema(flow)
    assert "default" not in schema["properties"]["login"]
    assert schema["properties"]["plain"]["default"] == "plain"


def test_names_of_runs_have_no_secrets():
    assert "topsecret" not in "{s} {login} {place} {many}".format(**nameable(flow, RAW))
    assert nameable(flow, RAW)["plain"] == "seen"


def test_errors_about_secrets_do_not_tell_them():
    def strict(s: Annotated[SecretStr, Field(min_length=50)], login: Login) -> None: ...

    with pytest.raises(ParameterError) as refused:
        validate(strict, {"s": "topsecret", "login": {"user": [], "password": "topsecret"}})
    assert "topsecret" not in str(refused.value)
    assert "login.user" in str(refused.value)


class Colour(enum.Enum):
    RED = "red"


def test_what_is_given_arrives_as_it_was():
    def target(  # noqa: PLR0917
        s: SecretStr,
        login: Login,
        b: bytes,
        x: float,
        y: list[float],
        n: int,
        colour: Colour,
        when: datetime,
        place: Place,
        tags: set[int],
    ) -> None: ...

    now = datetime(2026, 1, 1, tzinfo=UTC)
    login = Login(user="u", password=SecretStr("pw"), theKey=SecretBytes(b"key"))
    values: dict[str, Any] = {
        "s": SecretStr("topsecret"),
        "login": login,
        "b": "é\0".encode(),
        "x": math.inf,
        "y": [-math.inf, 1.5],
        "n": 2**70,
        "colour": Colour.RED,
        "when": now,
        "place": Place("h", login, SecretStr("t")),
        "tags": {1, 2},
    }
    there = validate(target, given(values))
    assert there == values
    assert there["s"].get_secret_value() == "topsecret"
    assert math.isnan(validate(target, given(values | {"x": math.nan}))["x"])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (object(), "which JSON has not"),
        (b"\xff", "no UTF-8"),
        ("a\ud800", "lone surrogates"),
        ([{"a": "\udce9"}], "v.0.a"),
        (10**6000, "4,300 digits"),
        ({(1, 2): 3}, "key of type"),
        (print, "which JSON has not"),
    ],
    ids=["object", "bytes", "text", "nested", "huge", "key", "function"],
)
def test_what_cannot_be_given_is_refused(value, why):
    with pytest.raises(ParameterError, match="Parameter v") as refused:
        given({"v": value})
    assert why in str(refused.value)


def test_what_is_shown_has_bounds():
    endless: list[Any] = []
    endless.append(endless)
    shown = jsonable(
        {
            "endless": endless,
            "long": "x" * 1_000_000,
            "many": list(range(1_000_000)),
            "wide": [[[0] * 1000] * 1000] * 1000,
            "bytes": b"x" * 1_000_000,
            "nan": math.nan,
            "huge": 10**6000,
        }
    )
    assert len(shown["long"]) < 11_000
    assert shown["many"][-1] == "... 999,000 more"
    assert shown["nan"] == "NaN"
    assert shown["bytes"] == "<1,000,000 bytes>"
    assert len(repr(shown)) < 500_000
