"""What a worker and its runs say to a control plane: to ours, and to the peer's.

Both live the same lives: made, claimed, started, ended, through HTTP alone.
"""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import aiohttp


class Requests:
    """Requests at one server over connections that are kept."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.errors: list[str] = []

    async def ask(self, path: str, body: Any) -> Any:
        """The answer; None where it is no good one."""
        try:
            async with self._session.post(self._url + path, json=body) as answer:
                content = await answer.read()
                if answer.status < 300:
                    return await answer.json() if content else None
                self.errors.append(f"{path}: {answer.status} {content[:300]!r}")
        except aiohttp.ClientError as error:
            self.errors.append(f"{path}: {error!r}")
        return None

    async def status(self, path: str, body: Any) -> int:
        """How it is answered; 0 for not at all."""
        try:
            async with self._session.post(self._url + path, json=body) as answer:
                await answer.read()
                return answer.status
        except aiohttp.ClientError:
            return 0

    async def prepare(self) -> str:
        """A pool and a deployment; its id."""
        await self._must("/work_pools/", {"name": "p", "type": "process"})
        flow = (await self._must("/flows/", {"name": "load"}))["id"]
        body = {
            "name": "d",
            "flow_id": flow,
            "entrypoint": "f.py:f",
            "work_pool_name": "p",
            "enforce_parameter_schema": False,
        }
        return (await self._must("/deployments/", body))["id"]

    async def _must(self, path: str, body: Any) -> Any:
        """Asked until it is answered: some servers are not ready for much when they say so."""
        for _ in range(40):
            if (answer := await self.ask(path, body)) is not None:
                self.errors.clear()
                return answer
            await asyncio.sleep(0.5)
        raise SystemExit(f"{path} is not answered: {self.errors[-1]}")

    async def create(self, deployment: str) -> None:
        """A run that is due at once."""
        await self.ask(f"/deployments/{deployment}/create_flow_run", {})

    async def claim(self, worker: uuid.UUID, free: int, wait_ms: int) -> list[Any]:
        """Runs that are this worker's now."""
        raise NotImplementedError

    async def start(self, claimed: Any) -> None:
        """It runs."""
        raise NotImplementedError

    async def end(self, claimed: Any) -> None:
        """It has completed, and its process has ended."""
        raise NotImplementedError


class Ours(Requests):
    """One request is heartbeat, poll and claim; what a run says is its journal."""

    async def claim(self, worker: uuid.UUID, free: int, wait_ms: int) -> list[Any]:
        answer = await self.sync(worker, free, [], wait_ms)
        return [each["spec"] for each in answer["claimed"]] if answer else []

    async def start(self, claimed: Any) -> None:
        await self.journal(claimed, 0, "RUNNING")

    async def end(self, claimed: Any) -> None:
        await self.journal(claimed, 1, "COMPLETED")
        body = {"token": claimed["token"], "execution_id": claimed["execution_id"], "exit_code": 0}
        await self.ask(f"/flow_runs/{claimed['flow_run_id']}/exit", body)

    async def sync(self, worker: uuid.UUID, free: int, executions: list[Any], wait_ms: int) -> Any:
        """What a worker's poll is answered."""
        body = {"worker_name": "w", "free": free, "executions": executions, "wait_ms": wait_ms}
        return await self.ask(f"/work_pools/p/workers/{worker}/sync", body)

    async def journal(self, spec: dict[str, Any], first: int, *kinds: str) -> None:
        """States, or nothing: then only the lease is renewed."""
        run = spec["flow_run_id"]
        entries = [
            {
                "kind": "flow_state",
                "flow_run_id": run,
                "state": {
                    "id": str(uuid.uuid4()),
                    "type": kind,
                    "name": kind.capitalize(),
                    "timestamp": datetime.now(UTC).isoformat(),
                },
            }
            for kind in kinds
        ]
        body = {"token": spec["token"], "execution_id": spec["execution_id"], "first": first}
        await self.ask(f"/flow_runs/{run}/journal", {**body, "entries": entries})


class Peers(Requests):
    """Prefect 3's worker: a poll, and a proposed Pending for each run that it showed.

    What is refused is sent again a few times, as its clients do; each refusal is counted.
    """

    async def ask(self, path: str, body: Any) -> Any:
        for pause in (0.5, 1, 2, 4, 0):
            before = len(self.errors)
            answer = await super().ask(path, body)
            if len(self.errors) == before:
                return answer
            await asyncio.sleep(pause)
        return None

    async def claim(self, worker: uuid.UUID, free: int, wait_ms: int) -> list[Any]:
        shown = await self.poll(free)
        claimed: list[Any] = []
        for each in shown:
            told = await self._propose(each["flow_run"]["id"], "PENDING")
            if told and told["status"] == "ACCEPT":  # else another worker was faster
                claimed.append(each["flow_run"])
        return claimed

    async def start(self, claimed: Any) -> None:
        await self._propose(claimed["id"], "RUNNING")

    async def end(self, claimed: Any) -> None:
        await self._propose(claimed["id"], "COMPLETED")

    async def poll(self, limit: int) -> list[Any]:
        """Runs that are due: nobody's yet, and shown to everybody."""
        body = {"limit": limit, "scheduled_before": datetime.now(UTC).isoformat()}
        return await self.ask("/work_pools/p/get_scheduled_flow_runs", body) or []

    async def heartbeat(self, worker: uuid.UUID) -> None:
        """The worker lives."""
        body = {"name": str(worker), "heartbeat_interval_seconds": 30}
        await self.ask("/work_pools/p/workers/heartbeat", body)

    async def _propose(self, run: str, kind: str) -> Any:
        return await self.ask(f"/flow_runs/{run}/set_state", {"state": {"type": kind}})
