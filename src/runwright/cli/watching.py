"""Following a run to its end: states and logs as they come, over all its attempts."""

import time
from collections.abc import Callable
from uuid import UUID

import msgspec

from runwright.api.filters import FlowRunFilter, IdIs, Query
from runwright.api.flow_runs import FlowRun
from runwright.api.logs import Log
from runwright.api.states import StateType
from runwright.cli.exit_codes import Exit, of_outcome
from runwright.cli.render import note, say, show_one
from runwright.cli.session import Caller
from runwright.client.calls import flow_runs, logs
from runwright.core.states import TERMINAL

_PAUSE = 0.3
_PAGE = 200
_LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}


class LogTail:
    """Prints the log records of one run, each once."""

    def __init__(self, caller: Caller, run_id: UUID, output: str = "table") -> None:
        self._caller = caller
        self._output = output
        self._run_id = run_id
        self._seen: set[UUID] = set()
        self._offset = 0

    def print_new(self) -> int:
        """Print what came since the last time; how many records that were."""
        printed = 0
        # The last page again: records that come late may belong there.
        offset = max(0, self._offset - _PAGE)
        while True:
            page = self._caller.call(logs.of_run(self._run_id, limit=_PAGE, offset=offset))
            fresh = [record for record in page if record.id not in self._seen]
            for record in fresh:
                self._print(record)
            self._seen.update(record.id for record in fresh)
            printed += len(fresh)
            offset += len(page)
            if len(page) < _PAGE:
                self._offset = offset
                return printed

    def _print(self, record: Log) -> None:
        if self._output == "json":
            say(msgspec.json.encode(record).decode())
        elif self._output == "name":
            say(record.message)
        else:
            stamp = record.timestamp.astimezone().strftime("%H:%M:%S.%f")[:-3]
            level = _LEVELS.get(record.level, str(record.level))
            tell = note if self._output == "aside" else say
            tell(f"{stamp} | {level:<7} | {record.name} - {record.message}")


def follow(caller: Caller, run: FlowRun, output: str) -> Exit:
    """Watch a run for a command: logs for people, or in the end the run for programs."""
    ended = watch(caller, run, log_output="table" if output == "table" else "aside")
    if output != "table":
        show_one(ended, output, name=str(ended.id))
    return of_outcome(ended.state_type)


def watch(
    caller: Caller,
    run: FlowRun,
    *,
    log_output: str = "table",
    sleep: Callable[[float], None] = time.sleep,  # noqa: TID251  # a person watches
) -> FlowRun:
    """Follow a run, and the attempts that replace it, to the end.

    Returns the last attempt. Ctrl-C stops the watching, not the run.
    """
    tail, shown = LogTail(caller, run.id, log_output), ""
    note(f"watching {run.name} ({run.id}); Ctrl-C leaves it running")
    while True:
        run = caller.call(flow_runs.read(run.id))
        tail.print_new()
        if run.state_name != shown:
            shown = run.state_name or ""
            message = run.state.message if run.state and run.state.message else ""
            note(f"{run.name}: {shown}{' - ' + message if message else ''}")
        if run.state_type in TERMINAL:
            successor = next_attempt(caller, run)
            if successor is None:
                return run
            run = successor
            tail, shown = LogTail(caller, run.id, log_output), ""
            note(f"attempt {run.attempt} is {run.name} ({run.id})")
            continue
        sleep(_PAUSE)


def next_attempt(caller: Caller, run: FlowRun) -> FlowRun | None:
    """The run that replaces a crashed one."""
    if run.state_type is not StateType.CRASHED or run.root_run_id is None:
        return None
    where = FlowRunFilter(root_run_id=IdIs(any_=[run.root_run_id]))
    found = caller.call(flow_runs.find(Query(flow_runs=where, limit=200)))
    later = [each for each in found if each.attempt > run.attempt]
    return min(later, key=lambda each: each.attempt, default=None)
