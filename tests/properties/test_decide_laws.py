"""Laws of `decide`: for any run, any proposal, any history."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runwright.core.decide import decide, decide_task
from runwright.core.lifecycle import edge_between
from runwright.core.states import TERMINAL, State, StateDetails, StateType
from runwright.core.transitions import (
    Abort,
    Accept,
    Reject,
    Replace,
    RunFacts,
    Slot,
    Transition,
    Wait,
)

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NAMES = {
    StateType.SCHEDULED: ["Scheduled", "Late", "AwaitingRetry", "AwaitingConcurrencySlot"],
    StateType.PENDING: ["Pending", "Submitting"],
    StateType.RUNNING: ["Running", "Retrying", "Half way"],
    StateType.PAUSED: ["Paused", "Suspended"],
}
ids = st.integers(0, 5).map(lambda number: UUID(int=number))
instants = st.none() | st.integers(-100, 100).map(lambda s: NOW + timedelta(seconds=s))


@st.composite
def states(draw):
    kind = draw(st.sampled_from(StateType))
    details = StateDetails(
        scheduled_time=draw(instants),
        pause_timeout=draw(instants),
        pause_reschedule=draw(st.booleans()),
        pause_key=draw(st.sampled_from([None, "a", "b"])),
        transition_id=draw(st.none() | ids),
        retriable=draw(st.sampled_from([None, False, True])),
    )
    return State(
        id=draw(st.uuids()),
        type=kind,
        name=draw(st.sampled_from(NAMES.get(kind, [kind.title()]))),
        timestamp=NOW,
        state_details=details,
    )


facts = st.builds(
    RunFacts,
    retries=st.integers(0, 4),
    retries_used=st.integers(0, 5),
    retry_delay=st.none() | st.integers(0, 60).map(lambda s: timedelta(seconds=s)),
    has_deployment=st.booleans(),
    has_lease=st.booleans(),
    cancel_wanted=st.booleans(),
    is_subflow=st.booleans(),
    pause_keys=st.frozensets(st.sampled_from(["a", "b"])),
    last_transition_id=st.none() | ids,
    slot=st.sampled_from(Slot),
    enclosing_state=st.none() | st.sampled_from(StateType),
)
moves = st.builds(
    Transition,
    current=st.none() | states(),
    proposed=states(),
    now=st.just(NOW),
    run=facts,
    force=st.booleans(),
)
both = pytest.mark.parametrize("judge", [decide, decide_task])


def recorded(move, decision):
    match decision:
        case Accept(state):
            return state or move.proposed
        case Replace(state):
            return state
        case _:
            return None


@both
@given(move=moves)
@settings(max_examples=200)
def test_whatever_is_recorded_is_an_edge_of_the_lifecycle(judge, move):
    state = recorded(move, judge(move))
    if state is None:
        return

    edge = edge_between(move.current.type if move.current else None, state.type)

    assert edge is not None
    assert move.force or not edge.forced


@both
@given(move=moves, ended=st.sampled_from(sorted(TERMINAL)))
@settings(max_examples=200)
def test_an_ended_run_moves_only_by_force(judge, move, ended):
    current = msgspec.structs.replace(move.proposed, type=ended, name=ended.title())
    move = msgspec.structs.replace(move, current=current)

    state = recorded(move, judge(move))

    assert state is None or move.force
    assert state is None or state.type in TERMINAL | {StateType.SCHEDULED}


@both
@given(move=moves)
@settings(max_examples=200)
def test_the_same_question_has_the_same_answer(judge, move):
    assert judge(move) == judge(move)


@both
@given(move=moves, transition_id=ids)
@settings(max_examples=200)
def test_a_repeated_transition_changes_nothing(judge, move, transition_id):
    details = msgspec.structs.replace(move.proposed.state_details, transition_id=transition_id)
    move = msgspec.structs.replace(
        move, proposed=msgspec.structs.replace(move.proposed, state_details=details)
    )
    first = recorded(move, judge(move))
    if first is None:
        return

    again = msgspec.structs.replace(
        move,
        current=first,
        run=msgspec.structs.replace(move.run, last_transition_id=transition_id),
    )

    assert isinstance(judge(again), Reject)


@both
@given(
    retries=st.integers(0, 4),
    delay=st.none() | st.integers(0, 60).map(lambda s: timedelta(seconds=s)),
    proposals=st.lists(states(), max_size=40),
)
@settings(max_examples=80)
def test_retries_never_exceed_the_budget(judge, retries, delay, proposals):
    run, current, now = RunFacts(retries=retries, retry_delay=delay), None, NOW
    for proposed in proposals:
        now += timedelta(seconds=200)
        move = Transition(current=current, proposed=proposed, now=now, run=run)
        decision = judge(move)
        current = recorded(move, decision) or current
        if isinstance(decision, Replace) and decision.spends_retry:
            assert decision.state.name == "AwaitingRetry"
            assert decision.state.state_details.scheduled_time == now + (delay or timedelta())
            run = msgspec.structs.replace(run, retries_used=run.retries_used + 1)

    assert run.retries_used <= retries


@given(move=moves)
@settings(max_examples=200)
def test_a_run_wanted_cancelled_never_runs(move):
    if move.force or move.current is None:
        return
    if not (move.run.cancel_wanted or move.current.type is StateType.CANCELLING):
        return

    state = recorded(move, decide(move))

    assert state is None or state.type in {StateType.CANCELLED, StateType.CANCELLING}


@both
@given(move=moves)
@settings(max_examples=200)
def test_a_wait_is_for_some_time_and_then_over(judge, move):
    decision = judge(move)
    if not isinstance(decision, Wait):
        return

    assert decision.delay > timedelta()
    later = msgspec.structs.replace(move, now=move.now + decision.delay)
    assert not isinstance(judge(later), Wait)


@given(move=moves)
@settings(max_examples=200)
def test_two_claims_in_a_row_are_one(move):
    if move.proposed.type is not StateType.PENDING or move.proposed.name != "Pending":
        return
    first = recorded(move, decide(move))
    if first is None or first.type is not StateType.PENDING:
        return
    details = msgspec.structs.replace(move.proposed.state_details, transition_id=UUID(int=99))
    rival = msgspec.structs.replace(move.proposed, state_details=details)

    second = decide(Transition(current=first, proposed=rival, now=NOW, run=RunFacts()))

    assert isinstance(second, Abort)
