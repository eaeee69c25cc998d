"""`/flow_runs/{id}/input`: what people and flows send to a run, whether or not it is paused."""

from litestar import Response, Router, delete, get, post
from litestar.params import JSONBody

from runwright.api.run_inputs import RunInput, RunInputCreate, RunInputQuery
from runwright.server.injected import PathId, PathName, Wired
from runwright.server.problems import Conflict, Missing
from runwright.storage.engine import Transaction
from runwright.storage.queries import limit_of
from runwright.storage.run_inputs import (
    add_run_input,
    remove_run_input,
    run_input_value,
    run_inputs,
)
from runwright.storage.runs import read_run


@post("/{run_id:uuid}/input", status_code=201)
async def create(run_id: PathId, data: JSONBody[RunInputCreate], wiring: Wired) -> None:
    """Send a value to a run, under a key that is not taken."""

    def use_case(tx: Transaction) -> None:
        if read_run(tx, run_id) is None:
            raise Missing(f"There is no flow run {run_id}.")
        if run_input_value(tx, run_id, data.key) is not None:
            raise Conflict(
                f"Flow run {run_id} has an input {data.key!r} already. "
                "Delete that one first, or choose another key."
            )
        add_run_input(tx, run_id, data, wiring.new_id())

    await wiring.storage.write(use_case)


@get("/{run_id:uuid}/input/{key:str}")
async def read(run_id: PathId, key: PathName, wiring: Wired) -> Response[str]:
    """The value of a key, as it was sent."""
    value = await wiring.storage.read(lambda tx: run_input_value(tx, run_id, key))
    if value is None:
        raise Missing(f"Flow run {run_id} has no input {key!r}.")
    return Response(value, media_type="text/plain")


@post("/{run_id:uuid}/input/filter", status_code=200)
async def filtered(run_id: PathId, data: JSONBody[RunInputQuery], wiring: Wired) -> list[RunInput]:
    """Values of the keys that begin with a prefix, the oldest first."""
    limit = limit_of(data.limit)
    return await wiring.storage.read(lambda tx: run_inputs(tx, run_id, data, limit))


@delete("/{run_id:uuid}/input/{key:str}")
async def remove(run_id: PathId, key: PathName, wiring: Wired) -> None:
    """Delete the value of a key."""
    if not await wiring.storage.write(lambda tx: remove_run_input(tx, run_id, key)):
        raise Missing(f"Flow run {run_id} has no input {key!r}.")


router = Router(path="/flow_runs", route_handlers=[create, read, filtered, remove])
