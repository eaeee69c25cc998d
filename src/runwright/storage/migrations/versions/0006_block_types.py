"""Types and schemas of blocks."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "block_type",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("documentation_url", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("code_example", sa.Text(), nullable=True),
        sa.Column("is_protected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_type")),
        sa.UniqueConstraint("name", name=op.f("uq_block_type_name")),
        sa.UniqueConstraint("slug", name=op.f("uq_block_type_slug")),
    )
    op.create_table(
        "block_schema",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("block_type_id", types.Id(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("fields", types.Json(), nullable=False),
        sa.Column("capabilities", types.Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_type_id"],
            ["block_type.id"],
            name=op.f("fk_block_schema_block_type_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_schema")),
        sa.UniqueConstraint("checksum", "version", name=op.f("uq_block_schema_checksum_version")),
    )
    op.create_index(op.f("ix_block_schema_block_type_id"), "block_schema", ["block_type_id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("block_schema")
    op.drop_table("block_type")
