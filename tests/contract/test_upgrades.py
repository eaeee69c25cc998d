"""Upgrades that meet, and revisions said and taken back, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect

from runwright.errors import DatabaseError
from runwright.storage import migrations


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
