"""Overload is refused, not suffered: so many requests at a time, and a lane for what is vital.

Past its capacity a server that takes everything makes everybody wait until all of them give up.
Requests of people and programs are therefore refused with 429 while too many are under way; clients
come again after the pause that they are told. Workers' polls and what executions report are never
refused: they are few, and a lease that is not renewed in time would end a healthy run.
"""

import re
from typing import Any

import msgspec

from runwright.server.problems import Overloaded, body_of

#: Requests under way. With 1,000 answers a second the last of them waits for an eighth of one; a
#: poll or a renewal, which goes in behind them, as well.
MOST = 128
_VITAL = re.compile(
    r"/api/(flow_runs/[^/]+/(journal|exit|infrastructure|release)"
    r"|work_pools/[^/]+/workers/([^/]+/sync|heartbeat)"
    r"|v2/concurrency_limits/leases/[^/]+/renew"
    r"|health|ready|ui/changes)/?"
)


class Admission:
    """An ASGI application in front of another."""

    def __init__(self, behind: Any, most: int = MOST) -> None:
        self._behind = behind
        self._most = most
        self._under_way = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not _counts(scope):
            await self._behind(scope, receive, send)
        elif self._under_way >= self._most:
            await _refuse(send)
        else:
            self._under_way += 1
            try:
                await self._behind(scope, receive, send)
            finally:
                self._under_way -= 1


def _counts(scope: Any) -> bool:
    """Whether it is a request of the API, other than those that are always let in."""
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return path.startswith("/api/") and _VITAL.fullmatch(path) is None


async def _refuse(send: Any) -> None:
    problem = Overloaded(
        "The control plane has more requests under way than it can answer in time. Nothing of this "
        "one was done: send it again after the pause in Retry-After."
    )
    content = msgspec.json.encode(body_of(problem))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
