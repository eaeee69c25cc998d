"""How the machines of workers did over time."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "host_reading",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("worker_id", types.Id(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("figures", types.Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["worker.id"],
            name=op.f("fk_host_reading_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_reading")),
    )
    op.create_index(op.f("ix_host_reading_worker_id_at"), "host_reading", ["worker_id", "at"])
    op.create_index(op.f("ix_host_reading_at"), "host_reading", ["at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("host_reading")
