"""Each orchestration rule, one case at a time, as decide applies it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from runwright.core.decide import decide, decide_task
from runwright.core.rules.order import FLOW_RUN_RULES, TASK_RUN_RULES
from runwright.core.states import State, StateDetails, StateType
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
SOON = NOW + timedelta(seconds=30)
TERMINAL_NAMES = ["Completed", "Failed", "Cancelled", "Crashed"]


def state(name, kind=None, message=None, **details):
    return State(
        id=uuid4(),
        type=StateType(kind or name.upper()),
        name=name,
        timestamp=NOW - timedelta(minutes=1),
        message=message,
        state_details=StateDetails(**details),
    )


def judge(current, proposed, *, task=False, force=False, **facts):
    current = state(current) if isinstance(current, str) else current
    proposed = state(proposed) if isinstance(proposed, str) else proposed
    move = Transition(
        current=current, proposed=proposed, now=NOW, run=RunFacts(**facts), force=force
    )
    return (decide_task if task else decide)(move)


def awaiting_retry(due=NOW):
    return state("AwaitingRetry", "SCHEDULED", scheduled_time=due)


# -- the plain life of a run


@pytest.mark.parametrize(
    ("current", "proposed"),
    [
        (None, "Pending"),
        (None, "Running"),
        ("Scheduled", "Pending"),
        ("Pending", "Running"),
        ("Running", "Completed"),
        ("Running", "Failed"),
        ("Running", "Crashed"),
        ("Running", "Cancelling"),
        ("Running", "Paused"),
        ("Paused", "Running"),
        ("Cancelling", "Cancelled"),
        ("Pending", "Scheduled"),
    ],
)
def test_the_moves_of_a_healthy_run_are_accepted(current, proposed):
    assert isinstance(judge(current, proposed, has_lease=current != "Scheduled"), Accept)


@pytest.mark.parametrize("first", ["Cancelling", "Paused"])
def test_a_run_cannot_begin_in_the_middle(first):
    assert isinstance(judge(None, first), Abort)


# -- finality


def test_a_repeated_transition_is_answered_with_the_present_state():
    known = UUID(int=1)

    again = judge(state("Pending", transition_id=known), state("Pending", transition_id=known))
    later = judge("Running", state("Pending", transition_id=known), last_transition_id=known)

    assert isinstance(again, Reject)
    assert isinstance(later, Reject)


@pytest.mark.parametrize("ended", TERMINAL_NAMES)
@pytest.mark.parametrize("proposed", ["Running", "Completed", "Scheduled", "Pending", "Paused"])
def test_an_ended_run_stays_ended(ended, proposed):
    assert isinstance(judge(ended, proposed, retries=3), Abort)


def test_a_completed_run_that_kept_its_result_is_gone_on_with():
    kept = msgspec.structs.replace(state("Completed"), data={"type": "reference"})
    lost = msgspec.structs.replace(state("Completed"), data={"type": "unpersisted"})
    assert isinstance(judge(kept, "Running"), Reject)
    assert isinstance(judge(lost, "Running"), Abort)
    assert isinstance(judge(kept, "Failed"), Abort)


@pytest.mark.parametrize("ended", TERMINAL_NAMES)
def test_an_operator_retries_an_ended_run_by_force(ended):
    decision = judge(ended, state("AwaitingRetry", "SCHEDULED"), force=True)

    assert isinstance(decision, Accept)
    assert decision.state.state_details.scheduled_time == NOW


def test_force_corrects_an_end_but_revives_nothing():
    assert isinstance(judge("Failed", "Completed", force=True), Accept)
    assert isinstance(judge("Failed", "Failed", force=True), Reject)
    for alive in ("Running", "Pending", "Paused", "Cancelling"):
        assert isinstance(judge("Failed", alive, force=True), Abort)


def test_force_passes_the_guards_but_not_the_lifecycle():
    assert isinstance(judge(awaiting_retry(SOON), "Running", force=True), Accept)
    assert isinstance(judge("Running", "Failed", retries=3, force=True), Accept)
    assert isinstance(judge("Running", "Pending", force=True), Reject)


# -- cancelling


@pytest.mark.parametrize(
    "waiting", ["Scheduled", "Paused", state("Suspended", "PAUSED", pause_reschedule=True)]
)
def test_cancelling_a_run_without_a_process_cancels_it_at_once(waiting):
    decision = judge(waiting, state("Cancelling", message="no longer needed"))

    assert isinstance(decision, Replace)
    assert (decision.state.type, decision.state.name) == ("CANCELLED", "Cancelled")
    assert decision.state.message == "no longer needed"
    assert decision.state.timestamp == NOW


@pytest.mark.parametrize("current", ["Running", "Pending", "Paused", awaiting_retry()])
def test_cancelling_a_run_with_a_process_asks_the_process(current):
    assert judge(current, "Cancelling", has_lease=True) == Accept()


@pytest.mark.parametrize("outcome", ["Completed", "Failed", "Crashed", "Running"])
def test_a_cancelling_run_ends_as_cancelled_whatever_its_process_says(outcome):
    decision = judge("Cancelling", outcome, retries=3)

    assert isinstance(decision, Replace)
    assert decision.state.name == "Cancelled"


@pytest.mark.parametrize("proposed", ["Pending", "Scheduled", "Paused", "Cancelling"])
def test_a_cancelling_run_stays_cancelling(proposed):
    assert isinstance(judge("Cancelling", proposed), Reject)


def test_a_run_wanted_cancelled_never_starts_and_never_retries():
    for current, proposed in [("Pending", "Running"), ("Running", "Failed")]:
        decision = judge(current, proposed, cancel_wanted=True, retries=3, has_lease=True)
        assert decision.state.name == "Cancelled"


# -- the claim


@pytest.mark.parametrize("current", ["Pending", state("Submitting", "PENDING"), "Running"])
def test_the_second_claimer_stops(current):
    assert isinstance(judge(current, "Pending"), Abort)


def test_the_claimer_goes_on_to_submitting_once():
    assert judge("Pending", state("Submitting", "PENDING")) == Accept()
    submitting = state("Submitting", "PENDING")
    assert isinstance(judge(submitting, state("Submitting", "PENDING")), Abort)


def test_a_run_that_waits_in_its_process_cannot_be_claimed():
    assert isinstance(judge(awaiting_retry(), "Pending", has_lease=True), Abort)
    assert isinstance(judge(awaiting_retry(), "Pending", has_lease=False), Accept)


def test_a_second_process_of_a_running_run_stops():
    assert isinstance(judge("Running", "Running"), Abort)
    assert isinstance(judge(state("Retrying", "RUNNING"), "Running"), Abort)
    assert judge("Running", state("Half way", "RUNNING")) == Accept()


def test_a_claim_without_a_slot_waits_or_is_cancelled():
    waits = judge("Scheduled", "Pending", slot=Slot.ENQUEUE)
    ends = judge("Scheduled", "Pending", slot=Slot.CANCEL_NEW)

    assert waits.state.name == "AwaitingConcurrencySlot"
    assert waits.state.state_details.scheduled_time == SOON
    assert ends.state.name == "Cancelled"


def test_a_claim_from_what_is_paused_changes_nothing():
    decision = judge("Scheduled", "Pending", slot=Slot.PAUSED, slot_of="the work pool 'etl'")

    assert decision == Reject("It waits because the work pool 'etl' is paused.")
    assert judge("Pending", "Running", slot=Slot.PAUSED) == Accept()


# -- time


def test_running_early_waits_for_the_scheduled_time():
    for current in (awaiting_retry(SOON), state("Pending", scheduled_time=SOON)):
        decision = judge(current, "Running")
        assert isinstance(decision, Wait)
        assert decision.delay == timedelta(seconds=30)


def test_what_was_due_when_it_was_claimed_starts_though_the_clock_was_set_back_since():
    claimed = state("Pending", scheduled_time=NOW + timedelta(hours=1))
    claimed = msgspec.structs.replace(claimed, timestamp=NOW + timedelta(hours=1))
    assert isinstance(judge(claimed, "Running"), Accept)


def test_a_claimed_run_keeps_its_scheduled_time():
    decision = judge(state("Scheduled", scheduled_time=SOON), "Pending")

    assert decision.state.state_details.scheduled_time == SOON


def test_scheduled_without_a_time_means_now():
    assert judge(None, "Scheduled").state.state_details.scheduled_time == NOW


def test_late_is_for_scheduled_runs_that_nobody_took():
    late = state("Late", "SCHEDULED")
    early = NOW - timedelta(minutes=5)

    decision = judge(state("Scheduled", scheduled_time=early), late)

    assert decision.state.state_details.scheduled_time == early
    assert isinstance(judge("Pending", late), Reject)
    assert isinstance(judge(None, late), Reject)
    assert isinstance(judge(awaiting_retry(early), late, has_lease=True), Reject)


# -- retries


def test_a_failure_within_the_budget_awaits_its_retry():
    failed = state("Failed", message="boom", transition_id=UUID(int=7))
    delay = timedelta(seconds=10)

    decision = judge("Running", failed, retries=3, retries_used=1, retry_delay=delay)

    assert isinstance(decision, Replace)
    assert decision.spends_retry
    assert decision.reason == "Retry 2 of 3."
    assert (decision.state.type, decision.state.name) == ("SCHEDULED", "AwaitingRetry")
    assert (decision.state.id, decision.state.message) == (failed.id, "boom")
    assert decision.state.state_details.scheduled_time == NOW + delay
    assert decision.state.state_details.transition_id == UUID(int=7)


@pytest.mark.parametrize(
    ("current", "proposed", "facts"),
    [
        ("Running", "Failed", {"retries": 0}),
        ("Running", "Failed", {"retries": 2, "retries_used": 2}),
        ("Running", state("Failed", retriable=False), {"retries": 2}),
        ("Running", "Crashed", {"retries": 2}),
        ("Pending", "Failed", {"retries": 2}),
    ],
)
def test_other_failures_stay(current, proposed, facts):
    assert judge(current, proposed, **facts) == Accept()


def test_running_after_awaiting_retry_is_called_retrying():
    assert judge(awaiting_retry(), "Running").state.name == "Retrying"
    assert judge(awaiting_retry(), state("Third go", "RUNNING")) == Accept()


# -- pause, suspend, resume


@pytest.mark.parametrize("current", ["Scheduled", "Pending", "Paused"])
def test_only_a_running_run_pauses(current):
    assert isinstance(judge(current, "Paused"), Reject)


def test_a_pause_happens_once_for_each_key():
    paused = state("Paused", pause_key="approve")

    assert judge("Running", paused) == Accept()
    assert isinstance(judge("Running", paused, pause_keys=frozenset({"approve"})), Reject)


def test_only_runs_that_can_be_resumed_are_suspended():
    suspended = state("Suspended", "PAUSED", pause_reschedule=True)

    assert isinstance(judge("Running", suspended), Abort)
    assert isinstance(judge("Running", suspended, has_deployment=True, is_subflow=True), Abort)
    assert judge("Running", suspended, has_deployment=True) == Accept()


def test_a_pause_that_timed_out_fails_the_run():
    paused = state("Paused", pause_timeout=NOW - timedelta(seconds=1))

    decision = judge(paused, "Running")

    assert isinstance(decision, Replace)
    assert decision.state.name == "Failed"
    assert judge(paused, "Cancelled") == Accept()


def test_a_suspended_run_resumes_through_the_queue():
    suspended = state("Suspended", "PAUSED", pause_reschedule=True, pause_timeout=SOON)

    assert isinstance(judge(suspended, "Running"), Reject)
    resuming = judge(suspended, state("Resuming", "SCHEDULED"))
    assert resuming.state.state_details.scheduled_time == NOW


# -- task runs


def test_task_runs_retry_and_wait_like_flow_runs():
    decision = judge("Running", "Failed", task=True, retries=1)
    assert decision.state.name == "AwaitingRetry"
    assert isinstance(judge(awaiting_retry(SOON), "Running", task=True), Wait)
    assert isinstance(judge("Completed", "Running", task=True), Abort)


def test_task_runs_are_cancelled_dated_and_named_like_flow_runs():
    assert judge("Running", "Failed", task=True, retries=1, cancel_wanted=True).state.name == (
        "Cancelled"
    )
    assert judge(None, "Scheduled", task=True).state.state_details.scheduled_time == NOW
    assert judge(awaiting_retry(), "Running", task=True).state.name == "Retrying"


@pytest.mark.parametrize("around", ["COMPLETED", "CRASHED", "CANCELLED", "CANCELLING"])
def test_no_task_starts_in_a_flow_run_that_has_stopped(around):
    decision = judge("Pending", "Running", task=True, enclosing_state=StateType(around))

    assert isinstance(decision, Abort)
    running = StateType.RUNNING
    assert judge("Pending", "Running", task=True, enclosing_state=running) == Accept()


# -- what clients of the same API do


def test_a_worker_that_claims_by_setting_states_gets_through():
    current = state("Scheduled", scheduled_time=NOW)
    for proposed in (
        state("Pending"),
        state("Submitting", "PENDING"),
        state("InfrastructurePending", "PENDING"),
        state("Running"),
        state("Completed"),
    ):
        decision = judge(current, proposed)
        assert isinstance(decision, Accept)
        current = decision.state or proposed


def test_a_runner_that_confirms_a_cancellation_by_force_changes_nothing():
    assert judge("Cancelling", "Cancelled", force=True) == Accept()
    assert isinstance(judge("Cancelled", "Cancelled", force=True), Reject)


# -- the list


@pytest.mark.parametrize("rules", [FLOW_RUN_RULES, TASK_RUN_RULES])
def test_every_rule_stands_once_and_says_why_there(rules):
    assert len({rule.decide for rule in rules}) == len(rules)
    assert all(rule.why for rule in rules)
