"""Variables: named JSON values."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "variable",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", types.Json(), nullable=True),
        sa.Column("tags", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variable")),
        sa.UniqueConstraint("name", name=op.f("uq_variable_name")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("variable")
