"""Which values of a block are secret, whatever its present schema says."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Of blocks that are there, those are secret that their schema calls so."""
    op.add_column("block_document", sa.Column("secret_fields", types.Json(), nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("block_document", "secret_fields")
