"""What runs share, who may ask, and what the server notes for itself."""

from sqlalchemy import (
    Boolean,
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

api_key = Table(
    "api_key",
    metadata,
    id_column(),
    *created_columns(),
    Column("name", String, nullable=False),
    # user | worker | session (a browser's cookie) | sign_in (a link that makes one session).
    Column("kind", String, nullable=False),
    # Only the SHA-256 of the secret is kept.
    Column("secret_hash", String, nullable=False, index=True),
    Column("scopes", Json, nullable=False),
    # A worker key may only speak for this pool.
    Column("work_pool_id", Id, ForeignKey("work_pool.id", ondelete="CASCADE")),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    # Who made it, for people. Of a session and a link: whose they are.
    Column("created_by", Json),
    # The key it was made with; None where that was the server or a command on its machine. Sessions
    # and links are good for as long as this key is, and may at most what it may. No foreign key: a
    # key that is deleted leaves what it made, and its sessions are refused for want of it.
    Column("created_by_id", Id, index=True),
)

concurrency_limit = Table(
    "concurrency_limit",
    metadata,
    id_column(),
    *created_columns(),
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
    id_column(),
    # None: of a lease that no limit holds.
    Column("limit_id", Id, ForeignKey("concurrency_limit.id", ondelete="CASCADE"), index=True),
    Column("lease_id", Id, nullable=False, index=True),
    Column("slots", Integer, nullable=False),
    Column("holder", Json),
    # Who took them, as the server knows it: "execution:<run id>" or "key:<key id>". None: taken
    # before this was noted.
    Column("taken_by", String),
    # None: until it is given back.
    Column("expires_at", Instant, index=True),
)

block_type = Table(
    "block_type",
    metadata,
    id_column(),
    *created_columns(),
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
    id_column(),
    *created_columns(),
    Column("block_type_id", Id, ForeignKey("block_type.id", ondelete="CASCADE"), nullable=False),
    Column("checksum", String, nullable=False),
    Column("version", String, nullable=False),
    Column("fields", Json, nullable=False),
    Column("capabilities", Json, nullable=False),
    UniqueConstraint("checksum", "version"),
    Index(None, "block_type_id"),
)

block_document = Table(
    "block_document",
    metadata,
    id_column(),
    *created_columns(),
    Column("name", String, nullable=False),
    Column("block_type_id", Id, ForeignKey("block_type.id", ondelete="CASCADE"), nullable=False),
    Column(
        "block_schema_id", Id, ForeignKey("block_schema.id", ondelete="CASCADE"), nullable=False
    ),
    Column("is_anonymous", Boolean, nullable=False),
    # What is in it, sealed: see `server/vault.py`.
    Column("key_id", String, nullable=False),
    Column("wrapped_key", Text, nullable=False),
    Column("content", Text, nullable=False),
    # What any schema that it had called secret. NULL: what its schema says.
    Column("secret_fields", Json),
    UniqueConstraint("block_type_id", "name"),
    Index(None, "block_schema_id"),
)

variable = Table(
    "variable",
    metadata,
    id_column(),
    *created_columns(),
    Column("name", String, nullable=False, unique=True),
    # Any JSON; null is kept as NULL.
    Column("value", Json),
    Column("tags", Json, nullable=False),
)

automation = Table(
    "automation",
    metadata,
    id_column(),
    *created_columns(),
    Column("name", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("tags", Json, nullable=False),
    Column("trigger", Json, nullable=False),
    Column("actions", Json, nullable=False),
    Column("actions_on_trigger", Json, nullable=False),
    Column("actions_on_resolve", Json, nullable=False),
    Column("owner_resource", String, index=True),
    # The resources that it waits for or acts on.
    Column("related", Json, nullable=False),
    # Whether there is one at all is asked for every event.
    Index(
        "ix_automation_enabled",
        "enabled",
        sqlite_where=Column("enabled"),
        postgresql_where=Column("enabled"),
    ),
)

saved_search = Table(
    "saved_search",
    metadata,
    id_column(),
    *created_columns(),
    Column("name", String, nullable=False, unique=True),
    Column("filters", Json, nullable=False),
)

configuration = Table(
    "configuration",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Json, nullable=False),
)

# When each background duty last completed a pass: what the reaper needs to know after an outage.
service_pass = Table(
    "service_pass",
    metadata,
    Column("name", String, primary_key=True),
    Column("last_pass_at", Instant, nullable=False),
)
