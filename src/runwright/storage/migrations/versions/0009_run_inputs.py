"""Inputs of flow runs."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "flow_run_input",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("flow_run_id", types.Id(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("sender", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["flow_run_id"],
            ["flow_run.id"],
            name=op.f("fk_flow_run_input_flow_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_run_input")),
        sa.UniqueConstraint("flow_run_id", "key", name=op.f("uq_flow_run_input_flow_run_id_key")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("flow_run_input")
