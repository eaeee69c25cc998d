"""Which of the runs that are due may start, when pool, queues and deployments have limits."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is due. The smaller its queue's priority, the sooner."""

    run_id: UUID
    due_at: datetime
    priority: int = 0
    queue_id: UUID | None = None
    deployment_id: UUID | None = None
    #: The version of the deployment that a claim will run.
    version_number: int | None = None


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """Slots left. None, or no entry: without limit."""

    worker: int
    pool: int | None = None
    queues: Mapping[UUID, int] = {}
    deployments: Mapping[UUID, int] = {}


def choose(candidates: Iterable[Candidate], room: Room) -> list[Candidate]:
    """The runs to start, the most urgent first; no limit is passed."""
    left = room.worker if room.pool is None else min(room.worker, room.pool)
    queues: dict[UUID | None, int] = {**room.queues}
    deployments: dict[UUID | None, int] = {**room.deployments}
    chosen: list[Candidate] = []
    for each in sorted(candidates, key=lambda run: (run.priority, run.due_at, run.run_id)):
        if len(chosen) >= left:
            break
        if queues.get(each.queue_id, 1) <= 0 or deployments.get(each.deployment_id, 1) <= 0:
            continue
        if each.queue_id in queues:
            queues[each.queue_id] -= 1
        if each.deployment_id in deployments:
            deployments[each.deployment_id] -= 1
        chosen.append(each)
    return chosen
