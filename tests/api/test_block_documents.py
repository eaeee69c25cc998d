"""Blocks: kept sealed, shown without their secrets, found by type and name."""

import pytest
from sqlalchemy import text

SECRET = "correct-horse-battery"
FIELDS = {
    "title": "Database",
    "type": "object",
    "properties": {"host": {"type": "string"}, "password": {"type": "string"}},
    "block_type_slug": "database",
    "secret_fields": ["password", "login.*.key"],
}


def registered(api, name="Database", slug="database", fields=FIELDS):
    """The type and the schema of blocks."""
    kind = api.ok("POST", "/api/block_types/", {"name": name, "slug": slug})
    body = {"block_type_id": kind["id"], "fields": fields | {"block_type_slug": slug}}
    return kind, api.ok("POST", "/api/block_schemas/", body)


def wanted(kind, schema, name="main", **more):
    data = {"host": "h", "password": SECRET, "login": {"a": {"key": SECRET, "user": "u"}}}
    return {
        "name": name,
        "block_type_id": kind["id"],
        "block_schema_id": schema["id"],
        "data": data,
        **more,
    }


@pytest.fixture
def block(api):
    kind, schema = registered(api)
    return api.ok("POST", "/api/block_documents/", wanted(kind, schema))


def test_a_block_is_shown_without_its_secrets_but_to_who_asks_for_them(api, block):
    hidden = {"host": "h", "password": "********", "login": {"a": {"key": "********", "user": "u"}}}
    whole = {"host": "h", "password": SECRET, "login": {"a": {"key": SECRET, "user": "u"}}}
    assert block["data"] == hidden
    assert (block["block_type"]["slug"], block["block_type_name"]) == ("database", "Database")
    by_id = f"/api/block_documents/{block['id']}"
    by_name = "/api/block_types/slug/database/block_documents/name/main"
    of_type = "/api/block_types/slug/database/block_documents"
    for path in (by_id, by_name):
        assert api.ok("GET", path)["data"] == hidden
        assert api.ok("GET", f"{path}?include_secrets=true")["data"] == whole
    assert [each["data"] for each in api.ok("GET", of_type)] == [hidden]
    found = api.ok("POST", "/api/block_documents/filter", {"include_secrets": True})
    assert [each["data"] for each in found] == [whole]

    reader = api.make_key(scopes={"blocks:read"})
    assert api.send("GET", by_name, key=reader).status == 200
    for method, path, body in (
        ("GET", f"{by_name}?include_secrets=true", None),
        ("GET", f"{by_id}?include_secrets=true", None),
        ("GET", f"{of_type}?include_secrets=true", None),
        ("POST", "/api/block_documents/filter", {"include_secrets": True}),
    ):
        assert api.send(method, path, body, key=reader).status == 403


def test_the_database_does_not_show_it(api, block):
    def rows(tx):
        return [list(row) for row in tx.execute(text("SELECT * FROM block_document")).all()]

    stored = repr(api.run(api.wiring.storage.read(rows)))
    assert block["name"] in stored
    assert SECRET not in stored


def test_changes_keep_what_comes_back_hidden(api, block):
    path = f"/api/block_documents/{block['id']}"
    api.ok("PATCH", path, {"data": {"host": "new", "password": "********"}})
    found = api.ok("GET", f"{path}?include_secrets=true")["data"]
    assert (found["host"], found["password"], "login" in found) == ("new", SECRET, True)
    api.ok("PATCH", path, {"data": {"password": "changed"}, "merge_existing_data": False})
    assert api.ok("GET", f"{path}?include_secrets=true")["data"] == {"password": "changed"}


def test_a_block_keeps_its_type(api, block):
    _, schema = registered(api, "Other", "other")
    path = f"/api/block_documents/{block['id']}"
    assert api.send("PATCH", path, {"block_schema_id": schema["id"]}).status == 422
    wrong = wanted({"id": block["block_type_id"]}, schema, "x")
    assert api.send("POST", "/api/block_documents/", wrong).status == 422
    newer = {"block_type_id": block["block_type_id"], "fields": FIELDS | {"title": "2"}}
    newer = api.ok("POST", "/api/block_schemas/", newer)
    api.ok("PATCH", path, {"block_schema_id": newer["id"], "data": {}})
    assert api.ok("GET", path)["block_schema_id"] == newer["id"]


def test_names_are_unique_in_a_type_and_anonymous_blocks_need_none(api, block):
    ids = {"id": block["block_type_id"]}, {"id": block["block_schema_id"]}
    assert api.send("POST", "/api/block_documents/", wanted(*ids)).status == 409
    for name in (None, "a/b"):
        assert api.send("POST", "/api/block_documents/", wanted(*ids, name)).status == 422
    made = api.ok("POST", "/api/block_documents/", wanted(*ids, None, is_anonymous=True))
    assert made["name"].startswith("anonymous-")

    def found(path, **more):
        return api.ok("POST", f"/api/block_documents/{path}", more)

    assert [each["name"] for each in found("filter")] == ["main"]
    assert found("count") == 1
    anonymous = {"is_anonymous": {"eq_": True}}
    assert [each["id"] for each in found("filter", block_documents=anonymous)] == [made["id"]]
    slug = {"block_types": {"slug": {"any_": ["other"]}}}
    assert found("filter", **slug, sort="BLOCK_TYPE_AND_NAME_ASC") == []


def test_blocks_in_blocks_are_shown_in_their_places(api, block):
    kind, schema = registered(api, "Outer", "outer", {"title": "Outer"})
    reference = {"$ref": {"block_document_id": block["id"]}}
    body = wanted(kind, schema, "outer", data={"inner": reference, "n": 1})
    outer = api.ok("POST", "/api/block_documents/", body)
    assert outer["data"]["inner"]["password"] == "********"
    about = outer["block_document_references"]["inner"]["block_document"]
    assert (about["id"], about["name"]) == (block["id"], "main")

    path = f"/api/block_documents/{outer['id']}"
    loop = {"data": {"inner": {"$ref": {"block_document_id": outer["id"]}}}}
    api.ok("PATCH", path, loop)
    assert api.ok("GET", path)["data"]["n"] == 1
    api.ok("DELETE", f"/api/block_documents/{block['id']}")
    api.ok("PATCH", path, {"data": {"inner": reference}})
    assert api.ok("GET", path)["data"]["inner"] == reference


def test_a_server_without_the_key_says_so_and_seals_nothing_under_another(api, block):
    vault = api.wiring.vault
    kept = vault.path.read_text()
    vault.path.unlink()
    ids = {"id": block["block_type_id"]}, {"id": block["block_schema_id"]}
    refused = api.send("POST", "/api/block_documents/", wanted(*ids, "second"))
    assert (refused.status, refused.json["code"]) == (409, "encryption_key_missing")
    lost = api.send("GET", f"/api/block_documents/{block['id']}")
    assert (lost.status, lost.json["code"]) == (500, "cannot_open_sealed")
    vault.path.write_text(kept)
    assert api.send("POST", "/api/block_documents/", wanted(*ids, "second")).status == 201


def test_what_is_not_there(api, block):
    path = f"/api/block_documents/{block['id']}"
    api.ok("DELETE", path)
    for method, body in (("GET", None), ("PATCH", {"data": {}}), ("DELETE", None)):
        assert api.send(method, path, body).status == 404
    assert api.send("GET", "/api/block_types/slug/none/block_documents").status == 404
    base = "/api/block_types/slug/database/block_documents"
    assert api.send("GET", f"{base}/name/main").status == 404
    ids = {"id": block["block_type_id"]}, {"id": block["id"]}
    assert api.send("POST", "/api/block_documents/", wanted(*ids)).status == 404
    api.ok("POST", "/api/block_types/install_system_block_types")
