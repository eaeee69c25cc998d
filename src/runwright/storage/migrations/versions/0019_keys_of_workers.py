"""Which key a worker instance was made by: no other key speaks for it."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Workers that are there are bound by their next heartbeat."""
    op.add_column("worker", sa.Column("key_id", types.Id(), nullable=True))
    op.create_index(op.f("ix_worker_key_id"), "worker", ["key_id"])


def downgrade() -> None:
    """Forget it."""
    op.drop_index(op.f("ix_worker_key_id"), table_name="worker")
    op.drop_column("worker", "key_id")
