"""Task runs outside of flows are found by the key of their call."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    where = sa.text("flow_run_id IS NULL")
    op.create_index(
        "ix_task_run_background",
        "task_run",
        ["task_key", "dynamic_key"],
        sqlite_where=where,
        postgresql_where=where,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_task_run_background", "task_run")
