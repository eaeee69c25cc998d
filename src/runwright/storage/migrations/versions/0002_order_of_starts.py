"""The index that gives the order of START_TIME has the id in it, so that pages do not overlap."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the index on start_time."""
    op.drop_index("ix_flow_run_start", table_name="flow_run")
    if op.get_bind().dialect.name == "postgresql":
        columns = [sa.text("start_time DESC NULLS LAST"), sa.text("id DESC")]
        op.create_index("ix_flow_run_latest", "flow_run", columns)
    else:
        op.create_index("ix_flow_run_start", "flow_run", ["start_time", "id"])
    # A run made without a state had none: it sorts by when it was made.
    op.execute("UPDATE flow_run SET expected_start_time = created WHERE expected_start_time IS NULL")


def downgrade() -> None:
    """Put the index on start_time alone back."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_flow_run_latest", table_name="flow_run")
    else:
        op.drop_index("ix_flow_run_start", table_name="flow_run")
    op.create_index("ix_flow_run_start", "flow_run", ["start_time"])
