"""Executions as processes of this machine, forked from a warm zygote."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from uuid import UUID

from runwright.api.executions import ClaimedRun
from runwright.worker.flow_process import SECRET_VARIABLES
from runwright.worker.framing import BrokenStream, FrameReader, pack
from runwright.worker.job import read_job
from runwright.worker.launcher import Ended, LaunchFailed, StopReason
from runwright.worker.orders import (
    DownOrder,
    Launch,
    NotStarted,
    Ready,
    Started,
    Stop,
    SupervisorEnded,
    UpOrder,
)
from runwright.worker.supervisor import NOT_TOLD, TOLD
from runwright.worker.surroundings import Surroundings

ZYGOTE = (sys.executable, "-m", "runwright.worker.zygote")


class ProcessLauncher:
    """Forks executions from zygotes: one for all, and one for each set of preloaded modules."""

    executions_outlive_worker = False

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        environ: Mapping[str, str] | None = None,
        zygote: Sequence[str] = ZYGOTE,
    ) -> None:
        self._surroundings = surroundings
        variables = os.environ if environ is None else environ
        self._environ = {
            name: value for name, value in variables.items() if name not in SECRET_VARIABLES
        }
        self._command = zygote
        self._zygotes: dict[tuple[str, ...], _Zygote] = {}
        self._starting = asyncio.Lock()
        self._ends: asyncio.Queue[Ended] = asyncio.Queue()

    async def warm_up(self) -> None:
        """Start the zygote that most executions need, and wait until it has imported everything.

        Raises:
            LaunchFailed: it ended before it was ready.
        """
        await (await self._zygote(())).ready()

    async def adopt(self) -> list[ClaimedRun]:
        """None: supervisors whose worker died report by themselves."""
        return []

    async def launch(self, claimed: ClaimedRun) -> None:
        """Have a supervisor forked for the execution; see `Launcher`."""
        job = read_job(claimed.spec.job_configuration)
        zygote = await self._zygote(tuple(job.preload))
        await zygote.launch(Launch(claimed.spec, claimed.lease_ttl_ms, self._surroundings))

    async def stop(self, execution_id: UUID, reason: StopReason) -> None:
        """Signal the supervisor; see `Launcher`."""
        for zygote in self._zygotes.values():
            if execution_id in zygote.executions:
                await zygote.order(Stop(execution_id, reason))

    def processes(self) -> dict[UUID, int]:
        """The supervisors; see `Launcher`."""
        return {
            execution_id: pid
            for zygote in self._zygotes.values()
            for execution_id, pid in zygote.executions.items()
            if pid
        }

    async def next_end(self) -> Ended:
        """Wait for a supervisor to end; see `Launcher`."""
        return await self._ends.get()

    async def forget(self, execution_id: UUID) -> None:
        """Nothing is left of a process."""

    async def close(self) -> None:
        """Let the zygotes go; they end after their last supervisor."""
        for zygote in self._zygotes.values():
            await zygote.let_go()

    async def _zygote(self, preload: tuple[str, ...]) -> "_Zygote":
        async with self._starting:
            zygote = self._zygotes.get(preload)
            if zygote is None or zygote.is_gone:
                zygote = _Zygote(self._ends)
                await zygote.start([*self._command], preload, self._environ)
                self._zygotes[preload] = zygote
            return zygote


class _Zygote:
    """The worker's side of one zygote process."""

    def __init__(self, ends: asyncio.Queue[Ended]) -> None:
        self._ends = ends
        self._ready = asyncio.Event()
        #: Supervisors by execution; 0 until the process id is known.
        self.executions: dict[UUID, int] = {}
        self.is_gone = False

    async def start(
        self, command: list[str], preload: tuple[str, ...], environ: dict[str, str]
    ) -> None:
        ours, theirs = socket.socketpair()
        try:
            # Not asyncio's: closing its transport would kill a zygote that is to outlive us.
            self._process = subprocess.Popen(  # noqa: ASYNC220  # once, for a millisecond
                [*command, str(theirs.fileno()), *preload],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=environ,
                # A Ctrl-C in the worker's terminal is for the worker alone.
                start_new_session=True,
            )
        finally:
            theirs.close()
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        self._listening = asyncio.create_task(self._listen())

    async def ready(self) -> None:
        await self._ready.wait()
        if self.is_gone:
            raise LaunchFailed(
                "the process that starts executions ended before it was ready; its output is above"
            )

    async def launch(self, launch: Launch) -> None:
        self.executions[launch.spec.execution_id] = 0
        if self.is_gone or not await self.order(launch):
            self.executions.pop(launch.spec.execution_id, None)
            raise LaunchFailed("the process that starts executions has ended")

    async def order(self, order: DownOrder) -> bool:
        try:
            self._writer.write(pack(order))
            await self._writer.drain()
        except ConnectionError:
            return False
        return True

    async def let_go(self) -> None:
        self.is_gone = True
        self._listening.cancel()
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        if self.executions:
            self._process.returncode = 0  # it ends after its last supervisor, without us
        else:
            await _gone(self._process.pid)
            self._process.wait()  # it has ended

    async def _listen(self) -> None:
        frames: FrameReader[UpOrder] = FrameReader(UpOrder)
        with contextlib.suppress(ConnectionError, BrokenStream):
            while received := await self._reader.read(1 << 16):
                for message in frames.feed(received):
                    self._take(message)
        self.is_gone = True
        self._ready.set()
        self._writer.close()
        self._process.wait()  # a zygote closes its socket by ending
        await asyncio.gather(*(self._outlive(*held) for held in self.executions.items()))

    def _take(self, message: UpOrder) -> None:
        match message:
            case Ready():
                self._ready.set()
            case Started(execution_id, pid):
                self.executions[execution_id] = pid
            case NotStarted(execution_id, reason):
                self.executions.pop(execution_id, None)
                self._ends.put_nowait(Ended(execution_id, is_reported=False, reason=reason))
            case SupervisorEnded(execution_id, code):
                self.executions.pop(execution_id, None)
                self._ends.put_nowait(_ended(execution_id, code))

    async def _outlive(self, execution_id: UUID, pid: int) -> None:
        """The zygote was killed. A supervisor goes on without it, and its end is still awaited."""
        if pid:
            with contextlib.suppress(ProcessLookupError):
                await _gone(pid)
        self.executions.pop(execution_id, None)
        reason = "the process that started its supervisor was killed"
        self._ends.put_nowait(Ended(execution_id, is_reported=False, reason=reason))


def _ended(execution_id: UUID, code: int) -> Ended:
    if code == TOLD:
        return Ended(execution_id, is_reported=True)
    if code == NOT_TOLD:
        return Ended(execution_id, is_reported=False)
    return Ended(
        execution_id,
        is_reported=False,
        reason="its supervisor was killed" if code < 0 else "its supervisor broke down",
        signal=-code if code < 0 else None,
        exit_code=code if code > 0 else None,
    )


async def _gone(pid: int) -> None:
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(pid)
    has_ended = asyncio.Event()
    loop.add_reader(descriptor, has_ended.set)
    try:
        await has_ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
