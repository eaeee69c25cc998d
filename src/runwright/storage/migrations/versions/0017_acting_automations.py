"""Automations act: events queue up for them, and what they do is recorded before it is done."""

import sqlalchemy as sa
from alembic import op

from runwright.storage import types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE FUNCTION queue_event() RETURNS trigger AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM automation WHERE enabled) THEN
    INSERT INTO event_queue (event_id, is_state, failures)
    VALUES (NEW.id, TG_TABLE_NAME = 'flow_run_state', 0);
  END IF;
  RETURN NULL;
END $$ LANGUAGE plpgsql
"""
_SOURCES = {"flow_run_state": 1, "event": 0}


def upgrade() -> None:
    """Make the tables, and have the database queue events."""
    op.create_table(
        "event_queue",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("event_id", types.Id(), nullable=False),
        sa.Column("is_state", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event_queue")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "automation_bucket",
        sa.Column("automation_id", types.Id(), nullable=False),
        sa.Column("trigger_id", types.Id(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("memory", types.Json(), nullable=False),
        sa.Column("event", types.Json(), nullable=True),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("deadline", types.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["automation.id"],
            name=op.f("fk_automation_bucket_automation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "automation_id", "trigger_id", "key", name=op.f("pk_automation_bucket")
        ),
    )
    op.create_index(op.f("ix_automation_bucket_updated"), "automation_bucket", ["updated"])
    _create_partial("ix_automation_bucket_deadline", "automation_bucket", "deadline")
    op.create_table(
        "automation_firing",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("automation_id", types.Id(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("match_key", sa.String(), nullable=False),
        sa.Column("event", types.Json(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["automation.id"],
            name=op.f("fk_automation_firing_automation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_firing")),
        sa.UniqueConstraint(
            "automation_id", "match_key", name=op.f("uq_automation_firing_automation_id_match_key")
        ),
    )
    op.create_index(op.f("ix_automation_firing_created"), "automation_firing", ["created"])
    op.create_index(
        op.f("ix_automation_firing_automation_id_created"),
        "automation_firing",
        ["automation_id", "created"],
    )
    op.create_table(
        "automation_action",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("firing_id", types.Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", types.Json(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", types.Json(), nullable=True),
        sa.Column("target", types.Id(), nullable=True),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["firing_id"],
            ["automation_firing.id"],
            name=op.f("fk_automation_action_firing_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_action")),
    )
    op.create_index(op.f("ix_automation_action_firing_id"), "automation_action", ["firing_id"])
    _create_partial("ix_automation_action_due", "automation_action", "due_at")
    where = sa.text("enabled")
    op.create_index(
        "ix_automation_enabled",
        "automation",
        ["enabled"],
        sqlite_where=where,
        postgresql_where=where,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTION)
        for table in _SOURCES:
            op.execute(
                f"CREATE TRIGGER queue_event AFTER INSERT ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION queue_event()"
            )
        return
    for table, is_state in _SOURCES.items():
        op.execute(
            f"CREATE TRIGGER queue_{table} AFTER INSERT ON {table} "
            "WHEN EXISTS (SELECT 1 FROM automation WHERE enabled) BEGIN "
            "INSERT INTO event_queue (event_id, is_state, failures) "
            f"VALUES (NEW.id, {is_state}, 0); END"
        )


def downgrade() -> None:
    """Forget all of it."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for table in _SOURCES:
        op.execute(
            f"DROP TRIGGER queue_event ON {table}" if is_postgres else f"DROP TRIGGER queue_{table}"
        )
    if is_postgres:
        op.execute("DROP FUNCTION queue_event()")
    op.drop_index("ix_automation_enabled", "automation")
    for table in ("automation_action", "automation_firing", "automation_bucket", "event_queue"):
        op.drop_table(table)


def _create_partial(name: str, table: str, column: str) -> None:
    where = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
