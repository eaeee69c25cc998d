"""More requests than can be answered in time are refused; what keeps runs alive never is."""

import asyncio
import json
from uuid import UUID

import pytest

from runwright.server.admission import Admission
from runwright.server.problems import Overloaded

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


KEY = (b"authorization", b"Bearer one that was good")


def admission(stub, most, most_strangers=0):
    """One who has shown its key already is known."""
    application = Admission(stub, most=most, most_strangers=most_strangers)
    application.known.note(KEY[1])
    return application


async def ask(application, path, kind="http", headers=(KEY,), receive=None):
    """The status, headers and body of an answer."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "method": "POST", "headers": list(headers)}
    await application(scope, receive, send)
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
        application = admission(stub, most=3)
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
        application = admission(stub, most=2)
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
        application = admission(stub, most=1)
        stub.open.set()
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await ask(application, "/api/broken")
        assert (await ask(application, "/api/flows/filter"))[0] == 200

    asyncio.run(body())


class Reader(Stub):
    """Reads the body, then answers when it is let."""

    async def __call__(self, scope, receive, send):
        await receive()
        await super().__call__(scope, receive, send)


async def half_sent():
    """A body that never comes."""
    await asyncio.Event().wait()


async def whole():
    return {"type": "http.request", "body": b"{}", "more_body": False}


def test_a_request_takes_no_place_while_its_body_is_coming():
    async def body():
        stub = Reader()
        application = admission(stub, most=2)
        path = "/api/flow_runs/filter"
        dawdlers = [
            asyncio.create_task(ask(application, path, receive=half_sent)) for _ in range(200)
        ]
        late = asyncio.get_running_loop().create_future()

        async def in_the_end():
            await late
            return await whole()

        slow = asyncio.create_task(ask(application, path, receive=in_the_end))
        await asyncio.sleep(0)
        both = [asyncio.create_task(ask(application, path, receive=whole)) for _ in range(2)]
        await asyncio.sleep(0)
        assert stub.arrived == 2
        # With its body it does take one: neither who comes now nor who has dawdled is let in.
        assert (await ask(application, path, receive=whole))[0] == 429
        late.set_result(None)
        with pytest.raises(Overloaded):
            await slow
        stub.open.set()
        assert {(await task)[0] for task in both} == {200}
        for each in dawdlers:
            each.cancel()
        await asyncio.gather(*dawdlers, return_exceptions=True)

    asyncio.run(body())


def test_strangers_keep_out_nobody_who_has_shown_a_key():
    async def body():
        stub = Stub()
        application = admission(stub, most=3, most_strangers=2)
        path = "/api/session"
        strangers = [asyncio.create_task(ask(application, path, headers=())) for _ in range(2)]
        await asyncio.sleep(0)
        assert (await ask(application, path, headers=()))[0] == 429
        other = ((b"authorization", b"Bearer never seen"),)
        assert (await ask(application, "/api/flows/filter", headers=other))[0] == 429
        known = [asyncio.create_task(ask(application, "/api/flows/filter")) for _ in range(3)]
        await asyncio.sleep(0)
        assert stub.arrived == 5
        stub.open.set()
        assert {(await task)[0] for task in strangers + known} == {200}

    asyncio.run(body())


@pytest.mark.parametrize(
    "path",
    [
        f"/api/flow_runs/{RUN}/journal",
        f"/api/flow_runs/{RUN}/exit",
        f"/api/work_pools/p/workers/{WORKER}/sync",
        "/api/work_pools/p/workers/heartbeat",
        f"/api/v2/concurrency_limits/leases/{RUN}/renew",
    ],
)
def test_strangers_on_vital_routes_are_counted_until_their_key_is_found_good(path):
    async def body():
        stub = Stub()
        application = admission(stub, most=2, most_strangers=3)
        made_up = [
            asyncio.create_task(
                ask(application, path, headers=[(b"authorization", b"Bearer made up %d" % number)])
            )
            for number in range(8)
        ]
        await asyncio.sleep(0)
        assert stub.arrived == 3  # the others look up no key
        known = [asyncio.create_task(ask(application, path)) for _ in range(20)]
        await asyncio.sleep(0)
        assert stub.arrived == 23
        stub.open.set()
        assert [(await task)[0] for task in made_up] == [200] * 3 + [429] * 5
        assert {(await task)[0] for task in known} == {200}

    asyncio.run(body())


def test_a_poll_of_a_stranger_leaves_the_lane_of_strangers_with_its_good_key():
    async def body():
        stub = Reader()
        application = admission(stub, most=2, most_strangers=1)
        path = f"/api/work_pools/p/workers/{WORKER}/sync"
        polls = []
        for number in range(5):
            key = [(b"authorization", b"Bearer %d" % number)]
            polls.append(asyncio.create_task(ask(application, path, headers=key, receive=whole)))
            await asyncio.sleep(0)
        assert stub.arrived == 5
        stub.open.set()
        assert {(await task)[0] for task in polls} == {200}

    asyncio.run(body())


def test_nobody_becomes_known_by_no_header_or_by_our_own_word():
    async def body():
        stub = Stub()
        stub.open.set()
        application = admission(stub, most=1)
        for word in (b"", b"ourselves"):
            application.known.note(word)
            refused = await ask(
                application, "/api/flows/filter", headers=[(b"authorization", word)]
            )
            assert refused[0] == 429

    asyncio.run(body())
