"""No request holds the event loop: every route, with each of its fields at its limit.

What is measured is the processor time of the loop's thread from one step to the next, which other
programs on the machine do not change. `LOOP_HOLDS=all` tries all requests (some minutes), else a
part of them is tried, another one for each route.
"""

import asyncio
import gc
import os
import time
import zlib
from collections import defaultdict

import msgspec
import pytest
from tests.api.at_limits import Large, Maker

from runwright.server.main import GARBAGE

#: No request may hold the loop longer than this, in seconds of the processor.
MOST = 0.05
#: What `slowness` takes on an idle machine.
_USUAL = 0.026
_OF_A_ROUTE = 3
#: One that has taken too long is tried again: a collection of garbage may have come in between.
_TRIES = 3


class Steps:
    """How long the longest step of the event loop took."""

    def __init__(self, monkeypatch):
        self.longest = 0.0
        run = asyncio.Handle._run  # there is no other place where all steps pass

        def timed(handle):
            began = time.thread_time()
            run(handle)
            self.longest = max(self.longest, time.thread_time() - began)

        monkeypatch.setattr(asyncio.Handle, "_run", timed)

    def of(self, api, request: Large) -> float:
        """The longest step of a request, at the best of a few tries."""
        content, best = request.make(), float("inf")
        for _ in range(_TRIES):
            self.longest = 0.0
            reply = api.send(request.method, request.path, raw=content)
            assert reply.status < 500, (request.method, request.path, request.what, reply.content)
            best = min(best, self.longest)
            if best < MOST:
                break
        return best


def slowness() -> float:
    """How much slower than an idle machine this one is now, at what takes requests longest."""
    content = b"[" + b",".join([b"{}"] * 333_000) + b"]"
    best = float("inf")
    for _ in range(3):
        began = time.thread_time()
        msgspec.json.decode(content)
        best = min(best, time.thread_time() - began)
    return min(3.0, max(1.0, best / _USUAL))


def chosen(every: list[Large]) -> list[Large]:
    """All of them, or some of each route."""
    if os.environ.get("LOOP_HOLDS") == "all":
        return every
    by_route: dict[tuple[str, str], list[Large]] = defaultdict(list)
    for each in every:
        by_route[each.method, each.path].append(each)
    return [
        each
        for of_route in by_route.values()
        for each in sorted(of_route, key=lambda r: zlib.crc32(r.what.encode()))[:_OF_A_ROUTE]
    ]


def things(api) -> dict[str, str]:
    """Paths of some things that are there."""
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    api.ok("POST", "/api/work_pools/", {"name": "p"})
    deployment = api.ok(
        "POST", "/api/deployments/", {"name": "d", "flow_id": flow, "work_pool_name": "p"}
    )["id"]
    run = api.ok("POST", "/api/flow_runs/", {"flow_id": flow})["id"]
    there = {"flows": flow, "deployments": deployment, "flow_runs": run, "work_pools": "p"}
    document = api.ok("GET", "/api/openapi.json")
    filled = {}
    for template in document["paths"]:
        parts = template.split("/")
        for number, part in enumerate(parts):
            if part.startswith("{"):
                kind = parts[number - 1]
                parts[number] = there.get(kind, "00000000-0000-4000-8000-000000000000")
        filled[template] = "/".join(parts)
    return filled


#: They end the whole test's session, wait for something, or show what never ends.
APART = ("/ui/changes", "/sync", "/journal", "/exit")


@pytest.mark.timeout(1200 if os.environ.get("LOOP_HOLDS") == "all" else 240)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_request_at_its_limits_holds_the_loop(api, monkeypatch):
    fill = things(api)
    every = [
        each
        for each in Maker(api.ok("GET", "/api/openapi.json")).requests(fill)
        if each.method != "DELETE" and not each.path.endswith(APART)
    ]
    some = chosen(every)
    assert len(some) > 200
    steps = Steps(monkeypatch)
    api.send("POST", "/api/flow_runs/filter", {})  # what is loaded late is loaded
    gc.collect()
    gc.freeze()
    usual = gc.get_threshold()
    gc.set_threshold(*GARBAGE)
    try:
        most = MOST * max(slowness(), slowness())
        held = [(steps.of(api, each), each) for each in some]
        most = max(most, MOST * slowness())
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
    slow = [
        f"{each.method} {each.path} with {each.what} ({len(each.make()):,} bytes): "
        f"{seconds * 1000:.0f} ms"
        for seconds, each in held
        if seconds > most
    ]
    assert not slow, "\n".join(slow)
