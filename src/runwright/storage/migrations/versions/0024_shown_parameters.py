"""Parameters as they are shown, apart from those that were given."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Of the runs that are there, the parameters they have are shown."""
    op.add_column("flow_run", sa.Column("shown_parameters", types.Json(), nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("flow_run", "shown_parameters")
