"""Workers that wait for work hold a request each: that must not keep anybody else out."""

import asyncio
import json
import socket
import urllib.request
import uuid

from runwright.credentials import key_for

WAITING = 300


def test_hundreds_of_workers_that_wait_keep_nobody_out(site):
    site.ask("POST", "/work_pools/", {"name": "p", "type": "process"})
    key = key_for(site.home, site.url)

    async def wait_for_work():
        body = json.dumps({"worker_name": "w", "free": 1, "wait_ms": 10_000}).encode()
        head = (
            f"POST /api/work_pools/p/workers/{uuid.uuid4()}/sync HTTP/1.1\r\nhost: x\r\n"
            f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head.encode() + body)
        await writer.drain()
        return writer

    async def everybody():
        waiting = [await wait_for_work() for _ in range(WAITING)]
        await asyncio.to_thread(
            site.until, lambda: len(site.ask("POST", "/work_pools/p/workers/filter", {})) >= 200
        )
        await asyncio.wait_for(asyncio.to_thread(site.ask, "GET", "/health"), 3)
        for writer in waiting:
            writer.close()

    async def soon():
        async with asyncio.timeout(9):  # less than a poll waits
            await everybody()

    asyncio.run(soon())


def test_a_run_is_not_given_to_a_worker_whose_connection_is_gone(site):
    deployment = site.deploy("hello", "p")
    key = key_for(site.home, site.url)
    body = json.dumps({"worker_name": "dead", "free": 8, "wait_ms": 10_000}).encode()
    head = (
        f"POST /api/work_pools/p/workers/{uuid.uuid4()}/sync HTTP/1.1\r\nhost: x\r\n"
        f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        connection.sendall(head.encode() + body)
        site.until(lambda: site.ask("POST", "/work_pools/p/workers/filter", {}))
    path = f"/work_pools/p/workers/{uuid.uuid4()}/sync"
    living = {"worker_name": "alive", "free": 8, "wait_ms": 0}
    site.ask("POST", path, living)  # by now the server has heard of the end of the other
    run = site.run(deployment)
    site.until(lambda: site.ask("POST", path, living)["claimed"])
    assert site.ask("GET", f"/flow_runs/{run}")["worker_name"] == "alive"


def test_browsers_are_told_that_something_has_changed(site):
    deployment = site.deploy("hello", "p")
    request = urllib.request.Request(
        f"{site.url}/ui/changes",
        headers={"Authorization": f"Bearer {key_for(site.home, site.url)}"},
    )
    with urllib.request.urlopen(request, timeout=10) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")

        def told() -> str:
            while True:
                line = stream.readline().decode().strip()
                if line.startswith("data: "):
                    return line

        assert told() == "data: 0"
        site.run(deployment)
        assert told() == "data: 1"
    site.stop_server()  # which a browser that listens does not hold up
