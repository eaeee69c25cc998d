"""What runs tell: logs, events, artifacts."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from runwright.storage.tables.base import created_columns, id_column, metadata
from runwright.storage.types import Id, Instant, Json

log = Table(
    "log",
    metadata,
    id_column(),
    # No foreign keys: logs may outlive or precede their run, and are pruned by time.
    Column("flow_run_id", Id),
    Column("task_run_id", Id),
    Column("timestamp", Instant, nullable=False),
    Column("level", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("message", Text, nullable=False),
    # The fenced attempt that wrote it, where that is not the run's present one.
    Column("late_token", BigInteger),
    Index(None, "flow_run_id", "timestamp", "id"),
    Index(None, "timestamp"),
)

# What clients tell. What happens to flow runs is not here: their states are those events.
event = Table(
    "event",
    metadata,
    id_column(),
    Column("occurred", Instant, nullable=False),
    Column("received", Instant, nullable=False),
    Column("event", String, nullable=False),
    Column("resource_id", String, nullable=False),
    Column("resource", Json, nullable=False),
    Column("related", Json, nullable=False),
    Column("payload", Json, nullable=False),
    Column("follows", Id),
    Index(None, "occurred"),
    Index(None, "received"),
)

artifact = Table(
    "artifact",
    metadata,
    id_column(),
    *created_columns(),
    Column("key", String),
    Column("type", String),
    Column("description", Text),
    Column("data", Json),
    Column("metadata", Json, key="metadata_"),
    Column("flow_run_id", Id),
    Column("task_run_id", Id),
    Index(None, "key", "created"),
    Index(None, "flow_run_id"),
)
