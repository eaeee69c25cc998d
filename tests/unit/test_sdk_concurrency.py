"""Waiting for slots, as the procedure that it is."""

from uuid import uuid4

import pytest

from runwright.api.concurrency import Lease, LimitInBrief
from runwright.sdk.channel import Told
from runwright.sdk.concurrency import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencySlotAcquisitionError,
    _acquire,
    _pass,
)
from runwright.sdk.procedures import Pause, Request

FULL = Told(423, {"detail": "all taken"})


def lease(*names):
    limits = [{"id": str(uuid4()), "name": name, "limit": 1} for name in names]
    return Told(201, {"lease_id": str(uuid4()), "limits": limits})


def played(procedure, answers):
    """The requests and pauses of a procedure that is given these answers; and its result."""
    steps, given = [], iter(answers)
    step = next(procedure)
    try:
        while True:
            steps.append(step)
            step = procedure.send(None if isinstance(step, Pause) else next(given))
    except StopIteration as done:
        return steps, done.value


def refused_for_ever(procedure, waited):
    """Answers every request with a refusal; notes the pauses."""
    step = next(procedure)
    while True:
        if isinstance(step, Pause):
            waited.append(step.seconds)
        step = procedure.send(None if isinstance(step, Pause) else FULL)


def test_it_asks_again_less_and_less_often():
    steps, taken = played(_acquire(["a"], 1, None, 60, strict=False), [FULL] * 12 + [lease("a")])
    pauses = [step.seconds for step in steps if isinstance(step, Pause)]
    assert len(pauses) == 12
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.05, 2.0)
    assert isinstance(taken, Lease)


def test_it_gives_up_when_its_time_is_over_and_not_before():
    procedure = _acquire(["a", "b"], 2, 1.0, 60, strict=False)
    waited = []
    with pytest.raises(AcquireConcurrencySlotTimeoutError, match="2 free slots of a, b in 1 s"):
        refused_for_ever(procedure, waited)
    assert sum(waited) == pytest.approx(1.0)


def test_with_no_time_it_asks_once():
    procedure = _pass(["a"], 1, 0, strict=False)
    assert isinstance(next(procedure), Request)
    with pytest.raises(AcquireConcurrencySlotTimeoutError):
        procedure.send(FULL)


def test_strict_gives_back_what_it_got():
    procedure = _acquire(["a", "b"], 1, None, 60, strict=True)
    next(procedure)
    taken = lease("a")
    back = procedure.send(taken)
    assert back.path.endswith("/decrement-with-lease")
    assert back.body == {"lease_id": taken.body["lease_id"]}
    with pytest.raises(ConcurrencySlotAcquisitionError, match="no limit 'b'"):
        procedure.send(Told(200, []))


def test_a_rate_is_not_leased():
    brief = LimitInBrief(id=uuid4(), name="a", limit=1)
    given = Told(200, [{"id": str(brief.id), "name": "a", "limit": 1}])
    steps, _ = played(_pass(["a"], 3, None, strict=True), [FULL, given])
    assert [type(step) for step in steps] == [Request, Pause, Request]
    assert steps[0].body == {"names": ["a"], "slots": 3, "mode": "rate_limit"}
