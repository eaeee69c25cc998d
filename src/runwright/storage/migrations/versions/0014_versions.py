"""Versions of deployments, and what a run ran."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_OF_RUN = (
    ("deployment_version_number", sa.Integer),
    ("image", sa.String),
    ("image_digest", sa.String),
)


def upgrade() -> None:
    """Make the table and the columns. Deployments get their first version when they change."""
    op.add_column("deployment", sa.Column("version_number", sa.Integer(), nullable=True))
    for name, kind in _OF_RUN:
        op.add_column("flow_run", sa.Column(name, kind(), nullable=True))
    op.create_table(
        "deployment_version",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("deployment_id", types.Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", types.Json(), nullable=False),
        sa.Column("rolled_back_to", sa.Integer(), nullable=True),
        sa.Column("created_by", types.Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name=op.f("fk_deployment_version_deployment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_version")),
        sa.UniqueConstraint(
            "deployment_id", "number", name=op.f("uq_deployment_version_deployment_id_number")
        ),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("deployment_version")
    for name, _ in _OF_RUN:
        op.drop_column("flow_run", name)
    op.drop_column("deployment", "version_number")
