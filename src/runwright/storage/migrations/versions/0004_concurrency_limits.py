"""Named concurrency limits, and the slots that are occupied."""

import sqlalchemy as sa
from alembic import op

from runwright.storage.types import Id, Instant, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "concurrency_limit",
        sa.Column("id", Id(), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("updated", Instant(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slot_limit", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("slot_decay_per_second", sa.Float(), nullable=False),
        sa.Column("occupied", sa.Float(), nullable=False),
        sa.Column("occupied_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concurrency_limit")),
        sa.UniqueConstraint("name", name=op.f("uq_concurrency_limit_name")),
    )
    op.create_table(
        "concurrency_slot",
        sa.Column("id", Id(), nullable=False),
        sa.Column("limit_id", Id(), nullable=True),
        sa.Column("lease_id", Id(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("holder", Json(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["limit_id"],
            ["concurrency_limit.id"],
            name=op.f("fk_concurrency_slot_limit_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concurrency_slot")),
    )
    op.create_index(op.f("ix_concurrency_slot_limit_id"), "concurrency_slot", ["limit_id"])
    op.create_index(op.f("ix_concurrency_slot_lease_id"), "concurrency_slot", ["lease_id"])
    op.create_index(op.f("ix_concurrency_slot_expires_at"), "concurrency_slot", ["expires_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("concurrency_slot")
    op.drop_table("concurrency_limit")
