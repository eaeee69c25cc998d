"""The keeper of one execution: a process of its own beside the flow, with no user code in it.

It renews the lease (so that code holding the interpreter's lock is never taken for dead), ships
the journal, ends the flow when it is told to, and reports how it ended. It goes on when its worker
dies. `python -m runwright.worker.supervisor` does the same where there is no worker: in a
container.
"""

import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from runwright.api.executions import ExecutionRef, ExecutionSpec, ExitReport, ReleaseRequest
from runwright.api.frames import JOURNAL_LOST
from runwright.api.journal import Answer
from runwright.core.texts import encodable, error_text
from runwright.worker import kernel
from runwright.worker.backlog import Backlog
from runwright.worker.cgroups import MemoryWatch
from runwright.worker.control_plane import ControlPlane, connect
from runwright.worker.death import Death, await_death
from runwright.worker.flow_line import FlowLine
from runwright.worker.flow_process import FlowProcess, RunFlow, start_flow
from runwright.worker.job import place_of, read_job
from runwright.worker.journal_pump import JournalPump, Post
from runwright.worker.launcher import LaunchFailed
from runwright.worker.leftovers import Owner, write_owner
from runwright.worker.orders import Launch
from runwright.worker.output import Output
from runwright.worker.refusals import Refusal
from runwright.worker.report import deliver
from runwright.worker.signals import signals_to
from runwright.worker.surroundings import surroundings_of

#: The supervisor's own exit codes.
TOLD, NOT_TOLD = 0, 75
#: The lease of an execution without a worker, until the control plane has told the real one.
_UNTOLD_LEASE_MS = 30_000
#: How long the last bytes of a dead flow may take to be read.
_LAST_BYTES_SECONDS = 5.0
#: How long a flow that has hung up may take to end by itself.
_HUNG_UP_SECONDS = 1.0
#: How far the word why a flow is to end goes ahead of its signal.
_WORD_SECONDS = 0.05

_ORDERS = {
    signal.SIGTERM: "shutdown",
    signal.SIGUSR1: "cancelled",
    signal.SIGUSR2: "lease_lost",
}
_IN_WORDS = {
    "shutdown": "the worker was stopped",
    "cancelled": "the run was cancelled",
    "outage": "the control plane was away for longer than the execution is to wait for it",
    "refused": "the control plane refused a state of the run as malformed",
}


def supervise(launch: Launch, run_flow: RunFlow) -> int:
    """Run one execution in this process, from the fork of its flow to the report of its end.

    Returns `TOLD`, or `NOT_TOLD` when the control plane could not be reached for the report.
    """
    kernel.adopt_orphans()
    kernel.name_process("rw-supervisor")
    memory = MemoryWatch()
    with contextlib.ExitStack() as place:
        try:
            job = read_job(launch.spec.job_configuration)
            job_there = place.enter_context(place_of(launch.spec, job))
            flow = start_flow(launch.spec, job_there, run_flow, environ=os.environ)
            output = Output(flow.output, forward_to=2 if job.stream_output else None)
        except LaunchFailed as failure:
            return asyncio.run(_report_failed_launch(launch, str(failure)))
        except Exception as error:  # noqa: BLE001  # whatever it was, the run is to say so
            traceback.print_exc()
            return asyncio.run(_report_failed_launch(launch, error_text(error)))
        return asyncio.run(Supervisor(launch, flow, output, memory).run())


async def _report_failed_launch(launch: Launch, why: str) -> int:
    spec, surroundings = launch.spec, launch.surroundings
    report = ExitReport(
        token=spec.token,
        execution_id=spec.execution_id,
        reason=encodable(f"could not be launched: {why}"),
    )
    async with connect(surroundings, spec.credential) as control_plane:
        path = f"/flow_runs/{spec.flow_run_id}/exit"
        told = await deliver(control_plane, path, report, patience=surroundings.outage_tolerance)
    return NOT_TOLD if told is None else TOLD


class Supervisor:
    """Keeps one flow process."""

    def __init__(
        self, launch: Launch, flow: FlowProcess, output: Output, memory: MemoryWatch
    ) -> None:
        self._launch = launch
        self._flow = flow
        self._output = output
        self._memory = memory
        self._stop_reason: str | None = None
        self._is_lost = False
        #: Why nothing more can be heard of the flow, where it hung up before its end.
        self._hung_up: str | None = None
        self._ended_unheard = False
        self._we_killed = False
        self._has_died = False

    async def run(self) -> int:
        """Keep the flow until its end is reported; the exit code of the supervisor."""
        launch = self._launch
        async with connect(launch.surroundings, launch.spec.credential) as control_plane:
            self._pump = JournalPump(
                _execution(launch),
                post=self._journal_to(control_plane),
                backlog=_backlog(launch),
                listener=self,
                lease_seconds=launch.lease_ttl_ms / 1000,
                outage_tolerance=launch.surroundings.outage_tolerance,
            )
            self._line = FlowLine(self._flow.journal, self._pump, control_plane)
            with signals_to(self._reactions()):
                # Orders that came since the fork have waited for this.
                signal.pthread_sigmask(signal.SIG_UNBLOCK, kernel.STOP_SIGNALS)
                death = await self._keep()
                return await self._report(control_plane, death)

    async def _keep(self) -> Death:
        asyncio.get_running_loop().add_reader(self._output.fileno(), self._read_output)
        async with asyncio.TaskGroup() as tasks:
            pumping = tasks.create_task(self._pump.run())
            reading = tasks.create_task(self._read_line())
            writing = tasks.create_task(self._line.write())
            death = await await_death(self._flow.pid)
            self._has_died = True
            await self._take_last_bytes(reading)
            await self._pump.drained()
            for task in (pumping, reading, writing):
                task.cancel()
        return death

    async def _read_line(self) -> None:
        """Read to the end; a flow of which nothing more can be heard is ended."""
        await self._line.read()
        if self._has_died or self._pump.has_last_word or self._stop_reason or self._is_lost:
            return
        self._hung_up = self._line.cause
        # Most have ended just now.
        asyncio.get_running_loop().call_later(_HUNG_UP_SECONDS, self._end_unheard)

    def _end_unheard(self) -> None:
        if not self._has_died:
            self._ended_unheard = True
            self._kill()

    def stop(self, reason: str) -> None:
        """End the flow: a word and SIGTERM, then SIGKILL after the grace.

        Nothing is waited for when the run is not ours any more, when user code has not started,
        or when the worker insists.
        """
        if self._has_died:
            return
        if reason == "lease_lost":
            self._let_go()
        elif self._stop_reason is not None:
            if reason == self._stop_reason == "shutdown":
                self._kill()
        elif not (reason == "cancelled" and self._pump.has_ended):
            self._stop_reason = reason
            if reason == "shutdown" and not self._pump.has_started:
                self._kill()
                return
            self._line.order_stop("cancelled" if reason == "cancelled" else "shutdown")
            loop = asyncio.get_running_loop()
            loop.call_later(_WORD_SECONDS, self._terminate)
            loop.call_later(self._launch.surroundings.cancel_grace, self._kill)

    def acknowledged(self, up_to: int, answers: list[Answer], *, is_spooled: bool) -> None:
        """Tell the flow what is stored."""
        self._line.acknowledge(up_to, answers, is_spooled=is_spooled)

    def cancel_requested(self) -> None:
        """Obey a cancellation that came with an answer."""
        self.stop("cancelled")

    def over(self, refusal: Refusal) -> None:
        """End an execution from which nothing will be taken any more."""
        if refusal is Refusal.LEASE_LOST:
            self._let_go()
        elif refusal is Refusal.AWAY_TOO_LONG:
            self.stop("outage")
        else:
            self.stop("refused")
            self._kill()

    def _reactions(self) -> dict[int, Callable[[], None]]:
        orders = {number: partial(self.stop, reason) for number, reason in _ORDERS.items()}
        return {**orders, signal.SIGCHLD: self._reap_adopted}

    def _journal_to(self, control_plane: ControlPlane) -> Post:
        path = f"/flow_runs/{self._launch.spec.flow_run_id}/journal"

        async def post(body: bytes) -> tuple[int, bytes]:
            return await control_plane.send("POST", path, body)

        return post

    def _read_output(self) -> None:
        self._output.read()
        if self._output.is_closed:
            asyncio.get_running_loop().remove_reader(self._output.fileno())

    def _reap_adopted(self) -> None:
        if not self._has_died:
            kernel.reap_dead(keep=self._flow.pid)

    def _let_go(self) -> None:
        """The control plane takes no more. A run that has ended may still tidy up."""
        if self._pump.has_ended:
            self._line.order_stop("lease_lost")
            grace = self._launch.surroundings.cancel_grace
            asyncio.get_running_loop().call_later(grace, self._kill)
        else:
            self._is_lost = True
            self._kill()

    def _terminate(self) -> None:
        if not self._has_died:
            kernel.kill_quietly(self._flow.pid, signal.SIGTERM)

    def _kill(self) -> None:
        if not self._has_died:
            self._we_killed = True
            kernel.kill_group(self._flow.pid)
            kernel.kill_quietly(self._flow.pid, signal.SIGKILL)

    async def _take_last_bytes(self, reading: asyncio.Task[None]) -> None:
        """What a flow wrote before it died is still in the socket and the pipe."""
        await asyncio.wait({reading}, timeout=_LAST_BYTES_SECONDS)
        asyncio.get_running_loop().remove_reader(self._output.fileno())
        self._output.drain()

    async def _report(self, control_plane: ControlPlane, death: Death) -> int:
        if self._is_lost or self._pump.is_second:
            return TOLD  # of a second launch there is nothing to tell: the run is the first one's
        if self._stop_reason == "shutdown" and not self._pump.has_started:
            spec = self._launch.spec
            request = ReleaseRequest(
                token=spec.token, execution_id=spec.execution_id, reason=_IN_WORDS["shutdown"]
            )
            told = await self._tell(control_plane, "release", request)
            if told is None or not _is_rejected(told):
                return NOT_TOLD if told is None else TOLD
            # It had started after all: the word of it was on its way to us.
        told = await self._tell(control_plane, "exit", self._exit_report(death))
        return NOT_TOLD if told is None else TOLD

    async def _tell(
        self, control_plane: ControlPlane, what: str, body: msgspec.Struct
    ) -> bytes | None:
        path = f"/flow_runs/{self._launch.spec.flow_run_id}/{what}"
        patience = self._launch.surroundings.outage_tolerance
        return await deliver(control_plane, path, body, patience=patience)

    def _exit_report(self, death: Death) -> ExitReport:
        is_out_of_memory = death.was_killed and not self._we_killed and self._memory.has_run_out()
        return ExitReport(
            token=self._launch.spec.token,
            execution_id=self._launch.spec.execution_id,
            exit_code=death.exit_code,
            signal=death.signal,
            oom_killed=is_out_of_memory,
            peak_memory_bytes=death.peak_memory_bytes,
            memory_limit_bytes=self._memory.limit_bytes(),
            last_lines=self._output.last_lines(),
            reason=self._why(death),
        )

    def _why(self, death: Death) -> str | None:
        if self._ended_unheard or (self._hung_up and death.exit_code == JOURNAL_LOST):
            return f"{self._hung_up}, and nothing more of it could be recorded"
        return _IN_WORDS.get(self._stop_reason or "")


class _Outcome(msgspec.Struct):
    status: str = ""


def _is_rejected(answer: bytes) -> bool:
    try:
        return msgspec.json.decode(answer, type=_Outcome).status == "REJECT"
    except msgspec.DecodeError:
        return False


def _execution(launch: Launch) -> ExecutionRef:
    spec = launch.spec
    return ExecutionRef(
        flow_run_id=spec.flow_run_id, token=spec.token, execution_id=spec.execution_id
    )


def _backlog(launch: Launch) -> Backlog:
    spec = launch.spec

    def sign(file: Path, first: int) -> None:
        owner = Owner(
            flow_run_id=spec.flow_run_id,
            execution_id=spec.execution_id,
            token=spec.token,
            credential=spec.credential,
            first=first,
        )
        write_owner(file, owner)

    folder = Path(launch.surroundings.spool)
    return Backlog(folder / f"{spec.execution_id}.journal", sign=sign)


def main() -> int:
    """Run the execution in RUNWRIGHT_EXECUTION_FILE, an `ExecutionSpec` as JSON."""
    # The flow is forked from this process: what it needs is loaded before.
    from runwright.sdk.execution import run_execution
    from runwright.settings import load_settings

    file = os.environ.pop("RUNWRIGHT_EXECUTION_FILE", None)
    settings = load_settings()
    if file is None or settings.api_url is None:
        print(  # noqa: T201  # a container's log is what there is
            "This program is started by a Runwright worker, which tells it what to run in the "
            "file RUNWRIGHT_EXECUTION_FILE and where the control plane is in RUNWRIGHT_API_URL. "
            "It is of no use by hand.",
            file=sys.stderr,
        )
        return 2
    os.environ.pop("RUNWRIGHT_API_KEY", None)
    spec = msgspec.json.decode(Path(file).read_bytes(), type=ExecutionSpec)
    launch = Launch(spec, _UNTOLD_LEASE_MS, surroundings_of(settings, settings.api_url))
    return supervise(launch, run_execution)


if __name__ == "__main__":
    sys.exit(main())
