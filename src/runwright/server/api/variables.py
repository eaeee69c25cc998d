"""`/variables`: named JSON values that runs and people share."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody

from runwright.api.filters import VariableFilters, VariableQuery
from runwright.api.variables import Variable, VariableCreate, VariableUpdate
from runwright.server.injected import PathId, PathName, Wired
from runwright.server.pages import many
from runwright.server.problems import Conflict, Missing, Unprocessable
from runwright.server.wiring import Wiring
from runwright.storage.engine import Transaction
from runwright.storage.queries import count, read_one
from runwright.storage.variables import (
    VARIABLES,
    add_variable,
    change_variable,
    find_variable,
    remove_variable,
)

#: Characters of JSON.
_MAX_VALUE = 5000


@post("/", status_code=201)
async def create(data: JSONBody[VariableCreate], wiring: Wired) -> Variable:
    """A new variable."""
    _check_size(data.value)

    def use_case(tx: Transaction) -> Variable:
        _check_free(tx, data.name)
        return add_variable(tx, data, wiring.new_id())

    return await wiring.storage.write(use_case)


@get("/{variable_id:uuid}")
async def read(variable_id: PathId, wiring: Wired) -> Variable:
    """One variable."""
    found = await wiring.storage.read(lambda tx: read_one(tx, VARIABLES, variable_id))
    if found is None:
        raise _missing(variable_id)
    return found


@get("/name/{name:str}")
async def read_by_name(name: PathName, wiring: Wired) -> Variable:
    """The variable of that name."""
    found = await wiring.storage.read(lambda tx: find_variable(tx, name))
    if found is None:
        raise _missing(name)
    return found


@patch("/{variable_id:uuid}", status_code=204)
async def change(variable_id: PathId, data: JSONBody[VariableUpdate], wiring: Wired) -> None:
    """Change a variable."""
    await _change(wiring, variable_id, data)


@patch("/name/{name:str}", status_code=204)
async def change_by_name(name: PathName, data: JSONBody[VariableUpdate], wiring: Wired) -> None:
    """Change the variable of that name."""
    await _change(wiring, name, data)


@delete("/{variable_id:uuid}")
async def remove(variable_id: PathId, wiring: Wired) -> None:
    """Delete a variable."""
    await _remove(wiring, variable_id)


@delete("/name/{name:str}")
async def remove_by_name(name: PathName, wiring: Wired) -> None:
    """Delete the variable of that name."""
    await _remove(wiring, name)


@post("/filter", status_code=200)
async def filtered(data: JSONBody[VariableQuery], wiring: Wired) -> Response[list[Variable]]:
    """Variables that meet the filters."""
    return await many(wiring, VARIABLES, data)


@post("/count", status_code=200)
async def counted(data: JSONBody[VariableFilters], wiring: Wired) -> int:
    """How many variables meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, VARIABLES, data))


async def _change(wiring: Wiring, known_by: UUID | str, wanted: VariableUpdate) -> None:
    if wanted.value is not msgspec.UNSET:
        _check_size(wanted.value)

    def use_case(tx: Transaction) -> None:
        if wanted.name is not None:
            _check_free(tx, wanted.name, known_by)
        if not change_variable(tx, known_by, wanted):
            raise _missing(known_by)

    await wiring.storage.write(use_case)


async def _remove(wiring: Wiring, known_by: UUID | str) -> None:
    if not await wiring.storage.write(lambda tx: remove_variable(tx, known_by)):
        raise _missing(known_by)


def _check_free(tx: Transaction, name: str, known_by: UUID | str | None = None) -> None:
    found = find_variable(tx, name)
    if found is not None and known_by not in (found.id, found.name):
        raise Conflict(
            f"There is a variable {name!r} already, and names are unique. "
            f"Change that one with PATCH /variables/name/{name}, or choose another name."
        )


def _check_size(value: Any) -> None:
    size = len(msgspec.json.encode(value))
    if size > _MAX_VALUE:
        raise Unprocessable(
            f"The value is {size} bytes of JSON; a variable holds at most {_MAX_VALUE}. "
            "Keep what is larger in a file or a store, and its address here.",
            field="value",
        )


def _missing(known_by: UUID | str) -> Missing:
    known = f"{known_by!r}" if isinstance(known_by, str) else f"{known_by}"
    return Missing(f"There is no variable {known}.")


router = Router(
    path="/variables",
    route_handlers=[
        create,
        read,
        read_by_name,
        change,
        change_by_name,
        remove,
        remove_by_name,
        filtered,
        counted,
    ],
)
