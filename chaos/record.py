"""What the control plane has in its database when all is over."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from runwright.core.states import TERMINAL
from runwright.storage.engine import open_storage
from runwright.storage.tables import flow_run, flow_run_state, log, task_run

ENDED = frozenset(str(kind) for kind in TERMINAL)


@dataclass
class Run:
    """One flow run with its history and its log."""

    row: Any
    #: (seq, type, name, when, token), in their order.
    states: list[tuple[int, str, str, datetime, int]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    late_lines: list[str] = field(default_factory=list)
    unfinished_tasks: int = 0

    @property
    def id(self) -> str:
        return str(self.row.id)

    @property
    def has_ended(self) -> bool:
        return self.row.state_type in ENDED

    def when(self, kind: str) -> float | None:
        """When it first was in a state of that type, in seconds of the wall clock."""
        return next((at.timestamp() for _, type_, _, at, _ in self.states if type_ == kind), None)


def read(database_url: str) -> dict[str, Run]:
    """Every flow run by its id."""
    return asyncio.run(_read(database_url))


async def _read(database_url: str) -> dict[str, Run]:
    storage = open_storage(database_url)
    await storage.start()
    try:
        return await storage.read(_all)
    finally:
        await storage.stop()


def _all(tx: Any) -> dict[str, Run]:
    runs: dict[UUID, Run] = {row.id: Run(row) for row in tx.execute(select(flow_run))}
    states = select(flow_run_state).order_by(flow_run_state.c.flow_run_id, flow_run_state.c.seq)
    for each in tx.execute(states):
        runs[each.flow_run_id].states.append(
            (each.seq, each.type, each.name, each.timestamp, each.claim_token)
        )
    for each in tx.execute(select(log).order_by(log.c.flow_run_id, log.c.timestamp, log.c.id)):
        if each.flow_run_id in runs:
            run = runs[each.flow_run_id]
            (run.lines if each.late_token is None else run.late_lines).append(each.message)
    for each in tx.execute(select(task_run.c.flow_run_id, task_run.c.state_type)):
        if each.flow_run_id in runs and each.state_type not in ENDED:
            runs[each.flow_run_id].unfinished_tasks += 1
    return {str(run_id): run for run_id, run in runs.items()}


def lineages(runs: dict[str, Run]) -> dict[UUID, list[Run]]:
    """The attempts of each root, in their order."""
    found: defaultdict[UUID, list[Run]] = defaultdict(list)
    for run in runs.values():
        found[run.row.root_run_id].append(run)
    for attempts in found.values():
        attempts.sort(key=lambda run: run.row.attempt)
    return dict(found)
