"""Automations, kept searches, and what administrators set."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "automation",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("tags", types.Json(), nullable=False),
        sa.Column("trigger", types.Json(), nullable=False),
        sa.Column("actions", types.Json(), nullable=False),
        sa.Column("actions_on_trigger", types.Json(), nullable=False),
        sa.Column("actions_on_resolve", types.Json(), nullable=False),
        sa.Column("owner_resource", sa.String(), nullable=True),
        sa.Column("related", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation")),
    )
    op.create_index(op.f("ix_automation_owner_resource"), "automation", ["owner_resource"])
    op.create_table(
        "saved_search",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("filters", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
        sa.UniqueConstraint("name", name=op.f("uq_saved_search_name")),
    )
    op.create_table(
        "configuration",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_configuration")),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("configuration")
    op.drop_table("saved_search")
    op.drop_table("automation")
