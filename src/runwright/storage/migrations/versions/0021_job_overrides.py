"""Which job variables a run may set, and the scope of those who may set all of them."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SCOPE = "runs:infrastructure"
#: Who has both could say what workers execute before: by a deployment, and a run of it.
_EQUAL_TO_IT = {"deployments:write", "runs:create"}
_keys = sa.table("api_key", sa.column("id", types.Id()), sa.column("scopes", types.Json()))


def upgrade() -> None:
    """Add the column, and the scope to the keys that could do as much without it."""
    op.add_column(
        "deployment", sa.Column("overridable_job_variables", types.Json(), nullable=True)
    )
    connection = op.get_bind()
    for id_, scopes in connection.execute(sa.select(_keys.c.id, _keys.c.scopes)).all():
        if set(scopes) >= _EQUAL_TO_IT:
            _set(connection, id_, sorted({*scopes, _SCOPE}))


def downgrade() -> None:
    """Forget both."""
    connection = op.get_bind()
    for id_, scopes in connection.execute(sa.select(_keys.c.id, _keys.c.scopes)).all():
        if _SCOPE in scopes:
            _set(connection, id_, [scope for scope in scopes if scope != _SCOPE])
    op.drop_column("deployment", "overridable_job_variables")


def _set(connection: sa.Connection, id_: object, scopes: list[str]) -> None:
    connection.execute(sa.update(_keys).where(_keys.c.id == id_).values(scopes=scopes))
