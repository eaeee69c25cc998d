"""Pages of runs in several states: each state's own end of the index, and these merged.

Asked in one piece, the database sorts all runs of these states: three seconds where there are a
million.
"""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, select, union_all

from runwright.api.filters import FlowRunFilter, Paging, StateIs, StateTypeIs, TaskRunFilter
from runwright.core.states import StateType
from runwright.storage.filters import narrowed
from runwright.storage.tables import flow_run, task_run

_MEMBER = {flow_run: "flow_runs", task_run: "task_runs"}
_SORTS = frozenset({"EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC"})
#: Beyond so many rows nobody pages by numbers.
_MOST = 2_000


def page_conditions(
    table: Table,
    query: Paging,
    order: tuple[ColumnElement[Any], ...],
    most: int,
    *,
    only: ColumnElement[bool] | None = None,
) -> list[ColumnElement[bool]]:
    """The conditions on the rows of a page, of which the first `most` in this order are wanted.

    `only`: what all of them meet besides. It narrows each state's end too, or rows that do not meet
    it would be counted among the first.
    """
    states = _states_of(table, query)
    if states is None or query.sort not in _SORTS or not 0 < most <= _MOST:
        return narrowed(table, query)
    if len(states) <= 1:
        return narrowed(table, query if not states else _in_state(table, query, states[0]))
    others = [] if only is None else [only]
    firsts = [
        select(table.c.id)
        .where(*narrowed(table, _in_state(table, query, state)), *others)
        .order_by(*order)
        .limit(most)
        .subquery()
        for state in states
    ]
    return [table.c.id.in_(union_all(*(select(each.c.id) for each in firsts)))]


def _states_of(table: Table, query: Paging) -> list[StateType] | None:
    """The types of state that are asked for; None where it is not by types alone."""
    own: FlowRunFilter | TaskRunFilter | None = getattr(query, _MEMBER.get(table, ""), None)
    state = None if own is None else own.state
    kinds = None if state is None else state.type
    if own is None or state is None or kinds is None:
        return None
    if (kinds.any_, kinds.not_any_) == (None, None):
        return None
    if "or_" in {own.operator, state.operator, kinds.operator}:
        return None
    wanted = list(StateType) if kinds.any_ is None else kinds.any_
    return [each for each in dict.fromkeys(wanted) if each not in (kinds.not_any_ or ())]


def _in_state(table: Table, query: Paging, state: StateType) -> Paging:
    member = _MEMBER[table]
    own = getattr(query, member)
    one = StateIs(name=own.state.name, type=StateTypeIs(any_=[state]))
    return msgspec.structs.replace(query, **{member: msgspec.structs.replace(own, state=one)})
