"""Failures that the run's budget of retries still covers."""

from datetime import timedelta

import msgspec

from runwright.core.rules.derived import scheduled
from runwright.core.states import StateName, StateType
from runwright.core.transitions import Accept, Decision, Replace, Transition


def retry_failed_run(move: Transition) -> Decision:
    """RUNNING -> FAILED becomes AwaitingRetry until the budget is spent."""
    if move.current is None or move.current.type is not StateType.RUNNING:
        return Accept()
    if move.proposed.type is not StateType.FAILED or move.run.retries_used >= move.run.retries:
        return Accept()
    if move.proposed.state_details.retriable is False:
        return Accept()
    due = move.now + (move.run.retry_delay or timedelta())
    number = move.run.retries_used + 1
    return Replace(
        scheduled(move, StateName.AWAITING_RETRY, due),
        f"Retry {number} of {move.run.retries}.",
        spends_retry=True,
    )


def name_retries(move: Transition) -> Decision:
    """Running after AwaitingRetry is called Retrying, unless it has a name of its own."""
    if move.current is None or move.current.name != StateName.AWAITING_RETRY:
        return Accept()
    if move.proposed.type is StateType.RUNNING and move.proposed.name == StateName.RUNNING:
        return Accept(msgspec.structs.replace(move.proposed, name=StateName.RETRYING))
    return Accept()
