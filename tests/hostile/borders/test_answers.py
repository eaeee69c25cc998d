"""What every answer carries, whoever asks for whatever; and text that a terminal would obey."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

from tests.hostile.borders.handshake import Websocket
from tests.hostile.conftest import now

ON_EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
ESC = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\r2026-01-01T00:00:00+00:00 | ERROR    | forged"


def check(headers, what):
    for name, value in ON_EVERY_ANSWER.items():
        assert headers.get(name) == value, (what, name)
    assert "frame-ancestors 'none'" in headers.get("content-security-policy", ""), what
    assert headers.get("cache-control"), what


def test_every_answer_tells_the_browser_what_not_to_do(site):
    asked = [
        ("GET", "/api/health"),
        ("GET", "/ready"),
        ("GET", "/openapi.json"),
        ("GET", "/"),
        ("GET", "/runs/anything"),
        ("GET", "/assets/missing.js"),
        ("POST", "/runs"),
        ("GET", "/api/no/such/route"),
        ("GET", "/api/%00"),
        ("PUT", "/api/health"),
        ("OPTIONS", "/api/keys"),
        ("POST", "/api/flow_runs/filter"),
        ("POST", "/api/flow_runs"),
        ("GET", "/api/hello"),
    ]
    with ThreadPoolExecutor(4) as several:
        answers = list(several.map(lambda each: ask(site.port, *each), asked))
    for what, (status, headers) in zip(asked, answers, strict=True):
        assert status < 500, what
        check(headers, what)
    execution = site.execution("p")
    path = f"/flow_runs/{execution.run}/logs/download"
    check({k.lower(): v for k, v in site.send("GET", path).headers.items()}, path)


def test_a_refused_websocket_says_it_too(site):
    for path in ("/api/no/such/stream", "/api/flows", "/api/events/%00"):
        with Websocket(site.port, path) as refused:
            assert refused.status in {403, 404}, path
            check(refused.headers, path)
    with Websocket(site.port, "/api/events/out") as opened:
        assert opened.status == 101


def ask(port, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, path, body=b"{}" if method == "POST" else None)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def test_a_log_that_is_downloaded_steers_no_terminal_and_forges_no_line(site):
    execution = site.execution("p")
    record = {"level": 20, "timestamp": now(), "flow_run_id": execution.run}
    lines = [
        {**record, "name": f"n{ESC}\nforged", "message": f"{ESC}\n{now()} | ERROR | forged"},
        {**record, "name": "n", "message": "\x1b[31mred\x1b[0m and plain, ü"},
    ]
    assert site.send("POST", "/logs", lines).status == 201
    text = site.send("GET", f"/flow_runs/{execution.run}/logs/download").content.decode()
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert "red and plain, ü\n" in text
    records = [line for line in text.splitlines() if not line.startswith("    ")]
    assert len(records) == len(lines)
    shown = site.cli("flow-run", "logs", execution.run, "-o", "json").stdout
    assert not [c for c in shown if not c.isprintable() and c != "\n"]
    assert "forged" in json.dumps(shown)
