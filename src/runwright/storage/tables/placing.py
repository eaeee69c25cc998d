"""Flows, deployments, their schedules, and where their runs go."""

from sqlalchemy import (
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
)

from runwright.storage.tables.base import created_columns, id_column, metadata
from runwright.storage.types import Id, Instant, Json

flow = Table(
    "flow",
    metadata,
    id_column(),
    *created_columns(),
    Column("name", String, nullable=False, unique=True),
    Column("tags", Json, nullable=False),
    Column("labels", Json, nullable=False),
)

work_pool = Table(
    "work_pool",
    metadata,
    id_column(),
    *created_columns(),
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
    id_column(),
    *created_columns(),
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
    id_column(),
    *created_columns(),
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
    # The key that made it, and that alone speaks for it. NULL: from before this was kept.
    Column("key_id", Id),
    Index(None, "work_pool_id", "name"),
    Index(None, "key_id"),
)

# How the machine of a worker did, every ten seconds: see `api.executions.HostFigures`.
host_reading = Table(
    "host_reading",
    metadata,
    id_column(),
    Column("worker_id", Id, ForeignKey("worker.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("figures", Json, nullable=False),
    Index(None, "worker_id", "at"),
    Index(None, "at"),
)

deployment = Table(
    "deployment",
    metadata,
    id_column(),
    *created_columns(),
    Column("flow_id", Id, ForeignKey("flow.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("version", String),
    Column("version_info", Json),
    # The number of its newest row in deployment_version.
    Column("version_number", Integer),
    Column("description", Text),
    Column("tags", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("parameter_openapi_schema", Json),
    Column("enforce_parameter_schema", Boolean, nullable=False),
    Column("job_variables", Json, nullable=False),
    # Patterns of those that a run may set without `runs:infrastructure`. NULL: none.
    Column("overridable_job_variables", Json),
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

# What a deployment ran and when: a row for each change of what its runs execute.
deployment_version = Table(
    "deployment_version",
    metadata,
    id_column(),
    Column("created", Instant, nullable=False),
    Column("deployment_id", Id, ForeignKey("deployment.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("content", Json, nullable=False),
    Column("rolled_back_to", Integer),
    Column("created_by", Json),
    UniqueConstraint("deployment_id", "number"),
)

schedule = Table(
    "schedule",
    metadata,
    id_column(),
    *created_columns(),
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
