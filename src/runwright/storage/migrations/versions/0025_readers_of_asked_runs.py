"""Runs that an execution asked for are among those that its lineage may read."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

#: The run that asked is in the document of who made a run, as text with dashes on both databases.
_ASKED = {
    "sqlite": """
        INSERT OR IGNORE INTO flow_run_reader (flow_run_id, root_run_id)
        SELECT made.id, asking.root_run_id FROM flow_run AS made
        JOIN flow_run AS asking ON asking.id = json_extract(made.created_by, '$.id')
        WHERE json_extract(made.created_by, '$.type') = 'EXECUTION'
    """,
    "postgresql": """
        INSERT INTO flow_run_reader (flow_run_id, root_run_id)
        SELECT made.id, asking.root_run_id FROM flow_run AS made
        JOIN flow_run AS asking ON CAST(asking.id AS TEXT) = made.created_by ->> 'id'
        WHERE made.created_by ->> 'type' = 'EXECUTION'
        ON CONFLICT DO NOTHING
    """,
}


def upgrade() -> None:
    """Note what was asked for until now, and find what a lineage may read by an index."""
    op.create_index("ix_flow_run_reader_root_run_id", "flow_run_reader", ["root_run_id"])
    op.execute(sa.text(_ASKED[op.get_bind().dialect.name]))


def downgrade() -> None:
    """Forget the index. The rows say what is true of older versions too."""
    op.drop_index("ix_flow_run_reader_root_run_id", "flow_run_reader")
