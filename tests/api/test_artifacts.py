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


NOW = "2026-11-01T10:00:00Z"


class Journal:
    """A run by hand that publishes."""

    def __init__(self, api):
        self.api, self.run = api, str(uuid4())
        self.head = {"flow_run_id": self.run, "timestamp": NOW}
        self.execution, self.next, self.token = str(uuid4()), 0, 0
        self.tell({"kind": "flow_run", "flow_name": "by hand", **self.head})

    def tell(self, *entries):
        body = {"token": self.token, "execution_id": self.execution, "first": self.next}
        path = f"/api/flow_runs/{self.run}/journal"
        told = self.api.ok("POST", path, {**body, "entries": list(entries)})
        self.next, self.token = told["next"], told["token"]

    def publish(self, id_, data, minute=0, **more):
        at = f"2026-11-01T10:{minute:02}:00Z"
        entry = {"kind": "artifact", "type": "progress", **self.head, "timestamp": at}
        return {**entry, "id": id_, "data": data, **more}


def test_a_progress_moves_on_and_nothing_else_does(api):
    journal, progress, text = Journal(api), str(uuid4()), str(uuid4())
    journal.tell(journal.publish(progress, 10.0, key="bar", description="loading"))
    # Twice in one batch, and once without what was said of it at first.
    journal.tell(journal.publish(progress, 20.0, 1), journal.publish(progress, 30.0, 2))
    found = api.ok("GET", f"/api/artifacts/{progress}")
    assert (found["data"], found["key"], found["description"]) == (30.0, "bar", "loading")
    assert found["created"] < found["updated"]
    assert api.ok("GET", "/api/artifacts/bar/latest")["data"] == 30.0

    journal.tell(journal.publish(progress, 5.0, 1))  # told late
    assert api.ok("GET", f"/api/artifacts/{progress}")["data"] == 30.0
    journal.tell(journal.publish(text, "# one", type="markdown"))
    journal.tell(journal.publish(text, "# two", 3, type="markdown"))
    assert api.ok("GET", f"/api/artifacts/{text}")["data"] == "# one"


def test_a_run_moves_no_progress_but_that_of_its_own_execution(api):
    owner, stranger, progress = Journal(api), Journal(api), str(uuid4())
    owner.tell(owner.publish(progress, 10.0))
    stranger.tell(stranger.publish(progress, 99.0, 5))
    assert api.ok("GET", f"/api/artifacts/{progress}")["data"] == 10.0

    inner = {"flow_run_id": str(uuid4()), "timestamp": NOW}
    owner.tell(
        {"kind": "flow_run", "flow_name": "inner", "parent_flow_run_id": owner.run, **inner},
        {**owner.publish(progress, 60.0, 6), "flow_run_id": inner["flow_run_id"]},
    )
    assert api.ok("GET", f"/api/artifacts/{progress}")["data"] == 60.0


def test_pages_are_told_when_a_progress_moves(api):
    journal, progress = Journal(api), str(uuid4())
    journal.tell(journal.publish(progress, 10.0))
    with api.wiring.storage.waker.watch(["artifacts"]) as watch:
        api.run(watch.wait(0))
        journal.tell(journal.publish(progress, 20.0, 1))
        assert api.run(watch.wait(5))
