"""The migrations make exactly the tables of `tables.py`."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from runwright.storage import migrations
from runwright.storage.tables import metadata


def test_the_chain_makes_the_declared_schema(database_url):
    migrations.upgrade(database_url)
    compare = lambda connection: compare_metadata(  # noqa: E731
        MigrationContext.configure(connection), metadata
    )
    assert migrations._connected(database_url, compare) == []
