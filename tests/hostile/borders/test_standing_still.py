"""Connections and requests that never end keep nobody out."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from tests.acceptance.worker.conftest import SERVER, Site
from tests.hostile.conftest import HostileSite

#: Descriptors of a server that has few.
FEW = 96


@contextlib.contextmanager
def half_sent(site: HostileSite, count: int, content: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that have sent this and nothing more."""
    with contextlib.ExitStack() as opened:
        every = []
        for _ in range(count):
            each = socket.create_connection(("127.0.0.1", site.port), timeout=10)
            every.append(opened.enter_context(each))
            each.sendall(content)
        yield every


def head(path: str, *, key: str | None = None, length: int = 1000) -> bytes:
    """The head of a request whose body is to come."""
    lines = [
        f"POST {path} HTTP/1.1",
        "host: localhost",
        "content-type: application/json",
        f"content-length: {length}",
    ]
    if key is not None:
        lines.append(f"authorization: Bearer {key}")
    return "\r\n".join([*lines, "", ""]).encode()


def seconds_of_a_request(site: HostileSite) -> float:
    began = time.monotonic()
    reply = site.send("POST", "/flow_runs/filter", {"limit": 1}, seconds=10)
    assert reply.status == 200, reply.content
    return time.monotonic() - began


@pytest.mark.parametrize("count", [130, 900])
def test_half_sent_requests_by_nobody_hurt_nobody_with_a_key(site: HostileSite, count: int):
    seconds_of_a_request(site)
    with half_sent(site, count, head("/api/session") + b"{"):
        assert seconds_of_a_request(site) < 3
        key = site.make_key()  # nor one that was never seen before
        assert site.send("POST", "/flows/filter", {}, key=key).status == 200
        # Nor somebody who signs in, in the very lane of theirs.
        assert site.send("POST", "/session", {"token": "none of ours"}, key=None).status == 401


def test_half_sent_requests_with_a_key_take_nobodys_place(site: HostileSite):
    reader = site.make_key("runs:read")
    with half_sent(site, 200, head("/api/flow_runs/filter", key=reader) + b"{"):
        assert seconds_of_a_request(site) < 3


def test_what_is_said_to_be_too_large_is_refused_before_it_comes(site: HostileSite):
    key = site.make_key()
    with half_sent(site, 1, head("/api/flows/", key=key, length=10**9)) as (only,):
        only.settimeout(5)
        assert b" 413 " in only.recv(100)


@pytest.fixture
def cramped(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> HostileSite:
    """A server that may have few descriptors."""

    def start_server(site: Site) -> None:
        command = f'ulimit -n {FEW}; exec "$@"'
        site.server = subprocess.Popen(
            ["bash", "-c", command, "-", sys.executable, "-c", SERVER, str(site.port)],
            env=site.env,
        )
        site.until(site.is_up, 30)

    monkeypatch.setattr(Site, "start_server", start_server)
    return request.getfixturevalue("site")


@pytest.mark.skipif(sys.platform != "linux", reason="idle connections are told apart on Linux")
@pytest.mark.parametrize("content", [b"", b"POST /api/session HTTP/1.1\r\nhost: x\r\n"])
def test_idle_connections_beyond_the_descriptors_keep_nobody_out(
    cramped: HostileSite, content: bytes
):
    with half_sent(cramped, 2 * FEW, content):
        assert seconds_of_a_request(cramped) < 8
        assert seconds_of_a_request(cramped) < 3
    assert cramped.server is not None
    assert cramped.server.poll() is None
