"""The tables. Constraints and partial indexes are the last guard of what the code promises."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from runwright.storage.types import Id, Instant, Json

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column:
    return Column("id", Id, primary_key=True)


def _created() -> tuple[Column, Column]:
    return Column("created", Instant, nullable=False), Column("updated", Instant, nullable=False)


flow = Table(
    "flow",
    metadata,
    _id(),
    *_created(),
    Column("name", String, nullable=False, unique=True),
    Column("tags", Json, nullable=False),
    Column("labels", Json, nullable=False),
)

work_pool = Table(
    "work_pool",
    metadata,
    _id(),
    *_created(),
    Column("name", String, nullable=False, unique=True),
    Column("description", Text),
    Column("type", String, nullable=False),
    Column("base_job_template", Json, nullable=False),
    Column("storage_configuration", Json, nullable=False),
    Column("is_paused", Boolean, nullable=False),
    Column("concurrency_limit", Integer),
    # No foreign key: pool and default queue are made together, and each would need the other.
    Column("default_queue_id", Id),
    CheckConstraint("concurrency_limit IS NULL OR concurrency_limit >= 0", name="limit"),
)

work_queue = Table(
    "work_queue",
    metadata,
    _id(),
    *_created(),
    Column("work_pool_id", Id, ForeignKey("work_pool.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("description", Text),
    Column("is_paused", Boolean, nullable=False),
    Column("concurrency_limit", Integer),
    Column("priority", Integer, nullable=False),
    Column("last_polled", Instant),
    UniqueConstraint("work_pool_id", "name"),
    CheckConstraint("concurrency_limit IS NULL OR concurrency_limit >= 0", name="limit"),
)

# One row a worker process. Its name is a label: several live rows may share it.
worker = Table(
    "worker",
    metadata,
    _id(),
    *_created(),
    Column("work_pool_id", Id, ForeignKey("work_pool.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("version", String),
    Column("queues", Json, nullable=False),
    Column("slot_limit", Integer),
    Column("last_heartbeat_time", Instant),
    Column("heartbeat_interval_seconds", Integer),
    Column("stopped_at", Instant),
    Column("host", Json),
    Index(None, "work_pool_id", "name"),
)

deployment = Table(
    "deployment",
    metadata,
    _id(),
    *_created(),
    Column("flow_id", Id, ForeignKey("flow.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("version", String),
    Column("version_info", Json),
    Column("description", Text),
    Column("tags", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("parameter_openapi_schema", Json),
    Column("enforce_parameter_schema", Boolean, nullable=False),
    Column("job_variables", Json, nullable=False),
    Column("pull_steps", Json),
    Column("path", String),
    Column("entrypoint", String),
    # The flow's own `retries`, so that a run that dies before its code is loaded has them too.
    Column("retries", Integer, nullable=False),
    Column("retry_delay_seconds", Float),
    Column("work_queue_id", Id, ForeignKey("work_queue.id", ondelete="SET NULL")),
    Column("paused", Boolean, nullable=False),
    Column("concurrency_limit", Integer),
    Column("concurrency_options", Json),
    Column("last_polled", Instant),
    Column("created_by", Json),
    Column("updated_by", Json),
    UniqueConstraint("flow_id", "name"),
    Index(None, "work_queue_id"),
)

schedule = Table(
    "schedule",
    metadata,
    _id(),
    *_created(),
    Column("deployment_id", Id, ForeignKey("deployment.id", ondelete="CASCADE"), nullable=False),
    Column("slug", String),
    # A cron, interval or rrule specification, as on the wire.
    Column("schedule", Json, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("max_scheduled_runs", Integer),
    # What to do with fires missed while nothing ran: none | last | all.
    Column("catchup", String, nullable=False),
    # The next fire that has no run yet; NULL when the schedule has no more.
    Column("next_fire_at", Instant),
    # When the scheduler has to make more runs of it; NULL when inactive, or when it has no more.
    Column("plan_at", Instant),
    Column("version", Integer, nullable=False),
    UniqueConstraint("deployment_id", "slug"),
    Index("ix_schedule_due", "plan_at"),
    CheckConstraint("catchup IN ('none', 'last', 'all')", name="catchup"),
)

flow_run = Table(
    "flow_run",
    metadata,
    _id(),
    *_created(),
    Column("name", String, nullable=False),
    Column("flow_id", Id, ForeignKey("flow.id", ondelete="CASCADE"), nullable=False),
    Column("flow_version", String),
    Column("deployment_id", Id, ForeignKey("deployment.id", ondelete="SET NULL")),
    Column("deployment_version", String),
    Column("work_queue_id", Id, ForeignKey("work_queue.id", ondelete="SET NULL")),
    Column("work_pool_id", Id, ForeignKey("work_pool.id", ondelete="SET NULL")),
    Column("parameters", Json, nullable=False),
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
    Index(None, "parent_task_run_id"),
    Index(None, "parent_flow_run_id"),
    Index(None, "execution_root_id"),
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
    _id(),
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
    UniqueConstraint("flow_run_id", "seq"),
    UniqueConstraint("flow_run_id", "transition_id"),
    # The order of the control plane's own events.
    Index(None, "timestamp"),
)

task_run = Table(
    "task_run",
    metadata,
    _id(),
    *_created(),
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
)

task_run_state = Table(
    "task_run_state",
    metadata,
    _id(),
    Column("task_run_id", Id, ForeignKey("task_run.id", ondelete="CASCADE"), nullable=False),
    Column("type", String, nullable=False),
    Column("name", String, nullable=False),
    Column("timestamp", Instant, nullable=False),
    Column("message", Text),
    Column("state_details", Json),
    Column("data", Json),
    Index(None, "task_run_id", "timestamp"),
)

log = Table(
    "log",
    metadata,
    _id(),
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
    _id(),
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
    _id(),
    *_created(),
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

api_key = Table(
    "api_key",
    metadata,
    _id(),
    *_created(),
    Column("name", String, nullable=False),
    # user | worker; only the SHA-256 of the secret is kept.
    Column("kind", String, nullable=False),
    Column("secret_hash", String, nullable=False),
    Column("scopes", Json, nullable=False),
    # A worker key may only speak for this pool.
    Column("work_pool_id", Id, ForeignKey("work_pool.id", ondelete="CASCADE")),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
)

concurrency_limit = Table(
    "concurrency_limit",
    metadata,
    _id(),
    *_created(),
    Column("name", String, nullable=False, unique=True),
    Column("slot_limit", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("slot_decay_per_second", Float, nullable=False),
    # Slots of no lease: how many there were at that instant. With a decay they come back.
    Column("occupied", Float, nullable=False),
    Column("occupied_at", Instant, nullable=False),
)

concurrency_slot = Table(
    "concurrency_slot",
    metadata,
    _id(),
    # None: of a lease that no limit holds.
    Column("limit_id", Id, ForeignKey("concurrency_limit.id", ondelete="CASCADE"), index=True),
    Column("lease_id", Id, nullable=False, index=True),
    Column("slots", Integer, nullable=False),
    Column("holder", Json),
    # None: until it is given back.
    Column("expires_at", Instant, index=True),
)

block_type = Table(
    "block_type",
    metadata,
    _id(),
    *_created(),
    Column("name", String, nullable=False, unique=True),
    Column("slug", String, nullable=False, unique=True),
    Column("logo_url", Text),
    Column("documentation_url", Text),
    Column("description", Text),
    Column("code_example", Text),
    Column("is_protected", Boolean, nullable=False),
)

block_schema = Table(
    "block_schema",
    metadata,
    _id(),
    *_created(),
    Column("block_type_id", Id, ForeignKey("block_type.id", ondelete="CASCADE"), nullable=False),
    Column("checksum", String, nullable=False),
    Column("version", String, nullable=False),
    Column("fields", Json, nullable=False),
    Column("capabilities", Json, nullable=False),
    UniqueConstraint("checksum", "version"),
    Index(None, "block_type_id"),
)

variable = Table(
    "variable",
    metadata,
    _id(),
    *_created(),
    Column("name", String, nullable=False, unique=True),
    # Any JSON; null is kept as NULL.
    Column("value", Json),
    Column("tags", Json, nullable=False),
)

flow_run_input = Table(
    "flow_run_input",
    metadata,
    _id(),
    *_created(),
    Column("flow_run_id", Id, ForeignKey("flow_run.id", ondelete="CASCADE"), nullable=False),
    Column("key", String, nullable=False),
    Column("value", Text, nullable=False),
    Column("sender", String),
    UniqueConstraint("flow_run_id", "key"),
)

task_worker = Table(
    "task_worker",
    metadata,
    _id(),
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

# When each background duty last completed a pass: what the reaper needs to know after an outage.
service_pass = Table(
    "service_pass",
    metadata,
    Column("name", String, primary_key=True),
    Column("last_pass_at", Instant, nullable=False),
)
