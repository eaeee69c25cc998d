"""Background tasks: deliveries, and who carries them out."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "task_worker",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("task_keys", types.Json(), nullable=False),
        sa.Column("seen_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_worker")),
    )
    op.create_table(
        "task_delivery",
        sa.Column("task_run_id", types.Id(), nullable=False),
        sa.Column("task_key", sa.String(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=False),
        sa.Column("task_worker_id", types.Id(), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_run_id"],
            ["task_run.id"],
            name=op.f("fk_task_delivery_task_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_worker_id"],
            ["task_worker.id"],
            name=op.f("fk_task_delivery_task_worker_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("task_run_id", name=op.f("pk_task_delivery")),
    )
    op.create_index(op.f("ix_task_delivery_task_key_due_at"), "task_delivery", ["task_key", "due_at"])
    op.create_index(op.f("ix_task_delivery_task_worker_id"), "task_delivery", ["task_worker_id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("task_delivery")
    op.drop_table("task_worker")
