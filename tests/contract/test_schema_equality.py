"""The migrations make exactly the tables of `storage/tables/`."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from runwright.storage import migrations
from runwright.storage.tables import metadata
from runwright.storage.tables.acting import queueing


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


def test_the_chain_makes_the_declared_triggers(database_url):
    """A table that is made anew loses them: who changes one of these has to make them again."""
    migrations.upgrade(database_url)

    def definitions(connection):
        if connection.dialect.name == "sqlite":
            found = connection.execute(text("SELECT sql FROM sqlite_master WHERE type = 'trigger'"))
        else:
            found = connection.execute(
                text(
                    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
                    " UNION ALL SELECT prosrc FROM pg_proc WHERE proname = 'queue_event'"
                )
            )
        return {" ".join(each.split()) for each in found.scalars()}

    def remade(connection):
        before = definitions(connection)
        for table in ("flow_run_state", "event"):
            one = "queue_event ON " + table
            name = one if connection.dialect.name == "postgresql" else f"queue_{table}"
            connection.execute(text(f"DROP TRIGGER {name}"))
        if connection.dialect.name == "postgresql":
            connection.execute(text("DROP FUNCTION queue_event()"))
        for statement in queueing(connection.dialect.name):
            connection.execute(text(statement))
        return before, definitions(connection)

    made, declared = migrations._connected(database_url, remade)
    assert made == declared
    assert len(made) == (2 if "sqlite" in database_url else 3)


def test_the_chain_can_be_taken_back(database_url):
    migrations.upgrade(database_url)
    migrations.downgrade(database_url, "0001")
    migrations.upgrade(database_url)
    migrations.downgrade(database_url, "base")
    assert migrations.current(database_url) is None
