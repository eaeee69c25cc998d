"""Artifacts: published, changed, found by their newest version."""

from uuid import uuid4


def publish(api, key, data, **more):
    body = {"key": key, "type": "markdown", "data": data, **more}
    return api.ok("POST", "/api/artifacts/", body)


def test_the_newest_of_a_key_is_its_latest_and_the_others_stay(api):
    publish(api, "report", "old", metadata_={"a": "b"})
    newest = publish(api, "report", "new")
    other = publish(api, "other", {"any": ["json"]}, type="table")
    publish(api, None, "nameless")

    latest = api.ok("GET", "/api/artifacts/report/latest")
    assert (latest["data"], latest["latest_id"]) == ("new", newest["id"])
    listed = api.ok("POST", "/api/artifacts/latest/filter", {"sort": "KEY_ASC"})
    assert [each["id"] for each in listed] == [other["id"], newest["id"]]
    of_type = {"artifacts": {"type": {"any_": ["table"]}}}
    assert api.ok("POST", "/api/artifacts/latest/count", of_type) == 1
    assert api.ok("POST", "/api/artifacts/count", {}) == 4
    assert api.ok("POST", "/api/artifacts/filter", {"artifacts": {"key": {"any_": ["report"]}}})

    assert api.send("DELETE", f"/api/artifacts/{newest['id']}").status == 204
    assert api.ok("GET", "/api/artifacts/report/latest")["data"] == "old"
    assert api.send("GET", "/api/artifacts/none/latest").status == 404


def test_an_artifact_is_changed_in_part(api):
    made = publish(api, "p", 0.5, description="half")
    path = f"/api/artifacts/{made['id']}"
    assert api.send("PATCH", path, {"data": 0.75}).status == 204
    assert (api.ok("GET", path)["data"], api.ok("GET", path)["description"]) == (0.75, "half")
    assert api.send("PATCH", path, {"description": None}).status == 204
    assert api.ok("GET", path)["description"] is None
    nobody = f"/api/artifacts/{uuid4()}"
    assert api.send("PATCH", nobody, {"data": 1}).status == 404
    assert api.send("DELETE", nobody).status == 404
