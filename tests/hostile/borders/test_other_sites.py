"""What pages of other sites make a browser send, with the session's cookie or to sign it in."""

import base64
import http.client

import pytest
from tests.hostile.borders.handshake import Websocket

ALLOWED = "https://ops.example.com"


@pytest.fixture
def more_environment():
    return {"RUNWRIGHT_ALLOWED_ORIGINS": ALLOWED, "RUNWRIGHT_PUBLIC_URL": "https://rw.example.com"}


@pytest.fixture
def cookie(site):
    reply = site.send("POST", "/session", {"token": site.make_key()}, key=None)
    return reply.headers["set-cookie"].partition(";")[0]


def let_in(site, path="/api/events/out", token=None, **headers):
    with Websocket(site.port, path, **headers) as stream:
        return stream.auth(token)["type"] == "auth_success"


def test_a_websocket_with_a_cookie_is_taken_from_our_own_pages_alone(site, cookie):
    own = f"http://127.0.0.1:{site.port}"
    for origin in (own, ALLOWED, "https://rw.example.com"):
        assert let_in(site, Cookie=cookie, Origin=origin), origin
    foreign = (
        "http://127.0.0.1:1",
        f"http://localhost:{site.port}",
        "http://127.0.0.1",
        f"{own}.evil.example",
        f"http://user@127.0.0.1:{site.port}",
        "https://ops.example.com:8443",
        "http://ops.example.com",
        "null",
        "",
        "file://",
    )
    paths = ("/api/events/out", "/api/events/in", "/api/logs/out")
    for origin in foreign:
        assert not let_in(site, Cookie=cookie, Origin=origin), origin
    for path in (*paths, "/api/task_runs/subscriptions/scheduled"):
        assert not let_in(site, path, Cookie=cookie), path
        assert not let_in(site, path, Cookie=cookie, Origin=foreign[0]), path
    assert not let_in(site, Cookie=cookie, Origin=own, Sec_Fetch_Site="cross-site")


def test_keys_in_headers_and_first_frames_are_taken_whatever_the_origin(site):
    key = site.make_key("events:read")
    for headers in ({}, {"Origin": "http://evil.example"}):
        assert let_in(site, token=key, **headers)
        assert let_in(site, token=f"name:{key}", **headers)
        assert let_in(site, Authorization=f"Bearer {key}", **headers)
    # A password is sent by browsers themselves, as a cookie is.
    basic = "Basic " + base64.b64encode(f"x:{key}".encode()).decode()
    assert let_in(site, Authorization=basic)
    assert not let_in(site, Authorization=basic, Origin="http://evil.example")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/plain;application/json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_signs_no_browser_in(site, headers):
    reply = site.send("POST", "/session", {"token": site.make_key()}, key=None, headers=headers)
    assert reply.status == 403, reply.content
    assert "set-cookie" not in reply.headers


def test_another_site_changes_nothing_by_a_password_that_a_browser_remembers(site):
    basic = "Basic " + base64.b64encode(f"x:{site.make_key()}".encode()).decode()

    def make(name, **headers):
        sent = {"Authorization": basic, **headers}
        return site.send("POST", "/flows/", {"name": name}, key=None, headers=sent).status

    assert make("mine") == 201
    assert make("theirs", Origin="http://evil.example") == 403
    assert make("plain", Origin="http://evil.example", **{"Content-Type": "text/plain"}) == 403
    assert [each["name"] for each in site.ask("POST", "/flows/filter", {})] == ["mine"]


def test_a_sign_in_link_leads_to_the_configured_address_and_is_in_no_servers_log(site):
    for host in ("evil.example", f"127.0.0.1:{site.port}"):
        spoofed = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "http"}
        link = site.send("POST", "/sign_in_links", {}, headers=spoofed).json
        assert link["url"].startswith("https://rw.example.com/sign-in#token=rws_")
        assert "?" not in link["url"]
    assert site.cli("server", "sign-in").stdout.startswith("https://rw.example.com/sign-in#token=")


def test_our_own_page_signs_a_browser_out(site, cookie):
    headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{site.port}"}
    token = site.send("GET", "/csrf-token?client=x", key=None, headers=headers).json["token"]
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=15)
    for more, status in (({}, 403), ({"prefect-csrf-token": token}, 204), ({}, 401)):
        # As a page does: what has no body has no Content-Type either.
        connection.request("DELETE", "/api/session", headers=headers | more)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status, more
    connection.close()
