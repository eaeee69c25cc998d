"""`/block_types`, `/block_schemas` and `/block_capabilities`."""

from uuid import uuid4

import pytest

from runwright.core.block_checksums import block_checksum

FIELDS = {
    "title": "Database",
    "type": "object",
    "properties": {"host": {"type": "string"}, "mode": {"$ref": "#/definitions/Mode"}},
    "definitions": {"Mode": {"enum": ["a", "b"], "type": "string"}},
    "block_type_slug": "database",
    "block_schema_references": {},
    "secret_fields": ["password"],
}


def new_type(api, name="Database", slug="database", **more):
    return api.ok("POST", "/api/block_types/", {"name": name, "slug": slug, **more})


def new_schema(api, kind, **more):
    body = {"block_type_id": kind["id"], "fields": FIELDS, "version": "1", **more}
    return api.send("POST", "/api/block_schemas/", body)


def test_a_type_is_registered_read_changed_and_deleted(api):
    made = new_type(api, description="d", logo_url="https://example.com/a.png")

    path = f"/api/block_types/{made['id']}"
    assert api.ok("GET", path) == made == api.ok("GET", "/api/block_types/slug/database")
    assert made["is_protected"] is False
    assert api.send("PATCH", path, {"description": "e", "code_example": None}).status == 204
    changed = api.ok("GET", path)
    assert (changed["description"], changed["logo_url"]) == ("e", made["logo_url"])
    schema = new_schema(api, made).json
    assert api.send("DELETE", path).status == 204
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert api.send(method, path, body).status == 404
    assert api.send("GET", "/api/block_types/slug/database").status == 404
    assert api.send("GET", f"/api/block_schemas/{schema['id']}").status == 404


def test_names_and_slugs_of_types_are_given_once_and_some_not_at_all(api):
    new_type(api)

    for name, slug in (("Database", "other"), ("Other", "database")):
        taken = api.send("POST", "/api/block_types/", {"name": name, "slug": slug})
        assert taken.status == 409
    for body, status in (
        ({"name": "Prefect Thing", "slug": "thing"}, 403),
        ({"name": "a/b", "slug": "ab"}, 422),
        ({"name": "Ab", "slug": "A b"}, 422),
    ):
        assert api.send("POST", "/api/block_types/", body).status == status


def test_a_schema_is_known_by_its_checksum_and_version(api):
    kind = new_type(api)
    first = new_schema(api, kind, capabilities=["read"])
    again = new_schema(api, kind)
    newer = new_schema(api, kind, version="2")

    assert (first.status, again.status, newer.status) == (201, 200, 201)
    assert first.json == again.json
    assert first.json["fields"] == FIELDS
    assert first.json["block_type"] == kind
    checksum = first.json["checksum"]
    assert checksum == newer.json["checksum"] == block_checksum(FIELDS)
    path = f"/api/block_schemas/checksum/{checksum}"
    assert api.ok("GET", path)["version"] == "2"
    assert api.ok("GET", f"{path}?version=1") == first.json
    assert api.send("GET", f"{path}?version=3").status == 404
    assert api.ok("GET", f"/api/block_schemas/{first.json['id']}") == first.json


def test_a_schema_needs_its_type_and_those_of_its_nested_blocks(api):
    assert new_schema(api, {"id": str(uuid4())}).status == 404
    kind = new_type(api)
    one = {"block_type_slug": "inner", "block_schema_checksum": "sha256:0"}
    for references in ({"x": one}, {"x": [one]}, {"x": 1}):
        fields = {**FIELDS, "block_schema_references": references}
        assert new_schema(api, kind, fields=fields).status == 409
    new_type(api, "Inner", "inner")
    fields = {**FIELDS, "block_schema_references": {"x": one}}
    made = new_schema(api, kind, fields=fields)
    assert (made.status, made.json["fields"]["block_schema_references"]) == (201, {"x": one})


def test_a_checksum_does_not_depend_on_order_secrets_or_nested_blocks():
    turned = dict(reversed(FIELDS.items())) | {"secret_fields": []}
    nested = {**FIELDS["definitions"], "Inner": {"block_type_slug": "inner", "type": "object"}}
    assert block_checksum(turned) == block_checksum(FIELDS)
    assert block_checksum(FIELDS | {"definitions": nested}) == block_checksum(FIELDS)
    assert block_checksum(FIELDS | {"title": "Other"}) != block_checksum(FIELDS)


def test_types_schemas_and_capabilities_are_filtered(api):
    kind, other = new_type(api), new_type(api, "Alpha", "alpha")
    schema = new_schema(api, kind, capabilities=["write", "read"]).json
    later = new_schema(api, other, fields={"title": "Alpha"}, capabilities=["read"]).json

    def slugs(body):
        return [found["slug"] for found in api.ok("POST", "/api/block_types/filter", body)]

    def ids(body):
        return [found["id"] for found in api.ok("POST", "/api/block_schemas/filter", body)]

    assert slugs({}) == ["alpha", "database"]
    assert slugs({"limit": 1, "offset": 1}) == ["database"]
    assert slugs({"block_types": {"name": {"like_": "ALPH"}}}) == ["alpha"]
    assert slugs({"block_types": {"slug": {"any_": ["database"]}}}) == ["database"]
    can_write = {"block_schemas": {"block_capabilities": {"all_": ["write", "read"]}}}
    assert slugs(can_write) == ["database"]
    assert ids(can_write) == [schema["id"]]
    assert ids({}) == [later["id"], schema["id"]]
    assert ids({"block_schemas": {"block_type_id": {"any_": [other["id"]]}}}) == [later["id"]]
    assert ids({"block_schemas": {"version": {"any_": ["9"]}}}) == []
    assert api.ok("GET", "/api/block_capabilities/") == ["read", "write"]
    assert api.send("DELETE", f"/api/block_schemas/{schema['id']}").status == 204
    assert api.send("DELETE", f"/api/block_schemas/{schema['id']}").status == 404
    assert api.ok("GET", "/api/block_capabilities/") == ["read"]


@pytest.mark.parametrize("scope", ["blocks:read", "blocks:write"])
def test_reading_and_writing_are_two_scopes(api, scope):
    key = api.make_key(scopes=[scope])
    body = {"name": "Database", "slug": "database"}
    made = api.send("POST", "/api/block_types/", body, key=key)
    read = api.send("POST", "/api/block_types/filter", {}, key=key)
    wanted = (403, 200) if scope == "blocks:read" else (201, 403)
    assert (made.status, read.status) == wanted
