"""Calls about logs."""

from uuid import UUID

from runwright.api.filters import IdIs, LogFilter, LogQuery, NumberIs
from runwright.api.logs import Log
from runwright.client.call import Call, query


def of_run(
    run_id: UUID, *, level: int | None = None, limit: int = 200, offset: int = 0
) -> Call[list[Log]]:
    """Log records of a run, oldest first; `level` is the lowest that counts."""
    where = LogFilter(
        flow_run_id=IdIs(any_=[run_id]),
        level=NumberIs(ge_=level) if level is not None else None,
    )
    body = LogQuery(logs=where, sort="TIMESTAMP_ASC", limit=limit, offset=offset)
    return query("/logs/filter", list[Log], body)
