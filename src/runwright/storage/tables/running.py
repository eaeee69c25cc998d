"""Runs of flows and tasks, and their states."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
)

from runwright.storage.tables.base import created_columns, id_column, metadata
from runwright.storage.types import Id, Instant, Json

_lives_as_child = and_(Column("parent_flow_run_id").is_not(None), Column("end_time").is_(None))
flow_run = Table(
    "flow_run",
    metadata,
    id_column(),
    *created_columns(),
    Column("name", String, nullable=False),
    Column("flow_id", Id, ForeignKey("flow.id", ondelete="CASCADE"), nullable=False),
    Column("flow_version", String),
    Column("deployment_id", Id, ForeignKey("deployment.id", ondelete="SET NULL")),
    Column("deployment_version", String),
    # What it ran: the deployment's version when it was claimed, and the image of its container.
    Column("deployment_version_number", Integer),
    Column("image", String),
    Column("image_digest", String),
    Column("work_queue_id", Id, ForeignKey("work_queue.id", ondelete="SET NULL")),
    Column("work_pool_id", Id, ForeignKey("work_pool.id", ondelete="SET NULL")),
    # As they were given: every attempt gets these. What the flow made of them (defaults filled
    # in, coerced, secrets masked) is only shown.
    Column("parameters", Json, nullable=False),
    Column("shown_parameters", Json),
    Column("context", Json, nullable=False),
    Column("empirical_policy", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("job_variables", Json),
    Column("created_by", Json),
    Column("infrastructure_pid", String),
    Column("idempotency_key", String),
    Column("auto_scheduled", Boolean, nullable=False),
    # Parents: the task run that stands for a subflow, and (ours) its flow run.
    Column("parent_task_run_id", Id),
    Column("parent_flow_run_id", Id),
    # Where it is now. The same state is the last row of its history.
    Column("state_id", Id),
    Column("state_type", String),
    Column("state_name", String),
    Column("state_timestamp", Instant),
    # The whole present state, so that no list has to join the history.
    Column("state", Json),
    Column("state_seq", Integer, nullable=False),
    Column("run_count", Integer, nullable=False),
    Column("expected_start_time", Instant),
    Column("next_scheduled_start_time", Instant),
    Column("start_time", Instant),
    Column("end_time", Instant),
    Column("total_run_time", Float, nullable=False),
    # When it may be claimed, and before whom. Set while it waits for a worker.
    Column("due_at", Instant),
    # Attempts: one lineage shares `root_run_id`; `retries` never changes, `retries_used` grows
    # over the lineage.
    Column("root_run_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("retries_used", Integer, nullable=False),
    Column("retry_delay_seconds", Float),
    # The claim. Every write about the run carries token and execution.
    Column("claim_token", BigInteger, nullable=False),
    Column("execution_id", Id),
    # A subflow shares its parent's execution: the run that was claimed.
    Column("execution_root_id", Id),
    Column("credential_hash", String),
    Column("worker_id", Id),
    Column("worker_name", String),
    Column("claimed_at", Instant),
    Column("lease_expires_at", Instant),
    Column("lease_seconds", Float),
    Column("launch_count", Integer, nullable=False),
    Column("journal_next", BigInteger, nullable=False),
    Column("cancel_requested_at", Instant),
    # How its process ended: exit code, signal, OOM kill, peak memory, last lines.
    Column("exit_report", Json),
    # Of a scheduled run: its schedule, and `slug@instant`, unique in the deployment.
    Column("schedule_id", Id),
    Column("fire_key", String),
    UniqueConstraint("root_run_id", "attempt"),
    UniqueConstraint("deployment_id", "fire_key"),
    UniqueConstraint("flow_id", "idempotency_key"),
    Index(
        "ix_flow_run_claimable",
        "work_pool_id",
        "due_at",
        sqlite_where=Column("state_type") == "SCHEDULED",
        postgresql_where=Column("state_type") == "SCHEDULED",
    ),
    Index(
        "ix_flow_run_leased",
        "lease_expires_at",
        sqlite_where=Column("lease_expires_at").is_not(None),
        postgresql_where=Column("lease_expires_at").is_not(None),
    ),
    Index("ix_flow_run_state", "state_type", "expected_start_time"),
    Index("ix_flow_run_expected", "expected_start_time", "id"),
    Index(None, "deployment_id", "expected_start_time"),
    Index(None, "flow_id", "expected_start_time"),
    # Most runs have none of these: only those that do are in the index.
    *(
        Index(
            f"ix_flow_run_{name}",
            name,
            sqlite_where=Column(name).is_not(None),
            postgresql_where=Column(name).is_not(None),
        )
        for name in ("parent_task_run_id", "parent_flow_run_id", "execution_root_id")
    ),
    Index(
        "ix_flow_run_living_children",
        "parent_flow_run_id",
        sqlite_where=_lives_as_child,
        postgresql_where=_lives_as_child,
    ),
    CheckConstraint("retries_used <= retries", name="retry_budget"),
    CheckConstraint("attempt >= 1", name="attempt"),
)

# One order on both databases: what never started comes last when the latest come first. Postgres
# has to be told, SQLite has no words for it and does so anyway.
_start = flow_run.c.start_time
Index("ix_flow_run_start", _start, flow_run.c.id).ddl_if(dialect="sqlite")
Index("ix_flow_run_latest", _start.desc().nulls_last(), flow_run.c.id.desc()).ddl_if(
    dialect="postgresql"
)

flow_run_state = Table(
    "flow_run_state",
    metadata,
    id_column(),
    Column("flow_run_id", Id, ForeignKey("flow_run.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", String, nullable=False),
    Column("name", String, nullable=False),
    Column("timestamp", Instant, nullable=False),
    Column("message", Text),
    Column("state_details", Json),
    Column("data", Json),
    Column("claim_token", BigInteger, nullable=False),
    Column("transition_id", Id),
    # When it was stored, by the control plane's clock: never before an earlier one of its run. Not
    # known of what was stored before there was this column.
    Column("received", Instant),
    UniqueConstraint("flow_run_id", "seq"),
    UniqueConstraint("flow_run_id", "transition_id"),
    # The order of the control plane's own events.
    Index(None, "timestamp"),
    # The order in which streams send them; those of which it is not known, by their own time.
    Index(None, "received", "timestamp"),
)

task_run = Table(
    "task_run",
    metadata,
    id_column(),
    *created_columns(),
    Column("flow_run_id", Id, ForeignKey("flow_run.id", ondelete="CASCADE")),
    Column("name", String, nullable=False),
    Column("task_key", String, nullable=False),
    Column("dynamic_key", String, nullable=False),
    Column("task_version", String),
    Column("cache_key", String),
    Column("cache_expiration", Instant),
    Column("empirical_policy", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("task_inputs", Json, nullable=False),
    Column("state_id", Id),
    Column("state_type", String),
    Column("state_name", String),
    Column("state_timestamp", Instant),
    Column("state", Json),
    Column("run_count", Integer, nullable=False),
    Column("flow_run_run_count", Integer, nullable=False),
    Column("expected_start_time", Instant),
    Column("next_scheduled_start_time", Instant),
    Column("start_time", Instant),
    Column("end_time", Instant),
    Column("total_run_time", Float, nullable=False),
    Index(None, "flow_run_id", "expected_start_time"),
    Index(None, "state_type", "expected_start_time"),
    Index("ix_task_run_expected", "expected_start_time", "id"),
    Index(
        "ix_task_run_background",
        "task_key",
        "dynamic_key",
        sqlite_where=Column("flow_run_id").is_(None),
        postgresql_where=Column("flow_run_id").is_(None),
    ),
)

task_run_state = Table(
    "task_run_state",
    metadata,
    id_column(),
    Column("task_run_id", Id, ForeignKey("task_run.id", ondelete="CASCADE"), nullable=False),
    Column("type", String, nullable=False),
    Column("name", String, nullable=False),
    Column("timestamp", Instant, nullable=False),
    Column("message", Text),
    Column("state_details", Json),
    Column("data", Json),
    Index(None, "task_run_id", "timestamp"),
)

flow_run_input = Table(
    "flow_run_input",
    metadata,
    id_column(),
    *created_columns(),
    Column("flow_run_id", Id, ForeignKey("flow_run.id", ondelete="CASCADE"), nullable=False),
    Column("key", String, nullable=False),
    Column("value", Text, nullable=False),
    Column("sender", String),
    UniqueConstraint("flow_run_id", "key"),
)

# Lineages whose executions asked for a run of a deployment, or were given one that another had
# made, by its idempotency key: they may read it.
flow_run_reader = Table(
    "flow_run_reader",
    metadata,
    Column("flow_run_id", Id, ForeignKey("flow_run.id", ondelete="CASCADE"), primary_key=True),
    Column("root_run_id", Id, primary_key=True),
    Index(None, "root_run_id"),
)

task_worker = Table(
    "task_worker",
    metadata,
    id_column(),
    Column("identifier", String, nullable=False),
    Column("task_keys", Json, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

task_delivery = Table(
    "task_delivery",
    metadata,
    Column("task_run_id", Id, ForeignKey("task_run.id", ondelete="CASCADE"), primary_key=True),
    Column("task_key", String, nullable=False),
    Column("due_at", Instant, nullable=False),
    # Who has it and has not begun yet.
    Column("task_worker_id", Id, ForeignKey("task_worker.id", ondelete="SET NULL"), index=True),
    Index(None, "task_key", "due_at"),
)
