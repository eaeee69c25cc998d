"""When a state of a flow run was stored: streams follow that, not the clock of who reported it."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Of the states that are there it is not known."""
    op.add_column("flow_run_state", sa.Column("received", types.Instant(), nullable=True))
    op.create_index(
        op.f("ix_flow_run_state_received_timestamp"), "flow_run_state", ["received", "timestamp"]
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_index(op.f("ix_flow_run_state_received_timestamp"), table_name="flow_run_state")
    op.drop_column("flow_run_state", "received")
