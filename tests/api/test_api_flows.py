"""Flows, health, and what clients probe first."""

from uuid import uuid4


def test_health_needs_no_key_and_versions_do(api):
    assert api.send("GET", "/api/health", key=None).json is True
    assert api.send("GET", "/health", key=None).json is True
    assert api.send("GET", "/ready", key=None).status == 200
    assert api.send("GET", "/api/admin/version", key=None).status == 401
    assert api.ok("GET", "/api/admin/version") == "3.8.8"


def test_clients_with_a_key_are_told_that_csrf_is_off(api):
    reply = api.send("GET", "/api/csrf-token?client=abc")
    assert reply.status == 422
    assert "CSRF protection is disabled" in reply.content.decode()


def test_a_flow_is_made_once(api):
    first = api.send("POST", "/api/flows/", {"name": "etl", "tags": ["a", "b"]})
    again = api.send("POST", "/api/flows/", {"name": "etl"})

    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]
    flow_id = first.json["id"]
    assert api.ok("GET", f"/api/flows/{flow_id}")["tags"] == ["a", "b"]
    assert api.ok("GET", "/api/flows/name/etl")["id"] == flow_id
    assert api.send("PATCH", f"/api/flows/{flow_id}", {"tags": ["c"]}).status == 204
    assert api.ok("POST", "/api/flows/filter", {"flows": {"tags": {"all_": ["c"]}}}) != []
    assert api.ok("POST", "/api/flows/filter", {"flows": {"tags": {"all_": ["a"]}}}) == []
    assert api.send("DELETE", f"/api/flows/{flow_id}").status == 204
    assert api.send("GET", f"/api/flows/{flow_id}").status == 404
    assert api.send("DELETE", f"/api/flows/{uuid4()}").json["code"] == "not_found"


def test_flows_are_filtered_sorted_counted_and_paged(api):
    for name in ("beta", "alpha", "gamma_1", "gammax2"):
        api.ok("POST", "/api/flows/", {"name": name})

    names = [f["name"] for f in api.ok("POST", "/api/flows/filter", {"sort": "NAME_DESC"})]
    assert names == sorted(names, reverse=True)
    like = {"flows": {"name": {"like_": "GAMMA_"}}}
    assert [f["name"] for f in api.ok("POST", "/api/flows/filter", like)] == ["gamma_1"]
    both = {"flows": {"operator": "or_", "name": {"any_": ["beta"]}, "id": {"any_": []}}}
    assert api.ok("POST", "/api/flows/count", both) == 1
    page = api.ok("POST", "/api/flows/paginate", {"limit": 3, "page": 2})
    assert (page["count"], page["pages"], page["page"], len(page["results"])) == (4, 2, 2, 1)
    assert len(api.ok("POST", "/api/flows/bulk_delete", like)["deleted"]) == 1


def test_the_interface_describes_itself(api):
    document = api.send("GET", "/openapi.json", key=None).json
    assert document["openapi"].startswith("3.1")
    assert "/api/flows/{flow_id}" in document["paths"]


def test_a_flow_whose_name_no_address_can_hold_is_refused(api):
    for name in ("team/etl", "100%", "a&b", "<x>", ""):
        assert api.send("POST", "/api/flows/", {"name": name}).status == 422, name
