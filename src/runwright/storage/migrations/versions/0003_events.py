"""Events that clients send, and the instants of states in order: the control plane's own events."""

import sqlalchemy as sa
from alembic import op

from runwright.storage.types import Id, Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the index on the history of runs."""
    op.create_table(
        "event",
        sa.Column("id", Id(), nullable=False),
        sa.Column("occurred", Instant(), nullable=False),
        sa.Column("received", Instant(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.Column("resource", Json(), nullable=False),
        sa.Column("related", Json(), nullable=False),
        sa.Column("payload", Json(), nullable=False),
        sa.Column("follows", Id(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_occurred"), "event", ["occurred"])
    op.create_index(op.f("ix_event_received"), "event", ["received"])
    op.create_index(op.f("ix_flow_run_state_timestamp"), "flow_run_state", ["timestamp"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index(op.f("ix_flow_run_state_timestamp"), table_name="flow_run_state")
    op.drop_table("event")
