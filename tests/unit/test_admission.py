"""More requests than can be answered in time are refused; what keeps runs alive never is."""

import asyncio
import json
from uuid import UUID

import pytest

from runwright.server.admission import Admission

RUN, WORKER = UUID(int=1), UUID(int=2)


class Stub:
    """Answers when it is let."""

    def __init__(self):
        self.open = asyncio.Event()
        self.arrived = 0

    async def __call__(self, scope, receive, send):
        self.arrived += 1
        await self.open.wait()
        if scope["path"].endswith("/broken"):
            raise RuntimeError("of the application")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(application, path, kind="http"):
    """The status, headers and body of an answer."""
    sent = []

    async def send(message):
        sent.append(message)

    await application({"type": kind, "path": path, "method": "POST"}, None, send)
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


async def fill(application, stub, count, path="/api/flow_runs/filter"):
    """So many requests under way."""
    tasks = [asyncio.create_task(ask(application, path)) for _ in range(count)]
    await asyncio.sleep(0)  # all of them have been begun then
    assert stub.arrived == count
    return tasks


def test_the_one_too_many_is_refused_with_a_pause_and_the_next_one_is_let_in():
    async def body():
        stub = Stub()
        application = Admission(stub, most=3)
        under_way = await fill(application, stub, 3)

        status, headers, content = await ask(application, "/api/deployments/filter")
        assert (status, json.loads(content)["code"]) == (429, "overloaded")
        assert float(headers[b"retry-after"]) > 0
        assert stub.arrived == 3

        stub.open.set()
        assert {(await task)[0] for task in under_way} == {200}
        assert (await ask(application, "/api/deployments/filter"))[0] == 200

    asyncio.run(body())


@pytest.mark.parametrize(
    "path",
    [
        f"/api/flow_runs/{RUN}/journal",
        f"/api/flow_runs/{RUN}/exit",
        f"/api/work_pools/p/workers/{WORKER}/sync",
        "/api/work_pools/p/workers/heartbeat",
        f"/api/v2/concurrency_limits/leases/{RUN}/renew",
        "/api/health",
        "/api/ui/changes",
        "/runs",  # the page itself
    ],
)
def test_what_keeps_runs_alive_is_never_refused_and_takes_no_place(path):
    async def body():
        stub = Stub()
        application = Admission(stub, most=2)
        vital = await fill(application, stub, 20, path)
        ordinary = [asyncio.create_task(ask(application, "/api/logs/filter")) for _ in range(2)]
        await asyncio.sleep(0)
        assert stub.arrived == 22
        stub.open.set()
        assert {(await task)[0] for task in vital + ordinary} == {200}

    asyncio.run(body())


def test_a_request_that_fails_gives_its_place_back():
    async def body():
        stub = Stub()
        application = Admission(stub, most=1)
        stub.open.set()
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await ask(application, "/api/broken")
        assert (await ask(application, "/api/flows/filter"))[0] == 200

    asyncio.run(body())
