"""Requests at a running server over eight connections: how many a second, and how long they took.

The client is as cheap as can be (bytes made beforehand, the standard library's protocols), because
it shares the machine with the server it measures.
"""

import asyncio
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

CONNECTIONS = int(sys.argv[3]) if len(sys.argv) > 3 else 8
#: Go on after a refusal, and count it: some servers refuse what they cannot take.
TOLERANT = len(sys.argv) > 4
LINES = 100

URL = urllib.parse.urlsplit(os.environ["RUNWRIGHT_API_URL"])
KEY = os.environ.get("RUNWRIGHT_API_KEY", "none")
refused = [0]

#: From the number of a connection and of a request on it to the bytes to send.
Make = Callable[[int, int], bytes]


def request(path: str, body: Any = None, method: str = "POST") -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {URL.path}{path} HTTP/1.1\r\nhost: {URL.netloc}\r\n"
        f"authorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def ask(path: str, body: Any) -> Any:
    asked = urllib.request.Request(
        URL.geturl() + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    for _ in range(40):
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:  # 503: it has too much to do just now
            if error.code != 503:
                raise
        time.sleep(0.5)
    raise SystemExit(f"{path} goes on being answered 503")


def creating(flow: str) -> Make:
    body = {
        "flow_id": flow, "parameters": {"x": 1}, "tags": ["a"], "state": {"type": "PENDING"},
    }  # fmt: skip
    return lambda connection, number: request(
        "/flow_runs/", body | {"name": f"r-{connection}-{number}"}
    )


def setting_states(flow: str) -> Make:
    pending = {"flow_id": flow, "state": {"type": "PENDING"}}
    runs = [ask("/flow_runs/", pending)["id"] for _ in range(CONNECTIONS)]
    return lambda connection, number: request(
        f"/flow_runs/{runs[connection]}/set_state",
        {"state": {"type": "RUNNING", "message": str(number)}, "force": True},
    )


def filtering(flow: str) -> Make:
    for _ in range(30):
        ask("/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})
    asked = request(
        "/flow_runs/filter",
        {"sort": "START_TIME_DESC", "limit": 20, "flows": {"name": {"any_": ["load"]}}},
    )
    return lambda _connection, _number: asked


def filtering_anew(flow: str) -> Make:
    """Filters of which no two are the same, as people and programs ask for their own runs."""

    def make(connection: int, number: int) -> bytes:
        wanted = [flow, str(uuid.UUID(int=connection * 1_000_000 + number))]
        body = {"sort": "START_TIME_DESC", "limit": 20, "flow_runs": {"flow_id": {"any_": wanted}}}
        return request("/flow_runs/filter", body)

    return make


def reading(flow: str) -> Make:
    run = ask("/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})["id"]
    asked = request(f"/flow_runs/{run}", method="GET")
    return lambda _connection, _number: asked


def logging(flow: str) -> Make:
    run = ask("/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})["id"]
    line = {"name": "flow_runs", "level": 20, "flow_run_id": run}

    def make(_connection: int, number: int) -> bytes:
        at = datetime.now(UTC).isoformat()
        return request("/logs/", [
            line | {"timestamp": at, "message": f"line {number}-{i} with a usual amount of text"}
            for i in range(LINES)
        ])  # fmt: skip

    return make


def health(flow: str) -> Make:
    del flow
    asked = request("/health", method="GET")
    return lambda _connection, _number: asked


KINDS = {
    "create": creating,
    "set_state": setting_states,
    "filter": filtering,
    "filter_anew": filtering_anew,
    "read": reading,
    "logs": logging,
    "health": health,
}


class Client(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends the next, until the time is up."""

    def __init__(self, connection: int, make: Make, until: float, took: list[float]) -> None:
        self._connection = connection
        self._make = make
        self._until = until
        self._took = took
        self._received = b""
        self._number = 0
        self._sent_at = 0.0
        self._transport: Any = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        content = self._make(self._connection, self._number)
        self._number += 1
        self._sent_at = time.perf_counter()
        self._transport.write(content)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().split(b"content-length:")[1].split(b"\r")[0]):
            return
        now = time.perf_counter()
        self._received = b""
        is_good = head.split(b" ", 2)[1][:1] == b"2"
        if is_good:
            self._took.append(now - self._sent_at)
        refused[0] += not is_good
        if not is_good and not TOLERANT:
            self.done.set_exception(SystemExit(f"{head!r} {body[:300]!r}"))
        elif now >= self._until:
            self._transport.close()
            self.done.set_result(None)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            if TOLERANT:
                refused[0] += 1
                self.done.set_result(None)
            else:
                self.done.set_exception(exc or ConnectionResetError("the server hung up"))


async def load(make: Make, seconds: float) -> list[float]:
    took: list[float] = []
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    clients = [
        (
            await loop.create_connection(
                lambda i=i: Client(i, make, until, took), URL.hostname, URL.port
            )
        )[1]
        for i in range(CONNECTIONS)
    ]
    await asyncio.gather(*(client.done for client in clients))
    return took


def main() -> None:
    kind, seconds = sys.argv[1], float(sys.argv[2])
    flow = ask("/flows/", {"name": "load"})["id"]
    make = KINDS[kind](flow)
    asyncio.run(load(make, min(1.0, seconds / 4)))
    refused[0] = 0
    begun = time.perf_counter()
    took = sorted(asyncio.run(load(make, seconds)))
    elapsed = time.perf_counter() - begun
    result = {
        "a_second": len(took) / elapsed,
        "p50_ms": took[len(took) // 2] * 1000 if took else 0,
        "p99_ms": took[int(len(took) * 0.99)] * 1000 if took else 0,
        "refused": refused[0],
    }
    print(json.dumps({name: round(value, 2) for name, value in result.items()}))


if __name__ == "__main__":
    main()
