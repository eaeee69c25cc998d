"""A control plane of the tests' own, on a real socket."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from runwright.api.executions import ClaimedRun, ExecutionSpec, SyncAnswer, SyncRequest
from runwright.api.journal import (
    Answer,
    AnyEntry,
    FlowRunProposed,
    JournalAnswer,
    JournalBatch,
)
from runwright.api.states import AcceptDetails, OrchestrationResult
from runwright.worker.surroundings import Surroundings


@dataclass
class FakeControlPlane:
    """Does as it is told, and remembers what it was asked."""

    url: str = ""
    syncs: list[SyncRequest] = field(default_factory=list)
    instances: set[str] = field(default_factory=set)
    batches: list[JournalBatch] = field(default_factory=list)
    entries: list[AnyEntry] = field(default_factory=list)
    #: (run id, "exit" or "release", body)
    ends: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    made: list[dict[str, Any]] = field(default_factory=list)
    #: What the next syncs are answered, then empty answers.
    answers: list[SyncAnswer] = field(default_factory=list)
    #: A status for every request of this kind, instead of an answer.
    refuse: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    cancel: bool = False
    renew_in_ms: int = 10_000
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    port: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/api/work_pools/{pool}/workers/{instance}/sync", self._sync)
        app.router.add_post("/api/work_pools/", self._make)
        app.router.add_post("/api/flow_runs/{id}/journal", self._journal)
        app.router.add_post("/api/flow_runs/{id}/{end:exit|release}", self._end)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/api"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def until(self, condition: Callable[[], Any], *, within: float = 10.0) -> None:
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(condition)

    async def give(self, answer: SyncAnswer) -> None:
        self.answers.append(answer)
        await self._notify()

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _sync(self, request: web.Request) -> web.Response:
        self.keys.add(request.headers.get("Authorization", ""))
        self.instances.add(request.match_info["instance"])
        body = msgspec.json.decode(await request.read(), type=SyncRequest)
        self.syncs.append(body)
        mine = len(self.syncs)
        await self._notify()
        if "sync" in self.refuse:
            return _json(self.refuse["sync"][1], self.refuse["sync"][0])
        try:
            async with asyncio.timeout(body.wait_ms / 1000), self.changed:
                await self.changed.wait_for(lambda: self.answers or len(self.syncs) > mine)
        except TimeoutError:
            pass
        if self.answers and len(self.syncs) == mine:
            return _json(self.answers.pop(0))
        return _json(SyncAnswer())

    async def _make(self, request: web.Request) -> web.Response:
        self.made.append(await request.json())
        self.refuse.pop("sync", None)
        return _json({}, 201)

    async def _journal(self, request: web.Request) -> web.Response:
        if "journal" in self.refuse:
            return _json(self.refuse["journal"][1], self.refuse["journal"][0])
        batch = msgspec.json.decode(await request.read(), type=JournalBatch)
        self.batches.append(batch)
        new = batch.entries[max(0, len(self.entries) - batch.first) :]
        self.entries.extend(new)
        await self._notify()
        accepted = [
            Answer(
                number=number,
                result=OrchestrationResult(
                    state=entry.state, status="ACCEPT", details=AcceptDetails()
                ),
            )
            for number, entry in enumerate(batch.entries, batch.first)
            if isinstance(entry, FlowRunProposed)
        ]
        return _json(
            JournalAnswer(
                token=batch.token,
                next=len(self.entries),
                lease_ttl_ms=30_000,
                renew_in_ms=self.renew_in_ms,
                answers=accepted,
                cancel=self.cancel,
            )
        )

    async def _end(self, request: web.Request) -> web.Response:
        kind = request.match_info["end"]
        self.keys.add(request.headers.get("Authorization", ""))
        if kind in self.refuse:
            return _json(self.refuse[kind][1], self.refuse[kind][0])
        self.ends.append((request.match_info["id"], kind, await request.json()))
        await self._notify()
        return _json({})

    def states(self) -> list[str]:
        return [entry.state.type for entry in self.entries if isinstance(entry, FlowRunProposed)]


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )


@pytest.fixture
def control_plane() -> FakeControlPlane:
    return FakeControlPlane()


@pytest.fixture
def claim() -> Callable[..., ClaimedRun]:
    """Makes claimed runs; `do` is what the stand-in flow does."""

    def make(do: str = "complete", *, job: dict[str, Any] | None = None, **more: Any) -> ClaimedRun:
        return ClaimedRun(
            spec=ExecutionSpec(
                flow_run_id=uuid.uuid4(),
                flow_run_name="calm-otter",
                flow_id=uuid.uuid4(),
                flow_name="stand-in",
                token=3,
                execution_id=uuid.uuid4(),
                credential="rwx_the_execution",
                parameters={"do": do, **more},
                job_configuration=job or {},
            ),
            lease_ttl_ms=60_000,
        )

    return make


@pytest.fixture
def surroundings(tmp_path: Path) -> Callable[..., Surroundings]:
    def make(control_plane: FakeControlPlane, **more: Any) -> Surroundings:
        return Surroundings(
            api_url=control_plane.url, spool=str(tmp_path / "spool"), cancel_grace=1.0, **more
        )

    return make


@pytest.fixture
def run_async() -> Callable[..., Any]:
    """Runs a coroutine function with the control plane up, and nothing left behind."""

    def run(scenario: Callable[[], Any], control_plane: FakeControlPlane) -> Any:
        async def whole() -> Any:
            control_plane.changed = asyncio.Condition()
            await control_plane.start()
            try:
                async with asyncio.timeout(60):
                    return await scenario()
            finally:
                await control_plane.stop()

        return asyncio.run(whole())

    return run
