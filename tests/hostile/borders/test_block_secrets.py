"""What was secret stays secret, and is sent nowhere else, for who has no `blocks:secrets`."""

import json
from typing import Any

import pytest

SECRET = "correct-horse-battery"
OTHER = "second-horse-battery"
WRITER = ("blocks:read", "blocks:write")
FIELDS = {
    "title": "Hook",
    "type": "object",
    "block_type_slug": "hook",
    "secret_fields": ["password", "tokens.*", "login.*.key"],
}
DATA = {
    "url": "https://good.example",
    "password": SECRET,
    "tokens": [OTHER, None],
    "login": {"a": {"key": OTHER, "user": "u"}},
}


@pytest.fixture
def block(site_on_both):
    """The site, the key of somebody without `blocks:secrets`, and the path of a block."""
    site = site_on_both
    kind = site.ask("POST", "/block_types/", {"name": "Hook", "slug": "hook"})
    schema = site.ask("POST", "/block_schemas/", {"block_type_id": kind["id"], "fields": FIELDS})
    ids = {"block_type_id": kind["id"], "block_schema_id": schema["id"]}
    made = site.ask("POST", "/block_documents/", {"name": "b", "data": DATA, **ids})
    return site, site.make_key(*WRITER), f"/block_documents/{made['id']}", made


def whole(site, path):
    return site.ask("GET", f"{path}?include_secrets=true")["data"]


def seen(site, key, path):
    """All that the key is shown of the block, by every way."""
    shown = [site.send("GET", path, key=key)]
    shown += [
        site.send("POST", f"/block_documents/{what}", {"include_secrets": False}, key=key)
        for what in ("filter",)
    ]
    base = "/block_types/slug/hook/block_documents"
    shown += [site.send("GET", each, key=key) for each in (base, f"{base}/name/b")]
    assert {reply.status for reply in shown} == {200}
    return b"".join(reply.content for reply in shown).decode()


def schema_of(site, key, made, **fields):
    body = {
        "block_type_id": made["block_type_id"],
        "fields": {"title": "Plain", "type": "object", "block_type_slug": "hook", **fields},
    }
    reply = site.send("POST", "/block_schemas/", body, key=key)
    assert reply.status in (200, 201), reply.content
    return reply.json["id"]


def test_a_schema_without_secrets_shows_none(block):
    site, key, path, made = block
    for fields in ({}, {"secret_fields": []}, {"secret_fields": "url"}, {"secret_fields": [1]}):
        schema = schema_of(site, key, made, **fields)
        for merges in (True, False):
            hidden = site.send("GET", path, key=key).json["data"]
            change = {
                "block_schema_id": schema,
                "data": {} if merges else hidden,
                "merge_existing_data": merges,
            }
            assert site.send("PATCH", path, change, key=key).status == 204
        shown = seen(site, key, path)
        assert SECRET not in shown
        assert OTHER not in shown
    # Twice by the same way, and to another schema: still nothing.
    assert site.send("PATCH", path, {"data": {}}, key=key).status == 204
    assert SECRET not in seen(site, key, path)
    assert whole(site, path) == DATA
    # Who may read secrets may say that something is none.
    site.ask("PATCH", path, {"data": {}})
    assert SECRET in seen(site, key, path)


CHANGES: list[dict[str, Any]] = [
    {"url": "https://evil.example"},
    {"more": 1},
    {"url": None},
    {"login": {"a": {"key": "********", "user": "evil"}}},
    {"login": "********", "url": "https://evil.example"},
    {"password": SECRET},  # a right guess is no other answer than a wrong one
    {"password": "wrong"},
    {"url": "https://evil.example", "password": "new", "tokens": ["********", None]},
    {"headers": {"$ref": {"block_document_id": "00000000-0000-0000-0000-000000000001"}}},
]


def test_a_secret_is_not_kept_beside_a_change(block):
    site, key, path, _ = block
    hidden = site.send("GET", path, key=key).json["data"]
    for change in CHANGES:
        reply = site.send("PATCH", path, {"data": change}, key=key)
        assert reply.status == 403, change
        assert "blocks:secrets" in reply.json["detail"]
        replaced = {"data": hidden | change, "merge_existing_data": False}
        assert site.send("PATCH", path, replaced, key=key).status == 403, change
        assert whole(site, path) == DATA
    site.ask("PATCH", path, {"data": CHANGES[0]})
    assert whole(site, path) == DATA | CHANGES[0]


def test_who_gives_all_secrets_anew_may_change_everything(block):
    site, key, path, _ = block
    anew = {"url": "https://mine.example", "password": "mine"}
    reply = site.send("PATCH", path, {"data": anew, "merge_existing_data": False}, key=key)
    assert reply.status == 204
    assert whole(site, path) == anew
    assert "https://mine.example" in seen(site, key, path)


def test_a_hidden_item_of_a_list_that_has_another_length_is_not_guessed(block):
    site, _, path, _ = block
    reply = site.send("PATCH", path, {"data": {"tokens": ["********"]}})
    assert (reply.status, reply.json["code"]) == (422, "ambiguous_secret")
    site.ask("PATCH", path, {"data": {"tokens": ["********", "added"]}})
    assert whole(site, path)["tokens"] == [OTHER, "added"]


def test_a_block_that_names_another_shows_and_sends_nothing_of_it(block):
    """A custom webhook to an address of one's own, with somebody else's block in its body."""
    site, key, _, made = block
    kind = site.send(
        "POST", "/block_types/", {"name": "Custom", "slug": "custom-webhook"}, key=key
    ).json
    schema = {"block_type_id": kind["id"], "fields": {"block_type_slug": "custom-webhook"}}
    schema = site.send("POST", "/block_schemas/", schema, key=key).json
    data = {
        "url": "https://evil.example",
        "json_data": {"$ref": {"block_document_id": made["id"]}},
    }
    body = {
        "name": "evil",
        "data": data,
        "block_type_id": kind["id"],
        "block_schema_id": schema["id"],
    }
    evil = site.send("POST", "/block_documents/", body, key=key)
    assert evil.status == 201
    assert SECRET not in json.dumps(evil.json)
    shown = site.send("GET", f"/block_documents/{evil.json['id']}", key=key)
    assert shown.json["data"]["json_data"]["password"] == "********"
