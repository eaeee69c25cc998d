"""Blocks, sealed."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "block_document",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("block_type_id", types.Id(), nullable=False),
        sa.Column("block_schema_id", types.Id(), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("wrapped_key", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_type_id"],
            ["block_type.id"],
            name=op.f("fk_block_document_block_type_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["block_schema_id"],
            ["block_schema.id"],
            name=op.f("fk_block_document_block_schema_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_document")),
        sa.UniqueConstraint(
            "block_type_id", "name", name=op.f("uq_block_document_block_type_id_name")
        ),
    )
    op.create_index(
        op.f("ix_block_document_block_schema_id"), "block_document", ["block_schema_id"]
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("block_document")
