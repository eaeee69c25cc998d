from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from runwright.core.attempts import Lineage, next_attempt
from runwright.core.limits import Candidate, Room, choose

IDS = [UUID(int=number) for number in range(4)]
START = datetime(2026, 1, 1, tzinfo=UTC)
CANDIDATES = some.lists(
    some.builds(
        Candidate,
        run_id=some.uuids(),
        due_at=some.integers(0, 9).map(lambda s: START + timedelta(seconds=s)),
        priority=some.integers(0, 2),
        queue_id=some.sampled_from([None, *IDS]),
        deployment_id=some.sampled_from([None, *IDS]),
    ),
    unique_by=lambda run: run.run_id,
)
SLOTS = some.dictionaries(some.sampled_from(IDS), some.integers(0, 3))
ROOMS = some.builds(
    Room,
    worker=some.integers(0, 6),
    pool=some.none() | some.integers(0, 6),
    queues=SLOTS,
    deployments=SLOTS,
)


@given(CANDIDATES, ROOMS)
def test_no_limit_is_passed_and_nothing_that_fits_is_left(candidates, room):
    chosen = choose(candidates, room)
    most = room.worker if room.pool is None else min(room.worker, room.pool)
    assert len(chosen) <= most
    full_queues = {q for q, n in room.queues.items() if sum(c.queue_id == q for c in chosen) >= n}
    full = {
        d for d, n in room.deployments.items() if sum(c.deployment_id == d for c in chosen) >= n
    }
    for queue, slots in room.queues.items():
        assert sum(each.queue_id == queue for each in chosen) <= slots
    for deployment, slots in room.deployments.items():
        assert sum(each.deployment_id == deployment for each in chosen) <= slots
    if len(chosen) < most:
        for each in candidates:
            assert each in chosen or each.queue_id in full_queues or each.deployment_id in full


@given(some.integers(0, 5), some.booleans())
def test_a_run_that_always_crashes_has_its_retries_and_no_more(retries, reported):
    lineage, made = Lineage(attempt=1, retries=retries, retries_used=0, was_reported=reported), 1
    while (following := next_attempt(lineage)) is not None:
        made += 1
        assert timedelta() <= following.delay <= timedelta(minutes=5)
        lineage = Lineage(
            attempt=following.attempt, retries=retries, retries_used=following.retries_used
        )
    assert made == retries + 1
