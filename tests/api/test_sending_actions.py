"""What automations send: webhooks and notifications, with their keys, limits and failures."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import update
from tests.api.acting import act, automation, block, event, outcomes, sink, tell

from runwright.storage.tables import automation_action


@pytest.fixture
def more_settings():
    return {"RUNWRIGHT_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}


@pytest.fixture
def receiver():
    with sink() as it:
        yield it


def retry_now(api):
    """What waits for its next try is due."""
    now = api.wiring.clock.now()

    def use_case(tx):
        pending = automation_action.c.status == "pending"
        tx.execute(update(automation_action).where(pending).values(due_at=now))

    api.run(api.wiring.storage.write(use_case))


def call(block_id, payload):
    return {"type": "call-webhook", "block_document_id": block_id, "payload": payload}


def notify(block_id, subject="About {{ event.event }}", body="{{ labels['name'] }}"):
    return {
        "type": "send-notification",
        "block_document_id": block_id,
        "subject": subject,
        "body": body,
    }


def test_a_webhook_is_called_with_what_the_template_says_and_a_key(api, receiver):
    data = {"url": f"{receiver.url}/hook", "headers": {"X-Token": "t"}}
    payload = {"what": ["{{ event.event }}"], "by": "{{ automation.name }}"}
    made = automation(api, call(block(api, "webhook", data), payload), name='a "quoted" name')
    tell(api, event(), event())
    act(api)
    assert outcomes(api, made) == [("executed", None, {"status": 200})] * 2
    keys = set()
    for path, headers, body in receiver.received:
        assert (path, headers["X-Token"]) == ("/hook", "t")
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body) == {"what": ["thing.happened"], "by": 'a "quoted" name'}
        keys.add(headers["Idempotency-Key"])
    assert len(keys) == 2


def test_notifications_by_each_kind_of_block(api, receiver):
    port = int(receiver.url.rpartition(":")[2])
    blocks = {
        "slack-webhook": {"url": receiver.url},
        "ms-teams-webhook": {"url": receiver.url},
        "mattermost-webhook": {
            "hostname": "127.0.0.1",
            "port": port,
            "token": "t",
            "secure": False,
        },
        "webhook": {"url": receiver.url, "method": "PUT"},
        "custom-webhook": {
            "name": "mine",
            "url": receiver.url + "/{{token}}",
            "params": {"s": "{{subject}}"},
            "json_data": {"text": ["{{name}}: {{body}}"]},
            "headers": {"X": "{{token}}"},
            "cookies": {"c": "1"},
            "secrets": {"token": "s3"},
        },
    }
    for slug, data in blocks.items():
        automation(api, notify(block(api, slug, data)), name=slug)
    tell(api, event(labels={"name": "Ada"}))
    act(api)
    assert len(receiver.received) == 5
    sent = {path: json.loads(body) for path, _, body in receiver.received if path != "/"}
    assert sent["/hooks/t"] == {"text": "**About thing.happened**\nAda"}
    assert sent["/s3?s=About+thing.happened"] == {"text": ["mine: Ada"]}
    bodies = [json.loads(body) for path, _, body in receiver.received if path == "/"]
    assert {"text": "*About thing.happened*\nAda"} in bodies
    assert {"subject": "About thing.happened", "body": "Ada"} in bodies


def test_one_that_does_not_answer_is_tried_five_times_with_one_key_and_is_dead(api, receiver):
    receiver.status = 503
    made = automation(api, call(block(api, "webhook", {"url": receiver.url}), "x"))
    tell(api, event())
    act(api)
    for tries in range(1, 5):
        (found,) = outcomes(api, made)
        assert found[:2] == ("pending", "It was answered with status 503.")
        assert len(receiver.received) == tries
        act(api)  # not before it is due
        assert len(receiver.received) == tries
        retry_now(api)
        act(api)
    assert outcomes(api, made) == [("dead", "It was answered with status 503.", None)]
    assert len({headers["Idempotency-Key"] for _, headers, _ in receiver.received}) == 1
    assert len(receiver.received) == 5
    retry_now(api)
    act(api)
    assert len(receiver.received) == 5


FOR_EVER = "{% for a in 'x' * 9999 %}" * 4 + "{% endfor %}" * 4


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ 'a' * 10 ** 10 }}", "memory"),
        ("{{ 'a' * 100000 }}", "longer than"),
        (FOR_EVER, "too long"),
        ("{{ event.payload | nothing }}", "nothing"),
    ],
)  # fmt: skip
def test_a_template_that_raises_or_computes_for_ever_stops_nothing(api, receiver, body, why):
    hook = block(api, "webhook", {"url": receiver.url})
    made = automation(api, call(hook, body), {"type": "do-nothing"}, call(hook, "fine"))
    tell(api, event())
    act(api)
    found = outcomes(api, made)
    assert [status for status, *_ in found] == ["failed", "executed", "executed"]
    assert why in found[0][1]
    assert len(receiver.received) == 1


def test_large_and_strange_payloads_go_through(api, receiver):
    hook = block(api, "webhook", {"url": receiver.url})
    made = automation(api, call(hook, "{{ event.payload.text }}"))
    strange = "\u202e\ud83d\ude00 \uffff '\"{{ 7 * 7 }}"
    tell(api, event(payload={"text": "x" * 1_000_000}), event(payload={"text": strange}))
    act(api)
    assert [status for status, *_ in outcomes(api, made)] == ["executed"] * 2
    assert b"{{ 7 * 7 }}" in b"".join(body for *_, body in receiver.received)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"url": "http://169.254.169.254/latest"}, "not a public address"),
        ({"url": "http://10.0.0.1/"}, "not a public address"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "not a public address"),
        ({"url": "http://2130706433/"}, "cannot be used"),
        ({"url": "file:///etc/passwd"}, "Only http"),
        ({"url": ""}, "no url"),
    ],
)
def test_where_it_may_not_be_sent(api, data, why):
    made = automation(api, call(block(api, "webhook", data), ""))
    tell(api, event())
    act(api)
    ((status, error, _),) = outcomes(api, made)
    assert status == "failed"
    assert why in error


def test_a_header_cannot_bring_another(api, receiver):
    data = {"url": receiver.url, "headers": {"X": "a\r\nY: b"}}
    made = automation(api, call(block(api, "webhook", data), ""))
    tell(api, event())
    act(api)
    assert outcomes(api, made)[0][0] == "failed"
    assert receiver.received == []


def test_redirects_are_not_followed_and_refusals_are_final(api, receiver):
    hook = block(api, "webhook", {"url": receiver.url})
    made = automation(api, call(hook, ""))
    for status in (302, 404):
        receiver.status = status
        tell(api, event())
        act(api)
    found = outcomes(api, made)
    assert [status for status, *_ in found] == ["failed", "failed"]
    assert "404" in found[0][1]
    assert "not followed" in found[1][1]


def test_a_block_that_cannot_send_or_is_not_there(api):
    database = block(api, "database", {"host": "h"})
    made = automation(api, notify(database), call(database, ""), notify(str(uuid4())))
    tell(api, event())
    act(api)
    one, two, three = outcomes(api, made)
    assert one[0] == two[0] == three[0] == "failed"
    assert "slack-webhook" in one[1]
    assert "'database'" in two[1]
    assert "There is no block" in three[1]


def test_a_block_in_a_webhook_is_not_opened_for_it(api, receiver):
    """Who makes a block may name any other: its secrets would be sent where they like."""
    secret = block(api, "database", {"password": "correct-horse"}, name="theirs")
    data = {"url": receiver.url, "json_data": {"$ref": {"block_document_id": secret}}}
    mine = block(api, "custom-webhook", data)
    automation(api, notify(mine, "s", "b"))
    tell(api, event(labels={"name": "Ada"}))
    act(api)
    ((_, _, body),) = receiver.received
    assert json.loads(body) == {"$ref": {"block_document_id": secret}}
