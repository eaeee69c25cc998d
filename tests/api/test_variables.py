"""`/variables`."""

from uuid import uuid4

import pytest

VALUES = ["text", "", 7, 1.5, True, None, {"a": [1, {"b": None}]}, [1, "x"], {}, []]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_any_json_and_comes_back_as_it_was(api, value):
    made = api.send("POST", "/api/variables/", {"name": "a_b-1", "value": value, "tags": ["x"]})

    assert made.status == 201
    assert made.json["value"] == value
    read = api.ok("GET", "/api/variables/name/a_b-1")
    assert (read["value"], type(read["value"]), read["tags"]) == (value, type(value), ["x"])
    assert api.ok("GET", f"/api/variables/{made.json['id']}") == read
    assert api.ok("POST", "/api/variables/filter", {}) == [read]


def test_a_name_is_given_once(api):
    first = api.ok("POST", "/api/variables/", {"name": "a", "value": 1})
    api.ok("POST", "/api/variables/", {"name": "b", "value": 2})

    for taken in (
        api.send("POST", "/api/variables/", {"name": "a", "value": 3}),
        api.send("PATCH", "/api/variables/name/b", {"name": "a"}),
    ):
        assert taken.status == 409
        assert "'a'" in taken.json["detail"]
    assert api.send("PATCH", f"/api/variables/{first['id']}", {"name": "a"}).status == 204
    assert api.ok("GET", "/api/variables/name/a")["value"] == 1
    assert api.ok("GET", "/api/variables/name/b")["value"] == 2


def test_a_change_leaves_what_it_does_not_name(api):
    made = api.ok("POST", "/api/variables/", {"name": "a", "value": 1, "tags": ["x"]})

    assert api.send("PATCH", f"/api/variables/{made['id']}", {"value": None}).status == 204
    assert api.ok("GET", "/api/variables/name/a")["value"] is None
    assert api.send("PATCH", "/api/variables/name/a", {"tags": ["y"], "name": "c"}).status == 204
    read = api.ok("GET", "/api/variables/name/c")
    assert (read["id"], read["value"], read["tags"]) == (made["id"], None, ["y"])


@pytest.mark.parametrize("known_by", ["id", "name"])
def test_what_is_deleted_is_gone(api, known_by):
    made = api.ok("POST", "/api/variables/", {"name": "a", "value": 1})
    path = f"/api/variables/{made['id']}" if known_by == "id" else "/api/variables/name/a"

    assert api.send("DELETE", path).status == 204
    for method, body in (("GET", None), ("PATCH", {"value": 1}), ("DELETE", None)):
        assert api.send(method, path, body).status == 404
    assert api.send("GET", f"/api/variables/{uuid4()}").json["code"] == "not_found"


def test_variables_are_filtered_sorted_and_counted(api):
    for name, tags in (("beta", ["x"]), ("alpha", ["x", "y"]), ("gamma", [])):
        api.ok("POST", "/api/variables/", {"name": name, "value": 1, "tags": tags})

    def names(body):
        return [found["name"] for found in api.ok("POST", "/api/variables/filter", body)]

    assert names({}) == ["alpha", "beta", "gamma"]
    assert names({"sort": "NAME_DESC", "limit": 1, "offset": 1}) == ["beta"]
    assert names({"variables": {"tags": {"all_": ["x", "y"]}}}) == ["alpha"]
    assert names({"variables": {"tags": {"is_null_": True}}}) == ["gamma"]
    assert names({"variables": {"name": {"like_": "ET"}}}) == ["beta"]
    assert api.ok("POST", "/api/variables/count", {}) == 3
    some = {"variables": {"name": {"any_": ["alpha", "nobody"]}}}
    assert api.ok("POST", "/api/variables/count", some) == 1
    assert api.send("POST", "/api/variables/filter", {"sort": "SIZE"}).status == 422


@pytest.mark.parametrize(
    "body",
    [
        {"name": "A B", "value": 1},
        {"name": "x" * 256, "value": 1},
        {"name": "a"},
        {"name": "a", "value": "x" * 5000},
    ],
    ids=["name", "long name", "no value", "large value"],
)
def test_what_the_peer_refuses_is_refused(api, body):
    assert api.send("POST", "/api/variables/", body).status == 422
    assert api.ok("POST", "/api/variables/count", {}) == 0


def test_reading_and_writing_are_two_scopes(api):
    reader = api.make_key(scopes=["variables:read"])
    writer = api.make_key(scopes=["variables:write"])

    assert api.send("POST", "/api/variables/", {"name": "a", "value": 1}, key=reader).status == 403
    assert api.send("POST", "/api/variables/", {"name": "a", "value": 1}, key=writer).status == 201
    assert api.send("GET", "/api/variables/name/a", key=reader).status == 200
    assert api.send("GET", "/api/variables/name/a", key=writer).status == 403
