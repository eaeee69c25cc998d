"""Why a run is not running: from what is known about its pool to reasons in plain words.

The line before the pool and the slots left are those that a claim would find, and `choose` decides
here as it does there.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from runwright.core.instants import Instant
from runwright.core.limits import Candidate, Room, choose
from runwright.core.states import StateName, StateType

PlaceKind = Literal["work_pool", "work_queue", "deployment"]
WaitingCode = Literal[
    "not_waiting", "run_paused", "starting", "next_try", "not_due", "retry_delay", "awaiting_slot",
    "no_work_pool", "work_pool_paused", "work_queue_paused", "deployment_paused",
    "no_worker_online", "no_worker_for_queue", "workers_full", "work_pool_limit",
    "work_queue_limit", "deployment_limit", "runs_ahead", "about_to_start",
]  # fmt: skip
#: Slots that workers without a limit have.
_MANY = 1_000_000
_WORDS = {"work_pool": "Work pool", "work_queue": "Work queue", "deployment": "Deployment"}
_NOT_DUE: dict[str, tuple[WaitingCode, str]] = {
    StateName.AWAITING_RETRY: ("retry_delay", "It failed, and its next try is not due yet."),
    StateName.AWAITING_CONCURRENCY_SLOT: (
        "awaiting_slot",
        "It found no free slot, and asks again later.",
    ),
}


class PlaceRef(msgspec.Struct, frozen=True, kw_only=True):
    """The pool, queue or deployment that a reason is about."""

    kind: PlaceKind
    id: UUID
    name: str


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has a slot that this one waits for."""

    id: UUID
    name: str


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that keeps a run from running."""

    #: Stable, for programs. The text is for people.
    code: WaitingCode
    text: str
    #: What to do about it, and the command that does it, where there is one.
    advice: str | None = None
    command: str | None = None
    about: PlaceRef | None = None
    #: When it ends by itself, where that is known.
    until: Instant | None = None
    #: Where nobody is online: when somebody was heard last.
    last_heard_at: Instant | None = None
    #: Runs that have the slots, the longest running first: ten of `holder_count`.
    holders: list[Holder] = []
    holder_count: int = 0
    #: Runs that are taken before this one.
    ahead_count: int = 0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A pool, queue or deployment that the run belongs to, and its slots."""

    ref: PlaceRef
    #: How commands name it.
    argument: str
    is_paused: bool = False
    limit: int | None = None
    in_use: int = 0
    holders: list[Holder] = []
    #: A claim cancels the runs that find no slot.
    cancels_new: bool = False

    @property
    def is_full(self) -> bool:
        """No slot is left."""
        return self.limit is not None and self.in_use >= self.limit


class WorkerSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A worker that is online. No queues: it serves all of them."""

    queues: list[str] = []
    limit: int | None = None
    in_use: int = 0


class WaitingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a run and those who might start it."""

    now: datetime
    run_id: UUID
    state_type: StateType | None
    state_name: str | None = None
    due_at: datetime | None = None
    #: A process of it is alive.
    has_lease: bool = False
    worker_name: str | None = None
    pool: Place | None = None
    pool_type: str = "process"
    queue: Place | None = None
    deployment: Place | None = None
    workers: list[WorkerSeen] = []
    last_heard_at: datetime | None = None
    #: The first runs that a claim would be offered, and the slots left of queues and deployments.
    line: list[Candidate] = []
    room: Room = Room(worker=0)


def why_not_running(facts: WaitingFacts) -> list[Reason]:
    """What keeps the run from running, the most telling first. Never empty."""
    if facts.state_type is not StateType.SCHEDULED or facts.has_lease:
        return [_of_its_state(facts)]
    reasons = _not_due(facts)
    if facts.pool is None:
        return [*reasons, _no_pool(facts)]
    reasons += _pauses(facts)
    reasons += _nobody(facts, facts.pool)
    if facts.due_at is not None and facts.due_at > facts.now:
        return reasons
    reasons += _full(facts)
    return reasons or [_in_line(facts)]


def serving(workers: Iterable[WorkerSeen], queue_name: str | None) -> list[WorkerSeen]:
    """Those of the workers that take runs of the queue."""
    return [each for each in workers if not each.queues or queue_name in each.queues]


def queues_served(workers: Sequence[WorkerSeen], queue_name: str | None) -> list[str]:
    """The queues whose runs those workers take too; none: all queues."""
    mine = serving(workers, queue_name)
    if any(not each.queues for each in mine):
        return []
    return sorted({name for each in mine for name in each.queues})


def _of_its_state(facts: WaitingFacts) -> Reason:
    by = "" if facts.worker_name is None else f" {facts.worker_name!r}"
    if facts.state_type is StateType.PAUSED:
        return Reason(
            code="run_paused",
            text=f"It is {facts.state_name} until somebody resumes it.",
            advice="Resume it on its page, or with `resume_flow_run`.",
        )
    if facts.state_type is StateType.PENDING:
        return Reason(code="starting", text=f"A worker{by} has taken it and is starting it.")
    if facts.state_type is StateType.SCHEDULED:
        return Reason(
            code="next_try",
            text="Its process is alive and begins the next try by itself.",
            until=facts.due_at,
        )
    return Reason(code="not_waiting", text=f"It is {facts.state_name or 'new'}: it does not wait.")


def _not_due(facts: WaitingFacts) -> list[Reason]:
    if facts.due_at is None or facts.due_at <= facts.now:
        return []
    code, text = _NOT_DUE.get(facts.state_name or "", ("not_due", "It is not due yet."))
    return [Reason(code=code, text=text, until=facts.due_at)]


def _no_pool(facts: WaitingFacts) -> Reason:
    if facts.deployment is None:
        return Reason(
            code="no_work_pool",
            text="It belongs to no work pool: only the process that made it starts it.",
        )
    return Reason(
        code="no_work_pool",
        text=f"{_called(facts.deployment)} has no work pool: only the process that serves it "
        "starts its runs.",
        advice="Start that process, or deploy to a work pool.",
        about=facts.deployment.ref,
    )


def _pauses(facts: WaitingFacts) -> list[Reason]:
    places: tuple[tuple[Place | None, WaitingCode, str], ...] = (
        (facts.pool, "work_pool_paused", "runwright work-pool resume"),
        (facts.queue, "work_queue_paused", "runwright work-queue resume"),
        (facts.deployment, "deployment_paused", "runwright deployment resume"),
    )
    return [
        Reason(
            code=code,
            text=f"{_called(place)} is paused.",
            advice="Resume it.",
            command=f"{command} {place.argument}",
            about=place.ref,
        )
        for place, code, command in places
        if place is not None and place.is_paused
    ]


def _nobody(facts: WaitingFacts, pool: Place) -> list[Reason]:
    start = _start_command(facts, pool)
    if not facts.workers:
        return [
            Reason(
                code="no_worker_online",
                text=f"No worker of work pool {pool.ref.name!r} is online"
                + (": there has been none." if facts.last_heard_at is None else "."),
                advice="Start one.",
                command=start,
                about=pool.ref,
                last_heard_at=facts.last_heard_at,
            )
        ]
    queue = facts.queue
    if serving(facts.workers, None if queue is None else queue.ref.name):
        return []
    name = "no queue" if queue is None else f"queue {queue.ref.name!r}"
    return [
        Reason(
            code="no_worker_for_queue",
            text=f"The workers online serve other queues only: none serves {name}.",
            advice="Start a worker that serves all queues.",
            command=start,
            about=pool.ref if queue is None else queue.ref,
        )
    ]


def _full(facts: WaitingFacts) -> list[Reason]:
    places: tuple[tuple[Place | None, WaitingCode], ...] = (
        (facts.pool, "work_pool_limit"),
        (facts.queue, "work_queue_limit"),
        (facts.deployment, "deployment_limit"),
    )
    reasons = [
        Reason(
            code=code,
            text=f"{_called(place)} is at its limit of {place.limit}"
            + (": the next claim cancels this run." if place.cancels_new else "."),
            advice="Wait for a slot, or raise the limit.",
            about=place.ref,
            holders=place.holders,
            holder_count=place.in_use,
        )
        for place, code in places
        if place is not None and place.is_full
    ]
    mine = _serving_me(facts)
    if mine and _free(mine) <= 0 and facts.pool is not None:
        reasons.append(
            Reason(
                code="workers_full",
                text=f"All workers online are at their limits: {len(mine)} with "
                f"{sum(each.in_use for each in mine)} runs.",
                advice="Wait for one of them, or start another worker.",
                command=_start_command(facts, facts.pool),
                about=facts.pool.ref,
            )
        )
    return reasons


def _in_line(facts: WaitingFacts) -> Reason:
    """Nothing stands in its way but other runs."""
    room = msgspec.structs.replace(facts.room, worker=min(_MANY, _free(_serving_me(facts))))
    if any(each.run_id == facts.run_id for each in choose(facts.line, room)):
        return Reason(code="about_to_start", text="A worker is about to take it.")
    before = [each.run_id for each in facts.line]
    count = before.index(facts.run_id) if facts.run_id in before else len(before)
    more = "" if facts.run_id in before else "at least "
    urgent = _of_higher_priority(facts, count)
    first = "goes first" if count == 1 else "go first"
    return Reason(
        code="runs_ahead",
        text=f"{_counted(count, more)} {first}"
        + (f", {urgent} of them from queues of higher priority." if urgent else "."),
        advice="Wait, start another worker, or give its queue a higher priority.",
        about=None if facts.pool is None else facts.pool.ref,
        ahead_count=count,
    )


def _of_higher_priority(facts: WaitingFacts, count: int) -> int:
    mine = next((each.priority for each in facts.line if each.run_id == facts.run_id), None)
    if mine is None:
        return 0
    return sum(1 for each in facts.line[:count] if each.priority < mine)


def _serving_me(facts: WaitingFacts) -> list[WorkerSeen]:
    return serving(facts.workers, None if facts.queue is None else facts.queue.ref.name)


def _free(workers: Iterable[WorkerSeen]) -> int:
    return sum(
        _MANY if each.limit is None else max(0, each.limit - each.in_use) for each in workers
    )


def _start_command(facts: WaitingFacts, pool: Place) -> str:
    kind = "" if facts.pool_type == "process" else f" --type {facts.pool_type}"
    return f"runwright worker start --pool {pool.argument}{kind}"


def _called(place: Place) -> str:
    return f"{_WORDS[place.ref.kind]} {place.ref.name!r}"


def _counted(count: int, more: str) -> str:
    return f"{more}{count} run{'' if count == 1 else 's'}".capitalize()
