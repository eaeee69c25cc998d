"""What every table has."""

from sqlalchemy import Column, MetaData

from runwright.storage.types import Id, Instant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column() -> Column:
    """The primary key."""
    return Column("id", Id, primary_key=True)


def created_columns() -> tuple[Column, Column]:
    """When the row was made, and when it was last changed."""
    return Column("created", Instant, nullable=False), Column("updated", Instant, nullable=False)
