"""The websocket of the peer's workers: they say that they live and hear how their pool changes."""

import pytest
from tests.api.websockets import Socket

from runwright.server.api import worker_channel

ID = "01a20994-78c7-7518-9031-a31679a629c0"


def frame(kind, **payload):
    payload = {
        "consumer_id": ID,
        "worker_name": "w",
        "heartbeat_interval_seconds": 30,
        **payload,
    }
    return {"type": kind, "id": ID, "sent_at": "2026-01-01T00:00:00Z", "payload": payload}


def hello(**more):
    about = {
        "worker_type": "process",
        "supported_channel_versions": ["work_pool_worker_channel.v1"],
        "requested_capabilities": [
            "worker_heartbeat.v1",
            "work_pool_snapshot.v1",
            "cleanup_delivery.v1",
        ],
        "work_queue_names": ["default", "absent"],
        "worker_metadata": None,
    }
    return frame("worker.hello.v1", **about | more)


def connected(api, body, pool="p"):
    async def scenario():
        async with Socket(api.app, f"/api/work_pools/{pool}/workers/connect") as socket:
            await socket.auth(api.key)
            await body(socket)

    api.run(scenario())


async def seen(api):
    reply = await api.send_async("POST", "/api/work_pools/p/workers/filter", {})
    return [(worker["name"], worker["status"]) for worker in reply.json]


def test_a_worker_is_welcomed_and_its_heartbeats_are_noted(api):
    api.ok("POST", "/api/work_pools/", {"name": "p"})

    async def body(socket):
        await socket.send(hello())
        ready = (await socket.receive())["payload"]
        assert ready["selected_channel_version"] == "work_pool_worker_channel.v1"
        assert ready["rejected_capabilities"] == ["cleanup_delivery.v1"]
        assert [queue["name"] for queue in ready["resolved_work_queues"]] == ["default"]
        assert ready["initial_snapshot"]["snapshot_sequence"] == 1
        assert ready["initial_snapshot"]["work_pool"]["name"] == "p"
        assert await seen(api) == [("w", "ONLINE")]
        await socket.send(frame("worker.heartbeat.v1", worker_name="w2"))
        await socket.send("{")
        assert await socket.receive() == 1002
        assert sorted(await seen(api)) == [("w", "ONLINE"), ("w2", "ONLINE")]

    connected(api, body)


def test_changes_of_the_pool_are_shown(api, monkeypatch):
    monkeypatch.setattr(worker_channel, "_LOOK_EVERY_S", 0.05)
    api.ok("POST", "/api/work_pools/", {"name": "p"})

    async def body(socket):
        await socket.send(hello())
        await socket.receive()
        await api.send_async("PATCH", "/api/work_pools/p", {"is_paused": True})
        changed = await socket.receive()
        assert changed["type"] == "work_pool.snapshot.v1"
        assert changed["payload"]["snapshot_sequence"] == 2
        assert changed["payload"]["work_pool"]["is_paused"] is True
        await api.send_async("DELETE", "/api/work_pools/p")
        assert await socket.receive() == 1011

    connected(api, body)


def test_a_pool_that_is_not_there_is_made_where_the_worker_asks_for_it(api):
    async def refused(socket):
        await socket.send(hello())
        assert await socket.receive() == 1008

    connected(api, refused)

    async def made(socket):
        await socket.send(hello(create_pool_if_not_found=True))
        assert (await socket.receive())["payload"]["initial_snapshot"]["work_pool"]["name"] == "p"

    connected(api, made)


@pytest.mark.parametrize(
    "first",
    [
        "{",
        frame("worker.heartbeat.v1"),
        hello(supported_channel_versions=["work_pool_worker_channel.v2"]),
        hello(requested_capabilities=["worker_heartbeat.v1"]),
        hello(heartbeat_interval_seconds=0),
    ],
)
def test_a_hello_that_makes_no_sense_is_refused(api, first):
    api.ok("POST", "/api/work_pools/", {"name": "p"})

    async def body(socket):
        await socket.send(first)
        assert await socket.receive() == 1002

    connected(api, body)
