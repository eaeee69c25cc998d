"""A worker that knows no leases says that it lives: so do its runs."""

from datetime import timedelta
from uuid import UUID

from runwright.api.workers import WorkerHeartbeat
from runwright.server.policy import Policy
from runwright.storage.engine import Transaction
from runwright.storage.unsupervised import hear_of_worker
from runwright.storage.workers import BEATS_MISSED, DEFAULT_INTERVAL, beat_by_name


def hear_of_named_worker(
    tx: Transaction,
    pool_id: UUID,
    beat: WorkerHeartbeat,
    policy: Policy,
    *,
    key_id: UUID | None = None,
) -> UUID:
    """Note a heartbeat of the worker of that name and key, and return the worker's id.

    Raises:
        TooManyWorkers: the key has no room for another one.
    """
    seconds = beat.heartbeat_interval_seconds
    interval = timedelta(seconds=seconds) if seconds else DEFAULT_INTERVAL
    hear_of_worker(tx, pool_id, beat.name, tx.now + BEATS_MISSED * interval)
    return beat_by_name(tx, pool_id, beat.name, seconds, policy.new_id, key_id=key_id)
