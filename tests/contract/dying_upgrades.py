"""Upgrades a database again and again, each time in a process that is killed on the way.

A program of its own, so that only what it needs is in the memory that it forks. It takes the URL
of a database and numbers of statements, and says in a line of JSON for each number whether the
process died before that statement, and what it left. The number 0 lets the upgrade end, and says
which of its statements record a revision, and how many there are.
"""

import json
import os
import signal
import sys

from sqlalchemy import Connection, Engine, event, text

from runwright.storage import migrations

#: Pages. So few that SQLite writes into its file long before the commit.
_CACHE = 5
_SQLITE = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master"
_POSTGRES = """
    SELECT table_name || ' ' || column_name || ' ' || udt_name || ' ' || is_nullable
      FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def what_is_there(database_url: str) -> list[str]:
    """Every definition of the schema, the revision, and the runs with two of their times."""

    def look(connection: Connection) -> list[str]:
        is_sqlite = connection.dialect.name == "sqlite"
        found = sorted(connection.scalars(text(_SQLITE if is_sqlite else _POSTGRES)))
        names = " ".join(found)
        if "alembic_version" in names:
            found += connection.scalars(text("SELECT version_num FROM alembic_version"))
        if "flow_run_state" in names:
            runs = text("SELECT id, created, expected_start_time FROM flow_run ORDER BY id")
            found += map(repr, connection.execute(runs))
        return found

    return migrations._connected(database_url, look)


def _upgrade(database_url: str, dies_before: int) -> tuple[list[int], int]:
    records: list[int] = []
    count = 0

    def reach(statement: str) -> None:
        nonlocal count
        count += 1
        if count == dies_before:
            os.kill(os.getpid(), signal.SIGKILL)
        if "alembic_version" in statement and "version_num=" in statement.replace(" = ", "="):
            records.append(count)

    def connected(connection: object, _record: object) -> None:
        if "sqlite" in type(connection).__module__:
            connection.execute(f"PRAGMA cache_size = {_CACHE}")
            connection.execute("PRAGMA synchronous = OFF")  # the machine lives on

    event.listen(Engine, "connect", connected)
    event.listen(Engine, "before_cursor_execute", lambda *told: reach(told[2]))
    event.listen(Engine, "commit", lambda _: reach("COMMIT"))
    migrations.upgrade(database_url)
    return records, count


def _say(*what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def main(database_url: str, *numbers: str) -> None:
    # The chain is read once, and not again in each process.
    script = migrations._script()
    list(script.walk_revisions())
    migrations._script = lambda: script
    for number in map(int, numbers):
        child = os.fork()
        if child == 0:
            told = _upgrade(database_url, number)
            _say(*told)
            os._exit(0)
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        if number:
            _say(number, died, what_is_there(database_url))


if __name__ == "__main__":
    main(*sys.argv[1:])
