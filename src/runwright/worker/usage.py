"""What executions take of the worker's machine, as it is told with a sync."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

import psutil

from runwright.api.executions import ExecutionRef, RunFigures
from runwright.core.clock import Clock

#: Going through all processes of a machine takes milliseconds: not at every sync.
_FRESH_SECONDS = 5.0
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


class _Reading(NamedTuple):
    cpu_seconds: float
    memory_bytes: int


class Usage:
    """Reads the figures of executions that are processes of this machine."""

    def __init__(self, processes: Callable[[], Mapping[UUID, int]], *, clock: Clock) -> None:
        """`processes`: the first process of each execution, by execution."""
        self._processes = processes
        self._clock = clock
        self._read_at = float("-inf")
        self._seconds = 0.0
        self._before: dict[UUID, _Reading] = {}
        self._now: dict[UUID, _Reading] = {}

    def figures(self, executions: Iterable[ExecutionRef]) -> list[RunFigures]:
        """The latest figures of those executions that can be seen."""
        now = self._clock.monotonic()
        if now - self._read_at >= _FRESH_SECONDS:
            self._seconds = now - self._read_at
            self._read_at = now
            self._before, self._now = self._now, _read(self._processes())
        return [
            RunFigures(
                flow_run_id=each.flow_run_id,
                cpu_cores=self._cores(each.execution_id),
                memory_bytes=self._now[each.execution_id].memory_bytes,
            )
            for each in executions
            if each.execution_id in self._now
        ]

    def _cores(self, execution_id: UUID) -> float | None:
        """Since the reading before; None at the first one."""
        before = self._before.get(execution_id)
        if before is None:
            return None
        spent = self._now[execution_id].cpu_seconds - before.cpu_seconds
        return round(max(0.0, spent / self._seconds), 3)


def _read(roots: Mapping[UUID, int]) -> dict[UUID, _Reading]:
    if not roots:
        return {}
    children: defaultdict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter(["ppid"]):
        children[process.info["ppid"]].append(process)
    found: dict[UUID, _Reading] = {}
    for execution_id, pid in roots.items():
        family = [reading for each in _family(pid, children) if (reading := _of(each)) is not None]
        if family:
            found[execution_id] = _Reading(
                sum(each.cpu_seconds for each in family), sum(each.memory_bytes for each in family)
            )
    return found


def _family(pid: int, children: Mapping[int, list[psutil.Process]]) -> Iterator[psutil.Process]:
    try:
        waiting = [psutil.Process(pid)] if pid else []
    except psutil.NoSuchProcess:
        return
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process.pid, ())


def _of(process: psutil.Process) -> _Reading | None:
    """With what its children took that have ended, so that the sum only grows."""
    try:
        with process.oneshot():
            times = process.cpu_times()
            spent = times.user + times.system + times.children_user + times.children_system
            return _Reading(spent, process.memory_info().rss)
    except _GONE:
        return None
