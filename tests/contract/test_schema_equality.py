"""The migrations make exactly the tables of `storage/tables/`."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from runwright.storage import migrations
from runwright.storage.tables import metadata


def test_the_chain_makes_the_declared_schema(database_url):
    migrations.upgrade(database_url)

    def compare(connection):
        # Some indexes are of one database alone; Alembic does not ask for which.
        def is_here(declared, _name, _type, reflected, _other):
            rule = None if reflected else getattr(declared, "_ddl_if", None)
            return rule is None or rule.dialect == connection.dialect.name

        context = MigrationContext.configure(connection, opts={"include_object": is_here})
        return compare_metadata(context, metadata)

    assert migrations._connected(database_url, compare) == []


def test_the_chain_can_be_taken_back(database_url):
    migrations.upgrade(database_url)
    migrations.downgrade(database_url, "0001")
    migrations.upgrade(database_url)
    migrations.downgrade(database_url, "base")
    assert migrations.current(database_url) is None
