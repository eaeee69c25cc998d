"""Named JSON values that flows share."""

from collections.abc import Generator, Sequence
from typing import Any, Self
from urllib.parse import quote

import msgspec

from runwright.api import variables as wire
from runwright.errors import FlowError
from runwright.sdk.asking import answered, refused
from runwright.sdk.channel import Told
from runwright.sdk.procedures import Procedure, Request, called

_NOT_FOUND, _CONFLICT, _REFUSED = 404, 409, 400


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A named JSON value. In an async function each call has to be awaited."""

    name: str
    value: Any
    tags: list[str] = []

    @classmethod
    def get(cls, name: str, default: Any = None) -> Any:
        """The value, or `default` where there is none.

        Raises:
            ServerUnreachable: the variable is defined, and there is no control plane.
        """
        return called(_get(name, default))

    @classmethod
    def set(
        cls,
        name: str,
        value: Any,
        tags: Sequence[str] | None = None,
        overwrite: bool = False,  # as the field writes it
    ) -> Any:
        """Keep a value under a name; the `Variable`.

        Raises:
            AlreadyExists: there is one, and `overwrite` was not said.
            Unprocessable: the name or the value cannot be.
        """
        return called(_set(cls, name, value, tags, overwrite=overwrite))

    @classmethod
    def unset(cls, name: str) -> Any:
        """Forget a value; whether there was one."""
        return called(_unset(name))

    @classmethod
    async def aget(cls, name: str, default: Any = None) -> Any:
        """`get`, in an async function."""
        return await cls.get(name, default)

    @classmethod
    async def aset(
        cls,
        name: str,
        value: Any,
        tags: Sequence[str] | None = None,
        overwrite: bool = False,
    ) -> Self:
        """`set`, in an async function."""
        return await cls.set(name, value, tags, overwrite)

    @classmethod
    async def aunset(cls, name: str) -> bool:
        """`unset`, in an async function."""
        return await cls.unset(name)


def _get(name: str, default: Any) -> Procedure[Any]:
    told: Told = yield Request("GET", _path(name))
    if told.status == _NOT_FOUND:
        return default
    return answered(told, wire.Variable, f"the variable {name!r}").value


def _set(
    kind: type[Variable], name: str, value: Any, tags: Sequence[str] | None, *, overwrite: bool
) -> Generator[Request, Told, Variable]:
    try:
        value = msgspec.to_builtins(value, str_keys=True)
    except (TypeError, msgspec.MsgspecError) as error:
        raise FlowError(f"The value of variable {name!r} is no JSON: {error}.") from None
    body = {"name": name, "value": value, "tags": list(tags or ())}
    told = yield Request("POST", "/variables/", body)
    if told.status == _CONFLICT and overwrite:
        change = {"value": value} | ({} if tags is None else {"tags": list(tags)})
        told = yield Request("PATCH", _path(name), change)
    if told.status >= _REFUSED:
        raise refused(told, f"the variable {name!r}")
    return kind(name=name, value=value, tags=list(tags or ()))


def _unset(name: str) -> Generator[Request, Told, bool]:
    told = yield Request("DELETE", _path(name))
    if told.status == _NOT_FOUND:
        return False
    if told.status >= _REFUSED:
        raise refused(told, f"the variable {name!r}")
    return True


def _path(name: str) -> str:
    return f"/variables/name/{quote(name, safe='')}"
