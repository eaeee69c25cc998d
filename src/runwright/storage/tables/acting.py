"""What automations have yet to look at, what they remember, and what they have done.

An event waits in `event_queue` until it has been judged. A trigger of the database puts it there,
in the transaction that inserts the event or the state of a flow run, and only while some automation
is enabled: nothing can be missed, whoever inserts, and nothing is paid for what nobody waits for.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from runwright.storage.tables.base import id_column, metadata
from runwright.storage.types import Id, Instant, Json

event_queue = Table(
    "event_queue",
    metadata,
    # The order in which the control plane judges them.
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("event_id", Id, nullable=False),
    # The id of a state of a flow run, not of an event that was told.
    Column("is_state", Boolean, nullable=False),
    # How often it could not be judged, and why.
    Column("failures", Integer, nullable=False),
    Column("error", Text),
    sqlite_autoincrement=True,
)

automation_bucket = Table(
    "automation_bucket",
    metadata,
    Column("automation_id", Id, ForeignKey("automation.id", ondelete="CASCADE"), primary_key=True),
    Column("trigger_id", Id, primary_key=True),
    # The values of the labels of `for_each`.
    Column("key", String, primary_key=True),
    Column("memory", Json, nullable=False),
    # The last event that was counted: what a missed deadline is about.
    Column("event", Json),
    Column("updated", Instant, nullable=False, index=True),
    Column("deadline", Instant),
    Index(
        "ix_automation_bucket_deadline",
        "deadline",
        sqlite_where=Column("deadline").is_not(None),
        postgresql_where=Column("deadline").is_not(None),
    ),
)

automation_firing = Table(
    "automation_firing",
    metadata,
    id_column(),
    Column("automation_id", Id, ForeignKey("automation.id", ondelete="CASCADE"), nullable=False),
    Column("created", Instant, nullable=False, index=True),
    # triggered | resolved | stopped
    Column("outcome", String, nullable=False),
    # What it is that was matched: it fires once for it.
    Column("match_key", String, nullable=False),
    Column("event", Json),
    # How many automations in a row have led to this.
    Column("depth", Integer, nullable=False),
    UniqueConstraint("automation_id", "match_key"),
    Index(None, "automation_id", "created"),
)

automation_action = Table(
    "automation_action",
    metadata,
    # Also the key by which those who are called know a repetition.
    id_column(),
    Column(
        "firing_id",
        Id,
        ForeignKey("automation_firing.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("number", Integer, nullable=False),
    Column("action", Json, nullable=False),
    # pending | executed | failed | dead
    Column("status", String, nullable=False),
    # Pending: from when on it may be tried, or tried again.
    Column("due_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("error", Text),
    # What came of it: the run that was made, the status that was answered.
    Column("result", Json),
    # The block that it is sent by.
    Column("target", Id),
    Column("updated", Instant, nullable=False),
    Index(
        "ix_automation_action_due",
        "due_at",
        sqlite_where=Column("due_at").is_not(None),
        postgresql_where=Column("due_at").is_not(None),
    ),
)

_SOURCES = {"flow_run_state": True, "event": False}
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


def queueing(dialect: str) -> list[str]:
    """The statements that make the database queue events."""
    if dialect == "postgresql":
        return [
            _FUNCTION,
            *(
                f"CREATE TRIGGER queue_event AFTER INSERT ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION queue_event()"
                for table in _SOURCES
            ),
        ]
    return [
        f"CREATE TRIGGER queue_{table} AFTER INSERT ON {table} "  # noqa: S608  # our own names
        "WHEN EXISTS (SELECT 1 FROM automation WHERE enabled) BEGIN "
        "INSERT INTO event_queue (event_id, is_state, failures) "
        f"VALUES (NEW.id, {int(is_state)}, 0); END"
        for table, is_state in _SOURCES.items()
    ]


for _dialect in ("sqlite", "postgresql"):
    for _statement in queueing(_dialect):
        # After the last table: which one comes last is not ours to say.
        event.listen(metadata, "after_create", DDL(_statement).execute_if(dialect=_dialect))
