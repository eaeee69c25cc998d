"""Who listens and never reads is dropped, costs little memory, and holds up nobody."""

import threading
from datetime import UTC, datetime
from uuid import uuid4

import psutil
import pytest
from tests.acceptance.worker.raw_websocket import RawWebsocket

from runwright.credentials import key_for

BATCH, SIZE = 100, 8_000
#: Megabytes. What waits for a reader is at most 16, and twice 4 in the system's buffers.
ROOM = 150


def events(number):
    now = datetime.now(UTC).isoformat()  # noqa: TID251
    return [
        {
            "id": str(uuid4()),
            "occurred": now,
            "event": "noise",
            "resource": {"prefect.resource.id": f"noise.{number + index}"},
            "payload": {"much": "x" * SIZE},
        }
        for index in range(BATCH)
    ]


def records(number):
    now = datetime.now(UTC).isoformat()  # noqa: TID251
    return [
        {"name": "n", "level": 20, "message": f"{number + index} " + "x" * SIZE, "timestamp": now}
        for index in range(BATCH)
    ]


def seen_in(frame):
    if frame["type"] == "event":
        return frame["event"]["resource"]["prefect.resource.id"].removeprefix("noise.")
    return frame["log"]["message"].partition(" ")[0]


@pytest.mark.parametrize(
    ("source", "make", "wanted"),
    [("events", events, {"event": {"name": ["noise"]}}), ("logs", records, {})],
)
def test_a_client_that_never_reads_is_dropped_and_the_others_hear_everything(
    site, source, make, wanted
):
    key, path = key_for(site.home, site.url), f"/api/{source}/out"
    server = psutil.Process(site.server.pid)
    deaf = RawWebsocket(site.port, path, key, buffer=4096)
    attentive = RawWebsocket(site.port, path, key)
    seen = []

    def listen():
        while frame := attentive.receive():
            seen.append(seen_in(frame))

    for each in (deaf, attentive):
        each.send({"type": "filter", "filter": wanted})
    listening = threading.Thread(target=listen)
    listening.start()
    sent = 0

    def tell():
        nonlocal sent
        site.ask("POST", f"/{source}/", make(sent))
        sent += BATCH

    def is_heard():
        tell()
        return seen

    def is_dropped():
        if sent < 15_000 and sent - len(set(seen)) < 1_000:
            tell()
        mine = [each.raddr.port for each in server.net_connections("tcp") if each.raddr]
        return deaf.port not in mine

    site.until(is_heard)
    before = most = server.memory_info().rss
    first = int(seen[0])

    def is_dropped_within_memory():
        nonlocal most
        most = max(most, server.memory_info().rss)
        return is_dropped()

    try:
        site.until(is_dropped_within_memory, 40)
        expected = {str(number) for number in range(first, sent)}
        site.until(lambda: expected <= set(seen))
        assert len(seen) == len(set(seen))
        assert (most - before) / 1e6 < ROOM
    finally:
        deaf.close()
        site.stop_server()
        listening.join(20)
        attentive.close()
