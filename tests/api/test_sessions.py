"""Browsers that signed in, the keys they hang on, and what keys may make."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update
from tests.api.websockets import Socket

from runwright.storage.tables import api_key


class MovedClock:
    """The time is later than it was by so much."""

    def __init__(self, clock):
        self.clock, self.by = clock, timedelta(0)

    def now(self):
        return self.clock.now() + self.by

    def monotonic(self):
        return self.clock.monotonic() + self.by.total_seconds()


@pytest.fixture
def clock(api):
    moved = MovedClock(api.wiring.clock)
    object.__setattr__(api.wiring, "clock", moved)
    return moved


def new_key(api, *, key="", **asked):
    reply = api.send("POST", "/api/keys", {"name": f"k-{uuid4().hex[:6]}", **asked}, key=key)
    assert reply.status == 201, reply.content
    return reply.json["secret"], reply.json["key"]


def sign_in(api, token, **headers):
    """The headers of a browser's page that signed in."""
    reply = api.send("POST", "/api/session", {"token": token}, key=None, headers=headers)
    assert reply.status == 201, reply.content
    cookie = {"cookie": reply.headers["set-cookie"].partition(";")[0], "origin": "http://localhost"}
    csrf = api.send("GET", "/api/csrf-token?client=x", key=None, headers=cookie).json["token"]
    return cookie | {"prefect-csrf-token": csrf}


def status(api, method, path, headers, body=None):
    return api.send(method, path, body, key=None, headers=headers).status


def change(api, key_id, **values):
    """Change a key behind the back of the server: nobody is woken."""
    statement = update(api_key).where(api_key.c.id == key_id).values(**values)
    api.run(api.wiring.storage.write(lambda tx: tx.execute(statement).rowcount))


def test_a_session_is_narrowed_with_its_key(api, clock):
    secret, key = new_key(api, scopes=["flows:read", "runs:read"])
    browser = sign_in(api, secret)
    count = ("POST", "/api/flows/count", browser, {})
    assert status(api, *count) == 200
    change(api, key["id"], scopes=["runs:read"])
    clock.by += timedelta(seconds=5)
    assert status(api, *count) == 403
    assert status(api, "POST", "/api/flow_runs/count", browser, {}) == 200
    (listed,) = api.ok("POST", "/api/sessions/filter", {})
    assert listed["scopes"] == ["runs:read"]


def test_a_key_is_narrowed_and_never_widened(api, clock):
    scopes = ["admin:keys", "flows:read", "runs:read"]
    secret, key = new_key(api, scopes=scopes)
    child_secret, _ = new_key(api, key=secret, scopes=["flows:read", "runs:read"])
    browser = sign_in(api, secret)
    path = f"/api/keys/{key['id']}"
    soon = (api.wiring.clock.now() + timedelta(hours=1)).replace(microsecond=0)
    for body, said in [
        ({}, "Say what is to change"),
        ({"scopes": ["runs:write"]}, "has no scope runs:write"),
        ({"scopes": ["nonsense"]}, "has no scope nonsense"),
        ({"expires_at": None}, "expires_at"),
        ({"expires_at": (soon - timedelta(hours=2)).isoformat()}, "revoke it"),
        ({"scope": []}, "scopes"),
    ]:
        reply = api.send("PATCH", path, body)
        assert reply.status == 422, (body, reply.content)
        assert said in reply.content.decode(), (body, reply.content)
    # Without `admin:keys` nobody narrows, not even themselves.
    assert api.send("PATCH", path, {"scopes": []}, key=child_secret).status == 403
    assert api.send("PATCH", f"/api/keys/{uuid4()}", {"scopes": []}).status == 404

    less = {"scopes": ["admin:keys", "runs:read"], "expires_at": soon.isoformat()}
    told = api.ok("PATCH", path, less)
    assert (told["scopes"], told["expires_at"][:19]) == (less["scopes"], soon.isoformat()[:19])
    for headers in ({"authorization": f"Bearer {secret}"}, browser):
        assert status(api, "POST", "/api/flows/count", headers, {}) == 403
        assert status(api, "POST", "/api/flow_runs/count", headers, {}) == 200
    # What was made with it is a key of its own.
    assert api.send("POST", "/api/flows/count", {}, key=child_secret).status == 200
    later = (soon + timedelta(seconds=1)).isoformat()
    assert api.send("PATCH", path, {"expires_at": later}).status == 422
    wider = api.send("POST", "/api/keys", {"name": "x", "scopes": ["flows:read"]}, key=secret)
    assert wider.status == 403
    api.ok("PATCH", f"{path}?made_too=true", {"scopes": ["admin:keys"]})
    for mine in (secret, child_secret):
        assert api.send("POST", "/api/flow_runs/count", {}, key=mine).status == 403
        assert api.send("GET", "/api/hello", key=mine).status == 200
    # A session is no key, a revoked key is no more.
    (listed,) = api.ok("POST", "/api/sessions/filter", {})
    assert api.send("PATCH", f"/api/keys/{listed['id']}", {"scopes": []}).status == 404
    clock.by = timedelta(hours=2)
    assert api.send("GET", "/api/hello", key=secret).status == 401
    assert status(api, "GET", "/api/hello", browser) == 401
    assert api.send("DELETE", path).status == 200
    assert api.send("PATCH", path, {"scopes": []}).status == 409


@pytest.mark.parametrize("how", ["revoked", "expired", "deleted"])
def test_a_session_ends_with_its_key_even_where_nobody_is_woken(api, clock, how):
    secret, key = new_key(api)
    browser = sign_in(api, secret)
    assert status(api, "GET", "/api/hello", browser) == 200
    now = api.wiring.clock.now()
    if how == "deleted":
        gone = api_key.delete().where(api_key.c.id == key["id"])
        api.run(api.wiring.storage.write(lambda tx: tx.execute(gone).rowcount))
    else:
        change(api, key["id"], **({"revoked_at": now} if how == "revoked" else {"expires_at": now}))
    clock.by += timedelta(seconds=5)
    assert status(api, "GET", "/api/hello", browser) == 401
    assert api.send("GET", "/api/hello", key=secret).status == 401


def test_what_expires_is_not_believed_for_longer(api, clock):
    soon = api.wiring.clock.now() + timedelta(seconds=60)
    secret, _ = new_key(api, expires_at=soon.isoformat())
    browser = sign_in(api, secret)
    clock.by = timedelta(seconds=58)
    assert status(api, "GET", "/api/hello", browser) == 200
    assert api.send("GET", "/api/hello", key=secret).status == 200
    clock.by = timedelta(seconds=61)
    assert status(api, "GET", "/api/hello", browser) == 401
    assert api.send("GET", "/api/hello", key=secret).status == 401


def test_a_stream_notices_a_revocation_that_nobody_was_woken_by(api):
    secret, key = new_key(api, scopes=["events:read"])

    async def body():
        async with Socket(api.app, "/api/events/out") as socket:
            assert (await socket.auth(secret))["type"] == "auth_success"
            now = api.wiring.clock.now()
            statement = update(api_key).where(api_key.c.id == key["id"]).values(revoked_at=now)
            await api.wiring.storage.write(lambda tx: tx.execute(statement).rowcount)
            assert await socket.receive() == 1008

    api.run(body())


def test_sessions_are_listed_and_ended(api):
    mine, other = new_key(api, scopes=["flows:read"])[0], new_key(api, scopes=["flows:read"])[0]
    first, second, third = sign_in(api, mine), sign_in(api, mine), sign_in(api, other)
    assert len(api.ok("POST", "/api/sessions/filter", {})) == 3
    shown = api.send("POST", "/api/sessions/filter", {}, key=None, headers=first).json
    assert len(shown) == 2
    assert [each["is_current"] for each in shown].count(True) == 1
    (theirs,) = api.send("POST", "/api/sessions/filter", {}, key=other).json
    for path in (theirs["id"], str(uuid4())):
        assert status(api, "DELETE", f"/api/sessions/{path}", first) == 404
    (not_this,) = [each for each in shown if not each["is_current"]]
    assert status(api, "DELETE", f"/api/sessions/{not_this['id']}", first) == 204
    assert status(api, "GET", "/api/hello", second) == 401
    assert status(api, "GET", "/api/hello", first) == 200
    assert api.send("DELETE", f"/api/sessions/{theirs['id']}").status == 204
    assert status(api, "GET", "/api/hello", third) == 401
    # A session's id is none of a key, and the other way round.
    assert api.send("DELETE", f"/api/keys/{not_this['id']}").status == 404
    assert api.send("GET", f"/api/keys/{not_this['id']}/dependents").status == 404


def test_a_key_makes_none_that_outlives_it_or_may_more(api, clock):
    until = (api.wiring.clock.now() + timedelta(hours=1)).replace(microsecond=0)
    scopes = ["admin:keys", "flows:read"]
    secret, key = new_key(api, expires_at=until.isoformat(), scopes=scopes)
    browser = sign_in(api, secret)
    for how in ({"key": secret}, {"key": None, "headers": browser}):
        later = {"name": "x", "expires_at": (until + timedelta(seconds=1)).isoformat()}
        assert api.send("POST", "/api/keys", later, **how).status == 403
        more = {"name": "x", "scopes": ["runs:delete"]}
        assert api.send("POST", "/api/keys", more, **how).status == 403
        made = api.send("POST", "/api/keys", {"name": "x"}, **how).json["key"]
        assert made["expires_at"] == key["expires_at"]
        assert made["scopes"] == scopes
        assert made["created_by"] == {
            "id": key["id"], "type": made["created_by"]["type"], "display_value": key["name"]
        }  # fmt: skip
    link = api.send("POST", "/api/sign_in_links", {}, key=secret).json
    linked = sign_in(api, link["url"].partition("#token=")[2])
    for each in api.ok("POST", "/api/sessions/filter", {}):
        assert (each["expires_at"], each["scopes"]) == (key["expires_at"], scopes)
    past = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    assert api.send("POST", "/api/keys", past).status == 422
    unused = api.send("POST", "/api/sign_in_links", {}, key=secret).json["url"]
    clock.by = timedelta(hours=1, seconds=1)
    for headers in (browser, linked):
        assert status(api, "GET", "/api/hello", headers) == 401
    clock.by = timedelta(0)
    assert api.send("DELETE", f"/api/keys/{key['id']}").status == 200
    token = {"token": unused.partition("#token=")[2]}
    assert api.send("POST", "/api/session", token, key=None).status == 401


def test_revoking_a_key_says_what_hangs_on_it(api):
    secret, key = new_key(api)
    sign_in(api, secret)
    child, made = new_key(api, key=secret)
    grandchild, made_by_that = new_key(api, key=child)
    hanging = api.ok("GET", f"/api/keys/{key['id']}/dependents")
    assert [each["key_name"] for each in hanging["sessions"]] == [key["name"]]
    assert [each["id"] for each in hanging["keys"]] == [made["id"], made_by_that["id"]]
    assert api.ok("DELETE", f"/api/keys/{key['id']}") == hanging
    assert api.ok("POST", "/api/sessions/filter", {}) == []
    for left in (child, grandchild):
        assert api.send("GET", "/api/hello", key=left).status == 200
    api.ok("DELETE", f"/api/keys/{key['id']}?made_too=true")
    for gone in (child, grandchild):
        assert api.send("GET", "/api/hello", key=gone).status == 401
    assert api.ok("GET", f"/api/keys/{key['id']}/dependents") == {"sessions": [], "keys": []}


def test_a_link_signs_in_once_and_is_no_key(api):
    url = api.ok("POST", "/api/sign_in_links")["url"]
    token = url.partition("#token=")[2]
    assert api.send("GET", "/api/hello", key=token).status == 401
    sign_in(api, token)
    for used in (token, "rws_" + "x" * 43, "nonsense"):
        assert api.send("POST", "/api/session", {"token": used}, key=None).status == 401
    for each in api.ok("POST", "/api/keys/filter", {}):
        assert each["kind"] in {"user", "worker"}


class TestBehindAProxy:
    @pytest.fixture
    def more_settings(self):
        return {"RUNWRIGHT_TRUSTED_PROXIES": "127.0.0.0/8,10.1.0.0/16"}

    def test_a_trusted_proxy_says_that_there_is_tls(self, api):
        forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "rw.example.com"}
        mine = {"origin": "https://rw.example.com", **forwarded}
        reply = api.send("POST", "/api/session", {"token": api.key}, key=None, headers=mine)
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("__Host-runwright_session=")
        assert "secure" in cookie.lower()
        secret = cookie.partition("=")[2].partition(";")[0]
        # A cookie that a page without TLS, or another host of the domain, may have set is none.
        for name, expected in (("__Host-runwright_session", 200), ("runwright_session", 401)):
            headers = {"cookie": f"{name}={secret}", **forwarded}
            assert api.send("GET", "/api/hello", key=None, headers=headers).status == expected
        for origin in ("http://rw.example.com", "https://localhost", "https://evil.example"):
            headers = {**forwarded, "origin": origin}
            reply = api.send("POST", "/api/session", {"token": api.key}, key=None, headers=headers)
            assert reply.status == 403, origin


class TestWithoutAProxy:
    @pytest.fixture
    def more_settings(self):
        return {
            "RUNWRIGHT_TRUSTED_PROXIES": "10.1.0.0/16",
            "RUNWRIGHT_PUBLIC_URL": "https://rw.example.com",
        }

    def test_what_anybody_may_write_is_not_believed(self, api):
        for spoofed in (
            {"x-forwarded-proto": "https", "x-forwarded-host": "evil.example"},
            {"x-forwarded-proto": "https", "x-forwarded-for": "10.1.0.1"},
            {"forwarded": "proto=https;host=evil.example;for=10.1.0.1"},
        ):
            headers = {**spoofed, "origin": "http://localhost"}
            reply = api.send("POST", "/api/session", {"token": api.key}, key=None, headers=headers)
            assert reply.headers["set-cookie"].startswith("runwright_session=")
            headers = {**spoofed, "origin": "http://evil.example"}
            reply = api.send("POST", "/api/session", {"token": api.key}, key=None, headers=headers)
            assert reply.status == 403

    def test_the_public_address_is_known_to_have_tls(self, api):
        headers = {"host": "rw.example.com", "origin": "https://rw.example.com"}
        reply = api.send("POST", "/api/session", {"token": api.key}, key=None, headers=headers)
        assert reply.headers["set-cookie"].startswith("__Host-runwright_session=")
