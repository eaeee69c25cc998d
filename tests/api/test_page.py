"""The web page: how it is served, and what browsers are told."""

import asyncio

import pytest

from runwright.server import ui
from runwright.server.security_headers import SecurityHeaders

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGE = b'<!doctype html><base href="/" /><script src="./assets/a.js"></script>'


@pytest.fixture
def built(monkeypatch, tmp_path):
    """A page that was built, in place of the real one."""
    folder = tmp_path / "ui_dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "assets" / "a.js").write_text("let long = 0;" * 200)
    monkeypatch.setattr(ui, "files", lambda _: tmp_path)
    return folder


def ask(page, method, path, **headers):
    """Status, headers and body of what the page's application sends."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
    }
    asyncio.run(page(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def api_behind(scope, receive, send):
    del scope, receive
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"api"})


def test_every_address_that_is_not_the_apis_is_the_page(built):
    page = SecurityHeaders(ui.UserInterface(api_behind, "/"))
    for path in ("/", "/runs", "/runs/0190-x", "/deployments", "/../../etc/passwd"):
        status, headers, body = ask(page, "GET", path, accept=BROWSER)
        assert (status, body) == (200, PAGE)
        assert headers[b"cache-control"] == b"no-cache"
        policy = headers[b"content-security-policy"]
        assert b"script-src 'self';" in policy
        assert b"unsafe" not in policy
        assert headers[b"x-content-type-options"] == b"nosniff"
    for path in ("/api/flow_runs", "/api", "/health", "/ready", "/openapi.json"):
        assert ask(page, "GET", path)[0] == 299
    assert ask(page, "POST", "/runs")[0] == 299


def test_who_asks_for_no_html_is_not_given_the_page_for_an_answer(built):
    page = ui.UserInterface(api_behind, "/")
    for path in ("/metrics", "/flows/x", "/runs", "/wp-login.php"):
        for headers in ({}, {"accept": "*/*"}, {"accept": "application/openmetrics-text"}):
            assert ask(page, "GET", path, **headers)[0] == 299
            assert ask(page, "HEAD", path, **headers)[0] == 299
    # A probe of the root still finds a server that is there.
    assert ask(page, "GET", "/")[::2] == (200, PAGE)


def test_a_path_without_a_route_is_404_and_says_where_the_api_is(api):
    reply = api.send("GET", "/metrics", key=None)
    assert (reply.status, reply.json["code"]) == (404, "not_found")
    assert reply.json["detail"] == "There is nothing at GET /metrics. The API is under /api."
    for method, path in (("GET", "/hello"), ("POST", "/flows/filter"), ("GET", "/deployments/1")):
        reply = api.send(method, path, {} if method == "POST" else None)
        assert reply.status == 404
        assert f"ask for /api{path}. RUNWRIGHT_API_URL must end with /api" in reply.json["detail"]
    reply = api.send("GET", "/api/metrics")
    assert reply.status == 404
    assert "/openapi.json lists the routes" in reply.json["detail"]


def test_assets_are_packed_and_kept_for_ever_and_absent_ones_are_404(built):
    page = ui.UserInterface(api_behind, "/")
    status, headers, body = ask(page, "GET", "/assets/a.js", accept_encoding="gzip, br")
    assert (status, headers[b"content-encoding"]) == (200, b"gzip")
    assert len(body) < 200
    assert b"immutable" in headers[b"cache-control"]
    assert headers[b"content-type"].startswith(b"text/javascript")
    assert b"content-encoding" not in ask(page, "GET", "/assets/a.js")[1]
    status, headers, body = ask(page, "HEAD", "/assets/a.js")
    assert (status, body, headers[b"content-length"]) == (200, b"", b"2600")
    assert ask(page, "GET", "/assets/gone.js")[0] == 404


@pytest.mark.parametrize("base", ["/tools/runwright", "tools/runwright/"])
def test_a_proxy_may_show_it_under_a_sub_path(built, base):
    body = ask(ui.UserInterface(api_behind, base), "GET", "/")[2]
    assert b'<base href="/tools/runwright/" />' in body


def test_without_a_built_page_it_says_how_to_build_it(monkeypatch, tmp_path):
    monkeypatch.setattr(ui, "files", lambda _: tmp_path)
    status, _, body = ask(ui.UserInterface(api_behind, "/"), "GET", "/runs", accept=BROWSER)
    assert status == 200
    assert b"make ui" in body


def test_a_browser_signs_in_with_a_persons_key_and_not_with_a_workers(api):
    person = api.make_key(scopes=["runs:read"])
    reply = api.send("POST", "/api/session", {"token": person}, key=None)
    assert reply.status == 201
    cookie = reply.headers["set-cookie"]
    assert "httponly" in cookie.lower()
    headers = {"cookie": cookie.partition(";")[0]}
    assert api.send("GET", "/api/hello", key=None, headers=headers).status == 200
    # The session may what the key may.
    assert api.send("GET", "/api/admin/settings", key=None, headers=headers).status == 403
    worker = api.make_key(kind="worker", scopes=["pools:poll"])
    assert api.send("POST", "/api/session", {"token": worker}, key=None).status == 401
    unknown = "rwk_user_000000000000_" + "x" * 43
    assert api.send("POST", "/api/session", {"token": unknown}, key=None).status == 401


def test_changes_need_a_session(api):
    assert api.send("GET", "/api/ui/changes", key=None).status == 401
