"""Who took a slot, and which lineages may read a run that another made."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the table. Who took the slots that are there is not known."""
    op.add_column("concurrency_slot", sa.Column("taken_by", sa.String(), nullable=True))
    op.create_table(
        "flow_run_reader",
        sa.Column("flow_run_id", types.Id(), nullable=False),
        sa.Column("root_run_id", types.Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["flow_run_id"],
            ["flow_run.id"],
            name=op.f("fk_flow_run_reader_flow_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("flow_run_id", "root_run_id", name=op.f("pk_flow_run_reader")),
    )


def downgrade() -> None:
    """Forget both."""
    op.drop_table("flow_run_reader")
    op.drop_column("concurrency_slot", "taken_by")
