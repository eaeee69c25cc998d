"""What is too large or too small is refused by name, and what is large is sent in pieces."""

import base64
import json

import pytest

from runwright.api.limits import MAX_GATHERED, MAX_LOG_MESSAGE, MAX_SHOWN_LINE, MAX_TEMPLATE


def test_a_span_that_events_cannot_be_counted_by_is_refused(api):
    for interval in (1e-7, 0, -1, 1e300, 1e17):
        body = {"time_interval": interval, "time_unit": "second"}
        reply = api.send("POST", "/api/events/count-by/time", body)
        assert (reply.status, "span" in reply.json["detail"]) == (422, True), interval


def event(number, payload):
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "occurred": f"2026-11-01T10:00:{number:02}Z",
        "event": "sizes.tried",
        "resource": {"prefect.resource.id": "sizes"},
        "payload": payload,
    }


def test_a_page_token_goes_no_further_than_a_request(api):
    api.ok("POST", "/api/events/", [event(number, {}) for number in range(3)])
    page = api.ok("POST", "/api/events/filter", {"limit": 1})
    token = page["next_page"].partition("page-token=")[2]
    ours = json.loads(base64.urlsafe_b64decode(token))
    assert api.send("GET", f"/api/events/filter/next?page-token={token}").status == 200
    for changed in ({"offset": -5}, {"limit": 51}, {"limit": -1}, {"offset": 2**70}):
        text = base64.urlsafe_b64encode(json.dumps(ours | changed).encode()).decode()
        reply = api.send("GET", f"/api/events/filter/next?page-token={text}")
        assert reply.status == 422, changed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_page_of_large_events_is_short_and_the_next_one_goes_on(api):
    large = {"x": "y" * (MAX_GATHERED // 3)}
    for number in range(7):
        api.ok("POST", "/api/events/", [event(number, large)])
    wanted = {"filter": {"event": {"name": ["sizes.tried"]}}}
    page = api.ok("POST", "/api/events/filter", wanted)
    ids = []
    while True:
        assert len(page["events"]) <= 4
        ids += [each["id"] for each in page["events"]]
        if page["next_page"] is None:
            break
        page = api.ok("GET", "/api/" + page["next_page"].partition("/api/")[2])
    assert len(ids) == len(set(ids)) == 7


@pytest.mark.parametrize(
    "text", ["{{ " + "(" * 5000, "{{ " + "1" * 5000 + " }}", "{{ x", "{% for %}"]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_template_is_answered_whatever_it_is(api, text):
    reply = api.send("POST", "/api/templates/validate", text)
    assert reply.status == 422
    assert "line" in reply.json["error"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_template_that_is_too_long_is_refused_by_its_length(api):
    assert api.send("POST", "/api/templates/validate", "{{a}}" * (MAX_TEMPLATE // 5)).status == 204
    reply = api.send("POST", "/api/templates/validate", "{{a}}" * MAX_TEMPLATE)
    assert reply.status == 422
    assert f"{MAX_TEMPLATE:,}" in reply.json["detail"]


def test_a_long_line_is_cut_where_it_is_listed_and_whole_in_the_download(api):
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    run = api.ok("POST", "/api/flow_runs/", {"flow_id": flow})["id"]
    lengths = [10, MAX_SHOWN_LINE, MAX_SHOWN_LINE + 1, MAX_LOG_MESSAGE, MAX_LOG_MESSAGE + 5, 10]
    records = [
        {
            "name": "n",
            "level": 20,
            "message": "x" * length,
            "timestamp": f"2026-01-01T00:00:0{number}Z",
            "flow_run_id": run,
        }
        for number, length in enumerate(lengths)
    ]
    assert api.send("POST", "/api/logs/", records).status == 201
    shown = api.ok("POST", "/api/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})
    assert [len(each["message"].partition("... (cut")[0]) for each in shown] == [
        min(length, MAX_SHOWN_LINE) for length in lengths
    ]
    assert f"{MAX_LOG_MESSAGE:,}" in shown[3]["message"]
    text = api.send("GET", f"/api/flow_runs/{run}/logs/download").content.decode()
    kept = [line.partition(" - ")[2] for line in text.splitlines()]
    assert [len(each.partition("... (cut")[0]) for each in kept] == [
        min(length, MAX_LOG_MESSAGE) for length in lengths
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_too_large_in_bytes_is_refused_by_its_field(api):
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"flow_id": flow, "parameters": {"x": "y" * 512 * 1024}}
    assert api.send("POST", "/api/flow_runs/", body).status == 201
    body["parameters"] = {"x": "y" * 1024 * 1024}
    for path in ("/api/flow_runs/", "/api/variables/"):
        sent = body if "flow_runs" in path else {"name": "v", "value": body["parameters"]}
        reply = api.send("POST", path, sent)
        assert reply.status == 422, reply.content
        field = "parameters" if "flow_runs" in path else "value"
        assert reply.json["detail"].startswith(f"{field} is too large")
