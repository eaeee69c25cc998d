"""The worker: one loop with one request, which is heartbeat and claim in one.

It opens no port, and nothing that the control plane does ends it: while that is away the worker
tries again, and its executions go on by themselves.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Coroutine
from typing import Any
from uuid import UUID

from runwright.api.executions import (
    ClaimedRun,
    ExecutionRef,
    ExitReport,
    ReleaseRequest,
    SyncAnswer,
)
from runwright.core.texts import encodable, error_text
from runwright.worker.control_plane import ControlPlane
from runwright.worker.launcher import Ended, Launcher, LaunchFailed, StopReason
from runwright.worker.leftovers import Leftovers
from runwright.worker.notify import ServiceManager
from runwright.worker.report import deliver
from runwright.worker.slots import Slots
from runwright.worker.synchronize import NotNow, Pool

logger = logging.getLogger("runwright.worker")

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 30.0
#: An answer that brings nothing new and comes at once must not make a busy loop.
SHORTEST_IDLE_SYNC_SECONDS = 0.25
#: How long to tell the control plane about an end that a supervisor could not tell.
PATIENCE_SECONDS = 900.0
#: Between syncs while the worker waits for its last executions.
STOPPING_BEAT_SECONDS = 2.0
#: What the last words to the control plane may take.
SETTLING_SECONDS = 5.0


class Worker:
    """Claims runs of one pool and has them launched."""

    def __init__(  # noqa: PLR0913  # its parts, each said once
        self,
        pool: Pool,
        control_plane: ControlPlane,
        launcher: Launcher,
        slots: Slots,
        *,
        grace: float,
        leftovers: Leftovers | None = None,
        manager: ServiceManager | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """`grace`: seconds that running executions get to finish when the worker is stopped."""
        self._manager = manager or ServiceManager({})
        self._went_round_at = time.monotonic()
        self._leftovers = leftovers
        self._pool = pool
        self._control_plane = control_plane
        self._launcher = launcher
        self._slots = slots
        self._grace = grace
        self._chance = chance or random.Random()  # noqa: S311  # jitter is no secret
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._has_changed = asyncio.Event()
        self._side_tasks: set[asyncio.Task[Any]] = set()
        self._told_queues: set[str] = set()
        self._is_paused = False

    def stop(self) -> None:
        """Claim no more and let what runs finish; each further call is less patient."""
        if not self._stopping.is_set():
            logger.info("Stopping: no more runs are claimed; %d still run", len(self._slots))
            self._stopping.set()
        else:
            self._hurried.set()
            self._order_all_to_stop()
        self._has_changed.set()

    def seconds_since_loop(self) -> float:
        """How long ago the loop went round: for those who watch the worker's health."""
        return time.monotonic() - self._went_round_at

    async def run(self) -> None:
        """Work until stopped; when this returns, nothing of the worker's own is running.

        Raises:
            ConfigurationError: the pool does not exist, or is not for this worker.
            Unauthorized: the key is not accepted, at the first contact.
        """
        # Before anybody listens for ends: one that is not held yet would be passed over.
        for claimed in await self._launcher.adopt():
            self._slots.hold(claimed)
            self._slots.launched(claimed.spec.execution_id)
        duties = [asyncio.create_task(self._tell_ends())]
        if self._leftovers is not None:
            duties.append(asyncio.create_task(self._leftovers.watch()))
        try:
            await self._poll()
            await self._finish()
        finally:
            for duty in duties:
                duty.cancel()
            await self._launcher.close()

    async def _poll(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._has_changed.clear()
            self._went_round_at = time.monotonic()
            try:
                has_news = await self._sync()
                self._manager.alive(f"{len(self._slots)} runs, {self._slots.free} slots free")
            except NotNow as trouble:
                self._manager.alive("the control plane is away")
                longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(failures, 5))
                failures += 1
                delay = self._chance.uniform(0, longest)
                logger.warning("%s Trying again in %.1f s.", trouble, delay)
                await self._pause(delay, self._stopping)
            else:
                if failures:
                    logger.info("The control plane is back.")
                failures = 0
                if not has_news:
                    await self._pause(SHORTEST_IDLE_SYNC_SECONDS, self._has_changed)

    async def _sync(self) -> bool:
        """One sync; whether it took its time or brought something."""
        free = self._slots.free
        request = asyncio.ensure_future(
            self._pool.sync(
                free=free, executions=self._slots.refs(), launching=self._slots.launching()
            )
        )
        started_at = asyncio.get_running_loop().time()
        try:
            await self._answer_or_change(request, is_full=free == 0)
        except asyncio.CancelledError:
            request.cancel()
            raise
        if not request.done():
            if self._stopping.is_set():
                request.cancel()
            else:
                # A newer sync ends this one at the server; whatever it still brings is obeyed.
                self._aside(self._obey_late(request))
            return True
        is_new = self._obey(request.result())
        took = asyncio.get_running_loop().time() - started_at
        return is_new or took >= SHORTEST_IDLE_SYNC_SECONDS

    async def _answer_or_change(
        self, request: asyncio.Future[SyncAnswer], *, is_full: bool
    ) -> None:
        """Wait for the answer, or until another request would be a better one."""
        while not request.done():
            change = asyncio.create_task(self._has_changed.wait())
            try:
                await asyncio.wait({request, change}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                change.cancel()
            self._has_changed.clear()
            if self._stopping.is_set() or (is_full and self._slots.free):
                return

    async def _obey_late(self, request: Awaitable[SyncAnswer]) -> None:
        try:
            self._obey(await request)
        except NotNow:
            logger.debug("An older sync failed; the newer one counts.")

    def _obey(self, answer: SyncAnswer) -> bool:
        is_new = False
        for claimed in answer.claimed:
            if self._stopping.is_set():
                if claimed.spec.execution_id not in self._slots:
                    self._aside(self._hand_back(claimed, "the worker was stopped"))
            elif self._slots.hold(claimed):
                is_new = True
                self._aside(self._launch(claimed))
        for ref in answer.cancel:
            is_new |= self._order(ref, "cancelled")
        for ref in answer.lost:
            is_new |= self._order(ref, "lease_lost")
        self._remark(answer)
        return is_new

    def _order(self, ref: ExecutionRef, reason: StopReason) -> bool:
        if not self._slots.order(ref.execution_id, reason):
            return False
        self._aside(self._launcher.stop(ref.execution_id, reason))
        return True

    def _remark(self, answer: SyncAnswer) -> None:
        for queue in set(answer.unknown_queues) - self._told_queues:
            self._told_queues.add(queue)
            logger.warning(
                "Work pool %r has no queue %r; it will be used when it exists. Create it with: "
                "runwright work-queue create %s --pool %s",
                self._pool.name,
                queue,
                queue,
                self._pool.name,
            )
        if answer.pool_is_paused != self._is_paused:
            self._is_paused = answer.pool_is_paused
            word = "paused: no runs are handed out" if self._is_paused else "no longer paused"
            logger.info("Work pool %r is %s.", self._pool.name, word)

    async def _launch(self, claimed: ClaimedRun) -> None:
        spec = claimed.spec
        try:
            await self._launcher.launch(claimed)
        except LaunchFailed as failure:
            logger.warning("Flow run %r could not be launched: %s", spec.flow_run_name, failure)
            await self._tell_failed_launch(claimed, str(failure))
        except Exception as error:
            # Nobody thought of it, but the run is to end with its cause, and the slot to be free.
            logger.exception("Flow run %r could not be launched.", spec.flow_run_name)
            await self._tell_failed_launch(claimed, error_text(error))
        else:
            self._slots.launched(spec.execution_id)
            logger.info("Flow run %r has been launched.", spec.flow_run_name)

    async def _tell_failed_launch(self, claimed: ClaimedRun, why: str) -> None:
        execution_id = claimed.spec.execution_id
        reason = encodable(f"could not be launched: {why}")
        try:
            await self._tell_end(claimed, Ended(execution_id, is_reported=False, reason=reason))
        finally:
            self._free(execution_id)

    async def _next_end(self) -> Ended:
        while True:
            try:
                return await self._launcher.next_end()
            except Exception:
                # Without its ends no slot of this worker would ever be free again.
                logger.exception("The launcher failed to tell an end.")
                await asyncio.sleep(FIRST_DELAY_SECONDS)

    async def _tell_ends(self) -> None:
        while True:
            ended = await self._next_end()
            held = self._free(ended.execution_id)
            if held is not None:
                logger.info("Flow run %r has ended.", held.spec.flow_run_name)
                self._aside(self._put_on_record(held, ended))

    async def _put_on_record(self, claimed: ClaimedRun, ended: Ended) -> None:
        if ended.never_began:
            await self._hand_back(claimed, ended.reason or "it was never started")
        elif not ended.is_reported:
            await self._tell_end(claimed, ended)
        await self._launcher.forget(ended.execution_id)

    def _free(self, execution_id: UUID) -> ClaimedRun | None:
        held = self._slots.release(execution_id)
        self._has_changed.set()
        return held.claimed if held else None

    async def _tell_end(self, claimed: ClaimedRun, ended: Ended) -> None:
        spec = claimed.spec
        if self._leftovers is not None:
            # The end of the run may be among what its supervisor could not send.
            await self._leftovers.deliver(spec.execution_id, patience=PATIENCE_SECONDS)
        report = ExitReport(
            token=spec.token,
            execution_id=spec.execution_id,
            exit_code=ended.exit_code,
            signal=ended.signal,
            oom_killed=ended.oom_killed,
            memory_limit_bytes=ended.memory_limit_bytes,
            last_lines=ended.last_lines,
            reason=ended.reason,
        )
        path = f"/flow_runs/{spec.flow_run_id}/exit"
        await deliver(self._control_plane, path, report, patience=PATIENCE_SECONDS)

    async def _hand_back(self, claimed: ClaimedRun, reason: str) -> None:
        spec = claimed.spec
        body = ReleaseRequest(token=spec.token, execution_id=spec.execution_id, reason=reason)
        path = f"/flow_runs/{spec.flow_run_id}/release"
        await deliver(self._control_plane, path, body, patience=self._grace)

    async def _finish(self) -> None:
        """Let executions finish, or leave those be that outlive us; and say the last words."""
        self._manager.stopping()
        if not self._launcher.executions_outlive_worker:
            await self._await_executions()
        elif len(self._slots):
            logger.info("%d runs go on; a worker of this name takes them over.", len(self._slots))
        await self._say_stopping()
        if self._side_tasks:
            await asyncio.wait(self._side_tasks, timeout=SETTLING_SECONDS)

    async def _await_executions(self) -> None:
        """Within the grace; then end those that still run."""
        beating = asyncio.create_task(self._beat())
        try:
            if not await self._emptied(self._grace, until_hurried=True):
                logger.warning("Ending %d runs that still go on.", len(self._slots))
                self._order_all_to_stop()
            if not await self._emptied(self._grace + SETTLING_SECONDS):
                logger.warning(
                    "%d runs could not be reported yet. Their supervisors go on trying.",
                    len(self._slots),
                )
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        """Cancellations still reach what runs, and claims on their way to us are handed back."""
        while True:
            await self._say_stopping()
            await asyncio.sleep(STOPPING_BEAT_SECONDS)

    async def _say_stopping(self) -> None:
        try:
            async with asyncio.timeout(SETTLING_SECONDS):
                self._obey(
                    await self._pool.sync(
                        free=0, executions=self._slots.refs(), is_stopping=True, wait_ms=0
                    )
                )
        except (NotNow, TimeoutError):
            logger.debug("The control plane could not be told that this worker stops.")

    async def _emptied(self, patience: float, *, until_hurried: bool = False) -> bool:
        """Wait until nothing is held; False when it takes too long, or somebody is in a hurry."""
        try:
            async with asyncio.timeout(patience):
                while len(self._slots):
                    if until_hurried and self._hurried.is_set():
                        return False
                    self._has_changed.clear()
                    await self._has_changed.wait()
        except TimeoutError:
            return False
        return True

    def _order_all_to_stop(self) -> None:
        for ref in self._slots.refs():
            self._aside(self._launcher.stop(ref.execution_id, "shutdown"))

    async def _pause(self, seconds: float, unless: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await unless.wait()

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._side_tasks.add(task)
        task.add_done_callback(self._put_aside)

    def _put_aside(self, task: asyncio.Task[None]) -> None:
        self._side_tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A duty of the worker failed.", exc_info=error)
