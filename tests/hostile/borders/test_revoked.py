"""A key that is revoked: every request, stream and poll that hangs on it ends within 5 s."""

import contextlib
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from tests.hostile.borders.handshake import Websocket
from tests.hostile.conftest import HostileSite, now
from tests.postgres import create_database

#: What is promised, and some more for a machine that does a lot else.
PROMISED_S, SLACK_S = 5.0, 3.0
FILTERED = {"type": "filter", "filter": {}}
STREAMS = {
    "/api/events/out": FILTERED,
    "/api/logs/out": FILTERED,
    "/api/task_runs/subscriptions/scheduled": {"type": "subscribe", "keys": ["k"]},
    "/api/events/in": None,
}


def event(name="news"):
    resource = {"prefect.resource.id": "thing.1"}
    return {"id": str(uuid4()), "occurred": now(), "event": name, "resource": resource}


def new_key(site, **asked):
    made = site.ask("POST", "/keys/", {"name": f"k-{uuid4().hex[:8]}", **asked})
    return made["secret"], made["key"]["id"]


def signed_in(site, key):
    """The cookie of a browser that signed in with a key."""
    reply = site.send("POST", "/session", {"token": key}, key=None)
    assert reply.status == 201, reply.content
    return reply.headers["set-cookie"].partition(";")[0]


def origin(site):
    return f"http://127.0.0.1:{site.port}"


def opened(site, path, first, **headers):
    """A stream that was let in by its headers."""
    stream = Websocket(site.port, path, **headers)
    assert stream.auth(None) == {"type": "auth_success"}, path
    if first is not None:
        stream.send(first)
    return stream


class Changes:
    """The server-sent events of the page."""

    def __init__(self, site, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=15)
        self.connection.request("GET", "/api/ui/changes", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.readline()

    def until_closed(self):
        while self.answer.readline():
            pass
        self.connection.close()


def seconds_until_closed(streams, act):
    """How long each stream lives on after an act."""
    began = time.monotonic()
    with ThreadPoolExecutor(len(streams)) as several:

        def wait(stream):
            stream.until_closed()
            return time.monotonic() - began

        waiting = [several.submit(wait, each) for each in streams]
        act()
        return [each.result(20) for each in waiting]


def test_whatever_hangs_on_a_key_ends_with_it(site_on_both):
    site = site_on_both
    key, key_id = new_key(site)
    cookie = signed_in(site, key)
    session = {"Cookie": cookie, "Origin": origin(site)}
    bearer = {"Authorization": f"Bearer {key}"}
    with contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(opened(site, path, first, **headers))
            for path, first in STREAMS.items()
            for headers in (session, bearer)
        ]
        hanging = [*streams, Changes(site, **bearer), Changes(site, **session)]
        parted = seconds_until_closed(hanging, lambda: site.ask("DELETE", f"/keys/{key_id}"))
        assert max(parted) < PROMISED_S + SLACK_S, parted
        # Woken by the revocation: a look every few seconds is only for wake-ups that are lost.
        assert sorted(parted)[len(parted) // 2] < PROMISED_S / 2, parted
        assert {each.closed[0] for each in streams} == {1008}
        assert "revoked" in streams[0].closed[1]
    assert site.send("GET", "/hello", key=key).status == 401
    assert site.send("GET", "/hello", key=None, headers=session).status == 401
    minted = site.send("POST", "/keys", {"name": "more"}, key=None, headers=session)
    assert minted.status == 401
    assert not [
        each for each in site.ask("POST", "/sessions/filter", {}) if each["key_id"] == key_id
    ]


def test_whatever_hangs_on_a_key_is_narrowed_with_it(site_on_both):
    site = site_on_both
    key, key_id = new_key(site, scopes=["events:read", "events:write", "logs:read", "runs:write"])
    session = {"Cookie": signed_in(site, key), "Origin": origin(site)}
    bearer = {"Authorization": f"Bearer {key}"}
    task = {
        **event("prefect.task-run.Completed"),
        "resource": {"prefect.resource.id": f"prefect.task-run.{uuid4()}"},
    }
    with contextlib.ExitStack() as stack:
        lost, kept, telling = (
            [
                stack.enter_context(opened(site, path, STREAMS[path], **headers))
                for headers in (session, bearer)
            ]
            for path in ("/api/logs/out", "/api/events/out", "/api/events/in")
        )
        narrowed = {"scopes": ["events:read", "events:write"]}
        parted = seconds_until_closed(lost, lambda: site.ask("PATCH", f"/keys/{key_id}", narrowed))
        # Woken by the change, as by a revocation.
        assert max(parted) < PROMISED_S / 2, parted
        assert {each.closed[0] for each in lost} == {1008}
        # A stream that may go on may no more than the key does by now.
        for stream in telling:
            stream.send(task)
            stream.send(event("news"))
        counted = {"filter": {"event": {"name": ["news", task["event"]]}}}
        site.until(lambda: site.ask("POST", "/events/filter", counted)["total"] >= 2)
        told = site.ask("POST", "/events/filter", counted)["events"]
        assert {each["event"] for each in told} == {"news"}
        for stream in kept:
            site.until(lambda stream=stream: stream.receive()["event"]["event"] == "news")
    for path, status in (("/logs/filter", 403), ("/events/filter", 200)):
        assert site.send("POST", path, {}, key=key).status == status


def test_events_of_a_revoked_key_are_not_stored(site_on_both):
    site = site_on_both
    key, key_id = new_key(site, scopes=["events:write"])
    with Websocket(site.port, "/api/events/in") as stream:
        assert stream.auth(key) == {"type": "auth_success"}
        stream.send(event("before"))
        counted = {"filter": {"event": {"name": ["before"]}}}
        site.until(lambda: site.ask("POST", "/events/filter", counted)["total"] == 1)
        site.ask("DELETE", f"/keys/{key_id}")
        end = time.monotonic() + PROMISED_S + SLACK_S
        with contextlib.suppress(OSError):  # it is closed meanwhile
            while time.monotonic() < end and stream.closed is None:
                stream.send(event("after"))
                stream._socket.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    stream.receive()
        assert stream.closed is not None
    after = site.ask("POST", "/events/filter", {"filter": {"event": {"name": ["after"]}}})["total"]
    assert after == 0  # from the answer to the revocation on, not only from the end of the stream


def test_a_parked_poll_ends_and_is_given_nothing(site_on_both):
    site = site_on_both
    with contextlib.suppress(Exception):
        site.ask("POST", "/work_pools/", {"name": "p", "type": "process"})
    deployment = site.deploy("hello", "p")
    key, key_id = new_key(site, kind="worker", work_pool_name="p")
    with ThreadPoolExecutor(1) as aside:
        began = time.monotonic()
        parked = aside.submit(site.sync, "p", key, str(uuid4()), free=1, wait_ms=10_000)
        site.until(lambda: site.ask("POST", "/work_pools/p/workers/filter", {}))
        site.ask("DELETE", f"/keys/{key_id}")
        reply = parked.result(20)
    assert reply.status == 401, reply.content
    assert time.monotonic() - began < PROMISED_S + SLACK_S
    run = site.run(deployment)
    assert site.sync("p", key, str(uuid4()), free=1).status == 401
    assert site.state(run) == "SCHEDULED"


def test_the_command_line_lists_and_ends_what_hangs_on_a_key(site):
    key, key_id = new_key(site)
    made = site.send("POST", "/keys/", {"name": "made"}, key=key).json["key"]["id"]
    cookies = [{"Cookie": signed_in(site, key)} for _ in range(2)]
    (first, _) = json.loads(site.cli("session", "ls", "-o", "json").stdout)
    assert first["key_id"] == key_id
    assert site.cli("session", "revoke", first["id"]).returncode == 0
    living = [site.send("GET", "/hello", key=None, headers=each).status for each in cookies]
    assert sorted(living) == [200, 401]
    narrowed = site.cli("key", "narrow", key_id, "--scope", "admin:keys")
    assert (narrowed.returncode, "It may: admin:keys." in narrowed.stderr) == (0, True)
    revoked = site.cli("key", "revoke", key_id)
    assert "signed out: 1." in revoked.stderr
    assert f"made ({made})" in revoked.stderr
    assert "--made-too" in revoked.stderr
    assert [site.send("GET", "/hello", key=None, headers=each).status for each in cookies] == [
        401
    ] * 2
    assert site.cli("key", "revoke", key_id, "--made-too").returncode == 0
    left = {each["id"]: each["revoked_at"] for each in site.ask("POST", "/keys/filter", {})}
    assert left[made] is not None


@pytest.mark.parametrize("path", ["/variables/", "/flow_runs", "/flows/"])
def test_a_request_that_is_sent_slowly_is_held_to_what_its_key_is_at_the_end(site, path):
    key, key_id = new_key(site)
    flow_id = site.ask("POST", "/flows/", {"name": "here"})["id"]
    body = json.dumps({"name": "late", "value": 1, "flow_id": flow_id}).encode()
    if path != "/flow_runs":
        body = json.dumps({"name": "late"} | ({"value": 1} if "var" in path else {})).encode()
    head = (
        f"POST /api{path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", site.port), timeout=15) as slow:
        slow.sendall(head + body[:5])
        began = time.monotonic()
        site.ask("DELETE", f"/keys/{key_id}")
        site.until(lambda: time.monotonic() - began > 1.5)  # older than what is believed
        slow.sendall(body[5:])
        answer = b""
        while more := slow.recv(65_536):
            answer += more
    assert b" 401 " in answer.partition(b"\r\n")[0], answer[:300]
    assert not [each for each in site.ask("POST", "/flows/filter", {}) if each["name"] == "late"]
    assert site.ask("POST", "/variables/count", {}) == 0
    assert site.ask("POST", "/flow_runs/count", {}) == 0


def test_a_revocation_at_one_replica_is_noticed_at_the_others(
    home_of_its_own, tmp_path, tmp_path_factory, postgres
):
    url = create_database(postgres)
    sites = []
    try:
        for number in range(2):
            home = home_of_its_own if not number else tmp_path_factory.mktemp("other")
            site = HostileSite(home, tmp_path)
            site.env["RUNWRIGHT_DATABASE_URL"] = url
            sites.append(site)
            site.start_server()
        one, other = sites
        key, key_id = new_key(one)
        cookie = signed_in(other, key)
        session = {"Cookie": cookie, "Origin": origin(other)}
        # A link that one replica made signs in at another, once.
        link = one.send("POST", "/sign_in_links", {}, key=key).json["url"]
        token = {"token": link.partition("#token=")[2]}
        with ThreadPoolExecutor(4) as several:
            replies = list(
                several.map(lambda s: s.send("POST", "/session", token, key=None), sites * 2)
            )
        assert sorted(reply.status for reply in replies) == [201, 401, 401, 401]
        unused = one.send("POST", "/sign_in_links", {}, key=key).json["url"]
        with contextlib.ExitStack() as stack:
            hanging = [
                stack.enter_context(opened(other, "/api/events/out", FILTERED, **session)),
                stack.enter_context(opened(other, "/api/logs/out", FILTERED, **session)),
                Changes(other, Cookie=cookie),
            ]
            parted = seconds_until_closed(hanging, lambda: one.ask("DELETE", f"/keys/{key_id}"))
        assert max(parted) < PROMISED_S + SLACK_S, parted
        assert other.send("GET", "/hello", key=key).status == 401
        assert other.send("GET", "/hello", key=None, headers={"Cookie": cookie}).status == 401
        token = {"token": unused.partition("#token=")[2]}
        assert other.send("POST", "/session", token, key=None).status == 401
    finally:
        for site in sites:
            site.close()
