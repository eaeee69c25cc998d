"""`/logs`, and a run's log as text."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.params import JSONBody
from litestar.response import Stream

from runwright.api.filters import LogQuery
from runwright.api.logs import Log, LogCreate
from runwright.core.terminal_text import one_line, record_text
from runwright.server.api.log_stream import take_out
from runwright.server.decoding import LAX, decode
from runwright.server.injected import Asker, PathId, Wired
from runwright.server.problems import Unprocessable
from runwright.server.use_cases.own_runs import refuse_foreign_tasks
from runwright.server.wiring import Wiring
from runwright.storage.engine import Transaction
from runwright.storage.logs import LOGS, add_logs, fitted, lines_of
from runwright.storage.queries import read_many

_LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_MAX_LEVEL = 2**31 - 1
_MOST_LINES = 1_000_000
#: Records that are kept in a millisecond.
_FEW = 100
_records = msgspec.json.Decoder(list[LogCreate])


async def create_fast(wiring: Wired, principal: Asker, body: bytes) -> tuple[int, bytes]:
    """Keep log records. An execution may write those of its own run alone."""
    records = decode(_records, body)
    own = principal.flow_run_id
    for record in records:
        if not 0 <= record.level <= _MAX_LEVEL:
            raise Unprocessable(f"A level of {record.level} cannot be.", field="level")
        if own is not None and record.flow_run_id != own:
            raise Unprocessable("An execution writes the log of its own run alone.")
    storage = wiring.storage
    keep = storage.jot if len(records) <= _FEW else storage.write

    def use_case(tx: Transaction) -> None:
        if own is not None:
            named = {each.task_run_id for each in records if each.task_run_id is not None}
            refuse_foreign_tasks(tx, principal, named)
        add_logs(tx, records, wiring.new_id)

    await keep(use_case)
    return 201, b"null"


@post("/", status_code=201, opt=LAX)
async def create(
    data: JSONBody[list[LogCreate]], wiring: Wired, principal: Asker
) -> Response[bytes]:
    """Keep log records: an array, in order."""
    status, content = await create_fast(wiring, principal, msgspec.json.encode(data))
    return Response(content, status_code=status, media_type="application/json")


@post("/filter", status_code=200)
async def filtered(data: JSONBody[LogQuery], wiring: Wired) -> list[Log]:
    """Log records that meet the filters; oldest first by default."""
    return await wiring.storage.read(lambda tx: fitted(read_many(tx, LOGS, data)))


@get("/flow_runs/{run_id:uuid}/logs/download")
async def download(run_id: PathId, wiring: Wired) -> Stream:
    """A run's log as text, oldest first, one record a line."""
    return Stream(
        _text(wiring, run_id),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{run_id}.log"'},
    )


async def _text(wiring: Wiring, run_id: UUID) -> AsyncIterator[str]:
    """The log, some lines at a time: it may be larger than the memory."""
    after = None
    for _ in range(_MOST_LINES):
        lines = await wiring.storage.read(lambda tx, after=after: lines_of(tx, run_id, after))
        if not lines:
            return
        after = lines[-1].timestamp, lines[-1].id
        yield "".join(
            f"{record.timestamp.isoformat()} | {_LEVELS.get(record.level, record.level):<8} | "
            f"{one_line(record.name)} - {record_text(record.message)}\n"
            for record in lines
        )


router = Router(
    path="/",
    route_handlers=[Router("/logs", route_handlers=[create, filtered]), download, take_out],
)
