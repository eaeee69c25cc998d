"""Many requests at once, each sent again until there is an answer that means something."""

import asyncio
import random
import uuid
from datetime import UTC, datetime
from typing import Any

import aiohttp

#: Answers that say: nothing was done, come again.
_AGAIN = frozenset({0, 429, 502, 503, 507})


class Patient:
    """A client that sends to any of the replicas."""

    def __init__(
        self, session: aiohttp.ClientSession, urls: list[str], key: str, chance: random.Random
    ) -> None:
        self._session, self._urls, self._key, self._chance = session, urls, key, chance

    async def ask(
        self, path: str, body: Any, *, key: str | None = None, tries: int = 100
    ) -> tuple[int, Any]:
        """POST, so often at most. The status, 0 for no answer, and what it says."""
        status, content = 0, None
        replicas = self._chance.sample(self._urls, len(self._urls))
        for number in range(tries):
            if number:
                await asyncio.sleep(self._chance.uniform(0.05, 0.5))
            replica = replicas[number % len(replicas)]  # not the same again: it may be down
            status, content = await self._once(replica + path, body, key or self._key)
            if status not in _AGAIN:
                break
        return status, content

    async def _once(self, url: str, body: Any, key: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        limit = aiohttp.ClientTimeout(10)
        try:
            async with self._session.post(url, json=body, headers=headers, timeout=limit) as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, None


def entry_of_state(run: str, kind: str) -> dict[str, Any]:
    """An entry of a journal; the same one however often it is sent."""
    state = {"id": str(uuid.uuid4()), "type": kind, "name": kind.capitalize(), "timestamp": _now()}
    return {"kind": "flow_state", "flow_run_id": run, "state": state}


def entry_of_log(run: str, message: str) -> dict[str, Any]:
    said = {"timestamp": _now(), "level": 20, "name": "flow", "message": message}
    return {"kind": "log", "flow_run_id": run, **said}


def _now() -> str:
    return datetime.now(UTC).isoformat()
