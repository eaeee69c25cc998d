"""What a zygote does once so that its forks need not: caches are filled, code is specialised.

Pages that a fork writes to are copied, one fault each. The interpreter writes to code when it
specialises it and to types when they are first used; done before the fork, that is shared.
"""

import asyncio
import contextlib
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from runwright.api.executions import ExecutionRef, ExitReport
from runwright.api.frames import AcknowledgedFrame, DownFrame, EntriesFrame, UpFrame
from runwright.api.journal import Answer, FlowRunProposed, JournalAnswer, LogWritten
from runwright.api.states import AcceptDetails, OrchestrationResult
from runwright.core.states import State, StateType
from runwright.errors import RunwrightError, ServerUnreachable
from runwright.settings import load_settings
from runwright.worker.backlog import Backlog
from runwright.worker.control_plane import connect
from runwright.worker.framing import FrameReader, pack
from runwright.worker.job import read_job
from runwright.worker.journal_pump import JournalPump
from runwright.worker.output import Output
from runwright.worker.refusals import Refusal
from runwright.worker.signals import signals_to
from runwright.worker.surroundings import Surroundings

#: The interpreter specialises code that ran a few times.
_TIMES = 20
_ID = UUID(int=0)
_THEN = datetime(2000, 1, 1, tzinfo=UTC)
#: Nothing can be there: a port that needs no listener to refuse at once.
_NOWHERE = "http://127.0.0.1:9/api"
#: A refusal takes a millisecond. Where a firewall drops what comes in on loopback, none comes.
_REFUSED_WITHIN_SECONDS = 0.25
#: Then even that request would go to a proxy.
_BY_PROXY = any(name.lower() in {"http_proxy", "all_proxy"} for name in os.environ)


def rehearse() -> None:
    """Go through the motions of an execution, with nobody at the other end."""
    may_request = not _BY_PROXY
    for _ in range(_TIMES):
        read_job({"env": {}, "stream_output": True})
        with contextlib.suppress(RunwrightError):
            load_settings()
        may_request = asyncio.run(_Rehearsal().run(may_request=may_request))


class _Rehearsal:
    async def run(self, *, may_request: bool) -> bool:
        """Whether a request is answered, be it by a refusal."""
        with signals_to({signal.SIGUSR1: lambda: None}):
            is_answered = await self._request(may_request=may_request)
        await self._ship()
        _read_output()
        return is_answered

    async def _request(self, *, may_request: bool) -> bool:
        async with connect(Surroundings(api_url=_NOWHERE, spool=""), None) as up:
            if may_request:
                try:
                    async with asyncio.timeout(_REFUSED_WITHIN_SECONDS):
                        await up.send("POST", "/", b"{}")
                except TimeoutError:
                    return False
                except ServerUnreachable:
                    pass
        return may_request

    async def _ship(self) -> None:
        self._pump = JournalPump(
            ExecutionRef(flow_run_id=_ID, token=1, execution_id=_ID),
            post=self._post,
            backlog=Backlog(Path("never written")),
            listener=self,
            lease_seconds=30,
            outage_tolerance=30,
        )
        pumping = asyncio.create_task(self._pump.run())
        frames: FrameReader[UpFrame] = FrameReader(UpFrame)
        for frame in frames.feed(pack(EntriesFrame(0, [_LOG, _STARTED], flush=True))):
            if isinstance(frame, EntriesFrame):
                self._pump.add(frame.entries, first=0, is_awaited=True)
        await self._pump.drained()
        pumping.cancel()

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        result = OrchestrationResult(state=_STARTED.state, status="ACCEPT", details=AcceptDetails())
        return 200, msgspec.json.encode(
            JournalAnswer(
                token=1,
                next=2,
                lease_ttl_ms=30_000,
                renew_in_ms=10_000,
                answers=[Answer(number=1, result=result)],
            )
        )

    def acknowledged(self, up_to: int, answers: list[Answer], *, is_spooled: bool) -> None:
        FrameReader[DownFrame](DownFrame).feed(pack(AcknowledgedFrame(up_to, answers, is_spooled)))

    def cancel_requested(self) -> None:
        raise AssertionError("nobody cancels a rehearsal")

    def over(self, refusal: Refusal) -> None:
        raise AssertionError(f"a rehearsal has no lease to lose: {refusal}")


def _read_output() -> None:
    reading, writing = os.pipe()
    output = Output(reading, forward_to=None)
    os.write(writing, b"line\n")
    os.close(writing)
    output.drain()
    os.close(reading)
    msgspec.json.encode(ExitReport(token=1, execution_id=_ID, last_lines=output.last_lines()))


_LOG = LogWritten(flow_run_id=_ID, timestamp=_THEN, level=20, name="rehearsal", message="")
_STARTED = FlowRunProposed(
    flow_run_id=_ID,
    state=State(id=_ID, type=StateType.RUNNING, name="Running", timestamp=_THEN),
)
