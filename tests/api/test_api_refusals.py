"""Who may do what, from the one table; and bad input, which is never the server's fault."""

import re
from uuid import uuid4

import pytest

from runwright.server.app import describe, needed
from runwright.server.scopes import ANY_KEY, ANYONE

_BODY = {"POST", "PATCH", "PUT"}
# Not a fresh one: the names of tests are the same in every process that collects them.
_ABSENT = "00000000-0000-4000-8000-000000000000"


def routes():
    for template, methods in describe()["paths"].items():
        for method in methods:
            yield method.upper(), template


def filled(template):
    return re.sub(r"\{[^}]*\}", lambda _: str(uuid4()), template)


def test_every_route_needs_a_key_and_its_scope(api):
    without = api.make_key(scopes=[])
    checked = 0
    for method, template in routes():
        needs = needed(method, template)
        assert needs is not None, (method, template)
        if needs == ANYONE:
            continue
        path = filled(template)
        body = {} if method in _BODY else None
        assert api.send(method, path, body, key=None).status == 401, (method, path)
        if needs != ANY_KEY:
            assert api.send(method, path, body, key=without).status == 403, (method, path)
        checked += 1
    assert checked > 40


def test_keys_are_made_listed_and_revoked(api):
    made = api.ok("POST", "/api/keys", {"name": "ci", "scopes": ["flows:read"]})
    secret = made["secret"]
    assert secret.startswith("rwk_user_")
    assert api.send("POST", "/api/flows/count", {}, key=secret).status == 200
    assert api.send("POST", "/api/flow_runs/count", {}, key=secret).status == 403
    assert secret not in str(api.ok("POST", "/api/keys/filter", {}))
    assert api.send("DELETE", f"/api/keys/{made['key']['id']}").status == 200
    assert api.send("POST", "/api/flows/count", {}, key=secret).status == 401


def test_nobody_grants_more_than_they_hold(api):
    small = api.make_key(scopes=["admin:keys"])
    body = {"name": "x", "scopes": ["runs:delete"]}
    assert api.send("POST", "/api/keys", body, key=small).status == 403
    assert api.send("POST", "/api/keys", {**body, "scopes": ["no:such"]}).status == 422


def test_a_browser_signs_in_once_and_changes_need_a_token(api):
    url = api.ok("POST", "/api/sign_in_links")["url"]
    token = url.partition("#token=")[2]
    reply = api.send("POST", "/api/session", {"token": token}, key=None)
    assert reply.status == 201
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert api.send("POST", "/api/session", {"token": token}, key=None).status == 401
    cookie = {"cookie": reply.headers["set-cookie"].split(";")[0]}
    assert api.send("GET", "/api/hello", key=None, headers=cookie).status == 200
    count = ("POST", "/api/flows/count", {})
    assert api.send(*count, key=None, headers=cookie).status == 403
    csrf = api.send("GET", "/api/csrf-token?client=c", key=None, headers=cookie).json["token"]
    ours = {**cookie, "origin": "http://localhost", "prefect-csrf-token": csrf}
    assert api.send(*count, key=None, headers=ours).status == 200
    for foreign in ("http://evil.example", "null"):
        bad = {**ours, "origin": foreign}
        assert api.send(*count, key=None, headers=bad).status == 403


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("/api/flows/", b"{"),
        ("/api/flows/", b"[]"),
        ("/api/flows/", b'{"name": 1}'),
        ("/api/flows/", b"{}"),
        ("/api/flows/", b"\xff\xfe"),
        ("/api/flow_runs/", b'{"flow_id": "no"}'),
        ("/api/flow_runs/", b'{"flow_id": "' + b"a" * 100_000 + b'"}'),
        ("/api/flow_runs/filter", b'{"limit": -1}'),
        ("/api/flow_runs/filter", b'{"limit": 201}'),
        ("/api/flow_runs/filter", b'{"limit": 1e400}'),
        ("/api/flow_runs/filter", b'{"limit": 999999999999999999999999}'),
        ("/api/flow_runs/filter", b'{"offset": 999999999999999999}'),
        ("/api/flow_runs/filter", b'{"sort": "; DROP TABLE flow"}'),
        ("/api/flow_runs/filter", b'{"flow_runs": {"name": {"like_": "a\\u0000b"}}}'),
        ("/api/flow_runs/filter", b'{"flow_runs": {"start_time": {"after_": "2026-01-01T00:00"}}}'),
        ("/api/flow_runs/filter", b'{"flow_runs": {"state": {"type": {"any_": ["NO"]}}}}'),
        ("/api/flow_runs/filter", b'{"flow_runs": ' + b"[" * 50_000 + b"}"),
        ("/api/flow_runs/paginate", b'{"page": 0}'),
        ("/api/flow_runs/history", b'{"history_start": "2026-01-01T00:00:00Z"}'),
        ("/api/logs/", b'[{"name":"n","level":1,"message":"m","timestamp":"2026-01-01T00:00"}]'),
        (f"/api/flow_runs/{_ABSENT}/set_state", b'{"state": {"type": "NONSENSE"}}'),
        (f"/api/flow_runs/{_ABSENT}/journal", b'{"token": "x"}'),
    ],
)
def test_bad_bodies_are_refused_as_such(api, path, raw):
    reply = api.send("POST", path, raw=raw)
    assert reply.status == 422, reply.content
    assert {"code", "detail", "exception_message", "exception_detail"} <= reply.json.keys()


@pytest.mark.parametrize("path", ["/api/flow_runs/nonsense", "/api/no/such", "/api/flows/%00"])
def test_bad_paths_are_not_found(api, path):
    assert 400 <= api.send("GET", path).status < 500
