"""A history that has grown: what many recorded runs cost those that come after.

The rows are copied inside SQLite, since no server takes a million runs in the time of a bench.
"""

import sqlite3
import uuid
from pathlib import Path

from bench.compare.engines import Engine

SIZES = (10_000, 100_000, 1_000_000)
#: A run a second, back from now.
_SHIFTED = {
    "runwright": "old.{column} - new.number * 1000000",
    "prefect": "strftime('%Y-%m-%d %H:%M:%f000', old.{column}, '-' || new.number || ' seconds')",
}
#: A line a millisecond, from 1970 on.
_LINE_AT = {
    "runwright": "i * 1000",
    "prefect": "strftime('%Y-%m-%d %H:%M:%f000', i / 1000.0, 'unixepoch')",
}
_TIMES = {
    "created", "updated", "start_time", "end_time", "expected_start_time", "state_timestamp",
    "timestamp",
}  # fmt: skip
_OF_RUN = {
    "id": "new.run",
    "state_id": "new.state",
    "root_run_id": "new.run",
    "name": "'grown-' || new.number",
    "idempotency_key": "NULL",
}
_OF_STATE = {"id": "new.state", "flow_run_id": "new.run"}


def ended_run(engine: Engine) -> str:
    """The id of a run that has completed, to be copied."""
    flow = engine.ask("POST", "/flows/", {"name": "load"})["id"]
    run = engine.ask("POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})["id"]
    for kind in ("RUNNING", "COMPLETED"):
        engine.ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": kind}, "force": True})
    return run


def copy_runs(engine: Engine, database: Path, run: str, first: int, last: int) -> None:
    """Add the runs of these numbers, the last not included, as copies of `run`."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.create_function("new_id", 0, lambda: str(uuid.uuid4()))
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("CREATE TEMP TABLE new (number INTEGER, run TEXT, state TEXT)")
    for begun in range(first, last, 50_000):
        connection.execute("BEGIN")
        connection.execute("DELETE FROM new")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
            "INSERT INTO new SELECT i, new_id(), new_id() FROM n",
            (begun, min(last, begun + 50_000)),
        )
        _copy(connection, engine.name, "flow_run", _OF_RUN, f"old.id = '{run}'")
        of_last = f"old.id = (SELECT state_id FROM flow_run WHERE id = '{run}')"
        _copy(connection, engine.name, "flow_run_state", _OF_STATE, of_last)
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def add_lines(engine: Engine, database: Path, run: str, count: int) -> None:
    """Add so many log lines of the run."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    known = {row[1] for row in connection.execute("PRAGMA table_info(log)")}
    at = _LINE_AT[engine.name]
    values = {
        "id": "printf('%08x-0000-4000-8000-000000000000', i)",
        "flow_run_id": "?",
        "created": at,
        "updated": at,
        "timestamp": at,
        "level": "20",
        "name": "'flow'",
        "message": "'a line of usual length, number ' || i",
    }
    values = {column: value for column, value in values.items() if column in known}
    for begun in range(0, count, 500_000):
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
            f"INSERT INTO log ({', '.join(values)}) SELECT {', '.join(values.values())} FROM n",
            (begun, min(count, begun + 500_000), run),
        )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _copy(
    connection: sqlite3.Connection, engine: str, table: str, values: dict[str, str], which: str
) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    given = [
        values.get(column)
        or (_SHIFTED[engine] if column in _TIMES else "old.{column}").format(column=column)
        for column in columns
    ]
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) "  # names of columns
        f"SELECT {', '.join(given)} FROM {table} AS old, new WHERE {which}"
    )
