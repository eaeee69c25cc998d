"""The answer to a proposed state. The server and the embedded mode both ask here."""

import msgspec

from runwright.core.rules.order import FLOW_RUN_RULES, TASK_RUN_RULES, Rule
from runwright.core.transitions import Accept, Decision, Transition

#: Answers on the wire: Accept -> ACCEPT with the recorded state; Replace -> REJECT with the state
#: that was recorded in its place; Reject -> REJECT with the run's present state; Abort and Wait
#: as they are named.


def decide(move: Transition) -> Decision:
    """Judge a move of a flow run.

    `Accept.state`, where set, is the proposed state completed by the rules: record that one.
    """
    return _ask(FLOW_RUN_RULES, move)


def decide_task(move: Transition) -> Decision:
    """Judge a move of a task run that is orchestrated over REST."""
    return _ask(TASK_RUN_RULES, move)


def _ask(rules: tuple[Rule, ...], move: Transition) -> Decision:
    completed = None
    for rule in rules:
        if move.force and not rule.is_law:
            continue
        decision = rule.decide(move)
        if not isinstance(decision, Accept):
            return decision
        if decision.state is not None:
            completed = decision.state
            move = msgspec.structs.replace(move, proposed=completed)
    return Accept(completed)
