"""Upgrades that meet, and revisions said and taken back, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import column, insert, inspect, select, table

from runwright.errors import DatabaseError
from runwright.storage import migrations
from runwright.storage.tables import api_key

#: Those of a key as it was at revision 0020.
_KEY_COLUMNS = {"id", "created", "updated", "name", "kind", "secret_hash", "scopes"}


def tables_of(database_url):
    return migrations._connected(  # the one way to a connection on both
        database_url, lambda connection: set(inspect(connection).get_table_names())
    )


def test_servers_that_upgrade_at_once_upgrade_once(database_url):
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(migrations.upgrade, [database_url] * 6))
    assert migrations.current(database_url) == migrations.head()
    assert "flow_run" in tables_of(database_url)


def test_a_revision_is_taken_back_with_its_tables_and_comes_again(database_url):
    migrations.upgrade(database_url)
    migrations.downgrade(database_url, "base")
    assert migrations.current(database_url) is None
    assert tables_of(database_url) == {"alembic_version"}
    migrations.upgrade(database_url)
    assert "flow_run" in tables_of(database_url)


def test_a_stamp_changes_nothing_but_the_revision(database_url):
    migrations.stamp(database_url)
    assert migrations.current(database_url) == migrations.head()
    assert tables_of(database_url) == {"alembic_version"}


def test_a_newer_database_is_left_alone(database_url):
    migrations.upgrade(database_url)
    migrations._connected(
        database_url,
        lambda connection: connection.exec_driver_sql(
            "UPDATE alembic_version SET version_num = '9999'"
        ),
    )
    for change in (migrations.upgrade, migrations.stamp):
        with pytest.raises(DatabaseError, match="at revision '9999', which this program does not"):
            change(database_url)
    assert "flow_run" in tables_of(database_url)


def test_keys_that_could_say_what_workers_execute_still_can(database_url):
    """0021 made a scope of it."""
    migrations.upgrade(database_url, "0020")
    scopes = {
        "both": ["deployments:write", "runs:create", "runs:read"],
        "runs": ["runs:create"],
        "deploys": ["deployments:write"],
    }

    key = table(
        "api_key",
        *(column(each.name, each.type) for each in api_key.c if each.name in _KEY_COLUMNS),
    )

    def add(connection):
        now = datetime.now(UTC)  # noqa: TID251
        for name, held in scopes.items():
            about = {"id": uuid4(), "created": now, "updated": now, "name": name, "kind": "user"}
            connection.execute(insert(key).values(**about, secret_hash=name, scopes=held))

    def read(connection):
        return dict(tuple(row) for row in connection.execute(select(key.c.name, key.c.scopes)))

    migrations._connected(database_url, add)
    migrations.upgrade(database_url)
    widened = scopes | {"both": sorted([*scopes["both"], "runs:infrastructure"])}
    assert migrations._connected(database_url, read) == widened
    migrations.downgrade(database_url, "0020")
    migrations.upgrade(database_url)
    assert migrations._connected(database_url, read) == widened
