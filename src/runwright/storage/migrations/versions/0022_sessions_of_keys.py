"""Keys record who made them, and sessions hang on the key that they were signed in with.

Of the sessions that are there it is not known, so they end: their browsers sign in again.
"""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_api_key = sa.table("api_key", sa.column("kind", sa.String), sa.column("id", types.Id()))


def upgrade() -> None:
    """Add the columns, and end the sessions."""
    op.add_column("api_key", sa.Column("created_by", types.Json(), nullable=True))
    op.add_column("api_key", sa.Column("created_by_id", types.Id(), nullable=True))
    op.create_index(op.f("ix_api_key_created_by_id"), "api_key", ["created_by_id"])
    op.create_index(op.f("ix_api_key_secret_hash"), "api_key", ["secret_hash"])
    op.execute(sa.delete(_api_key).where(_api_key.c.kind == "session"))


def downgrade() -> None:
    """Forget it, and end the sessions: the version before would let them outlive their keys."""
    op.execute(sa.delete(_api_key).where(_api_key.c.kind.in_(["session", "sign_in"])))
    op.drop_index(op.f("ix_api_key_secret_hash"), table_name="api_key")
    op.drop_index(op.f("ix_api_key_created_by_id"), table_name="api_key")
    op.drop_column("api_key", "created_by_id")
    op.drop_column("api_key", "created_by")
