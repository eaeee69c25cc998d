"""Indexes of what few runs have hold only those that do; children that live have one of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_RARE = ("parent_task_run_id", "parent_flow_run_id", "execution_root_id")


def upgrade() -> None:
    """Make the indexes anew."""
    for column in _RARE:
        where = sa.text(f"{column} IS NOT NULL")
        op.drop_index(f"ix_flow_run_{column}", "flow_run")
        op.create_index(
            f"ix_flow_run_{column}",
            "flow_run",
            [column],
            sqlite_where=where,
            postgresql_where=where,
        )
    where = sa.text("parent_flow_run_id IS NOT NULL AND end_time IS NULL")
    op.create_index(
        "ix_flow_run_living_children",
        "flow_run",
        ["parent_flow_run_id"],
        sqlite_where=where,
        postgresql_where=where,
    )


def downgrade() -> None:
    """Make them as they were."""
    op.drop_index("ix_flow_run_living_children", "flow_run")
    for column in _RARE:
        op.drop_index(f"ix_flow_run_{column}", "flow_run")
        op.create_index(f"ix_flow_run_{column}", "flow_run", [column])
