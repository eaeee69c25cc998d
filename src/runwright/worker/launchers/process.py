"""Executions as processes of this machine, forked from a warm zygote."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
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
from runwright.worker.policy import ProcessPolicy
from runwright.worker.supervisor import NOT_TOLD, TOLD
from runwright.worker.surroundings import Surroundings

logger = logging.getLogger("runwright.worker")

ZYGOTE = (sys.executable, "-m", "runwright.worker.zygote")
#: Zygotes with modules of users' own, beside the plain one: each keeps what it has imported.
MOST_ZYGOTES = 8
#: One that has started nothing for so long is let go.
IDLE_SECONDS = 600.0
#: Zygotes of one kind that may die in a row without having started anything, before their runs
#: crash instead of being handed back: the modules kill them.
MOST_DEATHS = 3
#: How long an idle zygote may take to leave.
_LEAVING_SECONDS = 10.0


#: Modules that a zygote imports beside our own.
Preload = tuple[str, ...]
_MOST_REMEMBERED = 100


class ProcessLauncher:
    """Forks executions from zygotes: one for all, and one for each set of preloaded modules."""

    executions_outlive_worker = False

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        environ: Mapping[str, str] | None = None,
        zygote: Sequence[str] = ZYGOTE,
        policy: ProcessPolicy = ProcessPolicy(),  # noqa: B008  # it is frozen
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._policy = policy
        self._idle_seconds = idle_seconds
        self._next_look: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._deaths: dict[Preload, int] = {}
        self._surroundings = surroundings
        variables = os.environ if environ is None else environ
        self._environ = {
            name: value for name, value in variables.items() if name not in SECRET_VARIABLES
        }
        self._command = zygote
        self._zygotes: dict[Preload, _Zygote] = {}
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
        spec = claimed.spec
        job = read_job(spec.job_configuration)
        self._policy.check(job, spec.overridden)
        order = Launch(spec, claimed.lease_ttl_ms, self._surroundings)
        zygote = await self._zygote(tuple(job.preload))
        if not await zygote.launch(order):
            # It died a moment ago.
            zygote = await self._zygote(tuple(job.preload))
            if not await zygote.launch(order):
                raise LaunchFailed("the process that starts executions has ended")

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
        if self._next_look is not None:
            self._next_look.cancel()
        for zygote in self._zygotes.values():
            await zygote.let_go()
        await asyncio.gather(*self._leaving)

    async def _zygote(self, preload: Preload) -> "_Zygote":
        async with self._starting:
            zygote = self._zygotes.get(preload)
            if (zygote is None or zygote.is_gone) and preload and not self._make_room():
                logger.warning(
                    "%d sets of preloaded modules are in use at once: %s is not preloaded.",
                    MOST_ZYGOTES,
                    ", ".join(preload),
                )
                preload = ()
                zygote = self._zygotes.get(preload)
            if zygote is None or zygote.is_gone:
                zygote = _Zygote(self._ends, lambda zygote: self._may_hand_back(preload, zygote))
                await zygote.start([*self._command], preload, self._environ)
                self._zygotes[preload] = zygote
                self._look_later()
            return zygote

    def _make_room(self) -> bool:
        """Whether there is room for one more zygote with modules of its own."""
        for preload, zygote in list(self._zygotes.items()):
            if zygote.is_gone and not zygote.executions:
                del self._zygotes[preload]
        special = {preload: zygote for preload, zygote in self._zygotes.items() if preload}
        if len(special) < MOST_ZYGOTES:
            return True
        idle = [(each.idle_since, key) for key, each in special.items() if not each.executions]
        if not idle:
            return False
        self._retire(min(idle)[1])
        return True

    def _look_later(self) -> None:
        if self._next_look is None and any(self._zygotes):
            loop = asyncio.get_running_loop()
            self._next_look = loop.call_later(self._idle_seconds / 2, self._retire_idle)

    def _retire_idle(self) -> None:
        self._next_look = None
        before = asyncio.get_running_loop().time() - self._idle_seconds
        for preload, zygote in list(self._zygotes.items()):
            if preload and not zygote.executions and zygote.idle_since <= before:
                self._retire(preload)
        self._look_later()

    def _retire(self, preload: Preload) -> None:
        zygote = self._zygotes.pop(preload)
        if zygote.has_started:
            self._deaths.pop(preload, None)
        leaving = asyncio.create_task(zygote.leave())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    def _may_hand_back(self, preload: Preload, dead: "_Zygote") -> bool:
        """Whether launches that a dead zygote has not begun may be tried again."""
        if dead.has_started:
            self._deaths.pop(preload, None)
            return True
        if len(self._deaths) >= _MOST_REMEMBERED:
            self._deaths.clear()
        self._deaths[preload] = self._deaths.get(preload, 0) + 1
        if self._deaths[preload] < MOST_DEATHS:
            return True
        del self._deaths[preload]
        return False


class _Zygote:
    """The worker's side of one zygote process."""

    def __init__(
        self, ends: asyncio.Queue[Ended], may_hand_back: "Callable[[_Zygote], bool]"
    ) -> None:
        self._ends = ends
        self._may_hand_back = may_hand_back
        self.has_started = False
        self.idle_since = asyncio.get_running_loop().time()
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

    async def launch(self, launch: Launch) -> bool:
        """Whether it was told to. What it has not begun when it dies is handed back."""
        if self.is_gone:
            return False
        self.executions[launch.spec.execution_id] = 0
        if await self.order(launch):
            return True
        # Its death may have been noticed meanwhile, and with it that this launch never began.
        return self.executions.pop(launch.spec.execution_id, None) is None

    async def order(self, order: DownOrder) -> bool:
        try:
            self._writer.write(pack(order))
            await self._writer.drain()
        except ConnectionError:
            return False
        return True

    async def let_go(self) -> None:
        was_gone, self.is_gone = self.is_gone, True
        self._listening.cancel()
        if was_gone:
            return
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        if self.executions:
            self._process.returncode = 0  # it ends after its last supervisor, without us
        else:
            await _gone(self._process.pid)
            self._process.wait()  # it has ended

    async def leave(self) -> None:
        """Let it go, which has nothing to do; end it if it does not go."""
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.let_go()
        except TimeoutError:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()  # it has been killed

    async def _listen(self) -> None:
        frames: FrameReader[UpOrder] = FrameReader(UpOrder)
        with contextlib.suppress(ConnectionError, BrokenStream):
            while received := await self._reader.read(1 << 16):
                for message in frames.feed(received):
                    self._take(message)
        self.is_gone = True
        self._ready.set()
        self._writer.close()
        with contextlib.suppress(ProcessLookupError):
            await _gone(self._process.pid)  # it stays until its last supervisor has ended
        self._process.wait()
        may_hand_back = self._may_hand_back(self) if 0 in self.executions.values() else False
        held = list(self.executions.items())
        await asyncio.gather(*(self._outlive(*each, may_hand_back=may_hand_back) for each in held))

    def _take(self, message: UpOrder) -> None:
        match message:
            case Ready():
                self._ready.set()
            case Started(execution_id, pid):
                self.has_started = True
                self.executions[execution_id] = pid
            case NotStarted(execution_id, reason):
                self._release(execution_id)
                self._ends.put_nowait(Ended(execution_id, is_reported=False, reason=reason))
            case SupervisorEnded(execution_id, code):
                self._release(execution_id)
                self._ends.put_nowait(_ended(execution_id, code))

    def _release(self, execution_id: UUID) -> None:
        self.executions.pop(execution_id, None)
        self.idle_since = asyncio.get_running_loop().time()

    async def _outlive(self, execution_id: UUID, pid: int, *, may_hand_back: bool) -> None:
        """The zygote was killed. A supervisor goes on without it, and its end is still awaited."""
        if pid:
            with contextlib.suppress(ProcessLookupError):
                await _gone(pid)
        self.executions.pop(execution_id, None)
        reason = "the process that started its supervisor was killed"
        if not pid and not may_hand_back:
            reason = f"the process that was to start it was killed {MOST_DEATHS} times in a row"
        never_began = not pid and may_hand_back
        self._ends.put_nowait(
            Ended(execution_id, is_reported=False, never_began=never_began, reason=reason)
        )


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
