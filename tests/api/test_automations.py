"""Automations are checked, kept, found and owned; the messages in them are templates."""

from uuid import uuid4

import pytest

TRIGGER = {
    "type": "event",
    "match": {"prefect.resource.id": "prefect.flow-run.*"},
    "match_related": {"prefect.resource.id": ["prefect.deployment.1"]},
    "expect": ["prefect.flow-run.Failed"],
    "posture": "Reactive",
    "within": "PT30S",
}


def wanted(**more):
    return {"name": "a", "trigger": TRIGGER, "actions": [{"type": "cancel-flow-run"}], **more}


def create(api, **more):
    return api.ok("POST", "/api/automations/", wanted(**more))


def names(api, **query):
    return [each["name"] for each in api.ok("POST", "/api/automations/filter", query)]


def test_an_automation_is_kept_changed_disabled_and_deleted(api):
    made = create(api, tags=["t"], description="d")
    path = f"/api/automations/{made['id']}"
    assert api.ok("GET", path) == made
    assert (made["enabled"], made["trigger"]["within"], made["actions_on_resolve"]) == (
        True,
        30,
        [],
    )
    assert made["trigger"]["threshold"] == 1
    assert made["trigger"]["id"]

    api.ok("PATCH", path, {"enabled": False})
    assert api.ok("GET", path)["enabled"] is False
    api.ok("PUT", path, wanted(name="b", actions=[{"type": "do-nothing"}]))
    changed = api.ok("GET", path)
    assert (changed["name"], changed["tags"], changed["actions"]) == (
        "b",
        [],
        [{"type": "do-nothing"}],
    )
    api.ok("DELETE", path)
    for method, body in (("GET", None), ("PUT", wanted()), ("PATCH", {}), ("DELETE", None)):
        assert api.send(method, path, body).status == 404


def test_the_same_automation_put_again_changes_nothing(api):
    within = {"type": "sequence", "within": 60, "triggers": [TRIGGER, TRIGGER]}
    for trigger in (TRIGGER, within):
        made = create(api, trigger=trigger)
        path = f"/api/automations/{made['id']}"
        api.ok("PUT", path, wanted(trigger=trigger))
        assert api.ok("GET", path) == made
        for change in (
            {"description": "d"},
            {"enabled": False},
            {"tags": ["t"]},
            {"trigger": within | {"within": 61}},
            {"trigger": within | {"triggers": [TRIGGER, TRIGGER | {"threshold": 2}]}},
            {"actions": [{"type": "do-nothing"}]},
            {"actions_on_resolve": [{"type": "do-nothing"}]},
        ):
            before = api.ok("GET", path)
            api.ok("PUT", path, wanted(trigger=trigger) | change)
            after = api.ok("GET", path)
            assert after["updated"] > before["updated"], change


def test_keys_that_are_not_known_are_refused_wherever_they_are(api):
    action = {"type": "change-flow-run-state", "state": "FAILED", "mesage": "m"}
    inner = {"type": "compound", "require": 1, "triggers": [TRIGGER | {"treshold": 2}]}
    for more, key in (
        ({"trigger": TRIGGER | {"treshold": 2}}, "treshold"),
        ({"trigger": inner}, "treshold"),
        ({"actions": [action]}, "mesage"),
        ({"actions_on_trigger": [action]}, "mesage"),
        ({"enabeld": False}, "enabeld"),
    ):
        reply = api.send("POST", "/api/automations/", wanted(**more))
        assert (reply.status, key in reply.json["detail"]) == (422, True), reply.json


def test_automations_are_found_by_what_they_are_and_what_they_are_about(api):
    deployment = str(uuid4())
    run = {"type": "run-deployment", "deployment_id": deployment}
    create(api, name="runs it", actions=[run], tags=["x"])
    owner = f"prefect.deployment.{deployment}"
    create(api, name="owned by it", owner_resource=owner)
    assert names(api) == ["owned by it", "runs it"]
    assert names(api, automations={"name": {"any_": ["runs it"]}}) == ["runs it"]
    assert names(api, automations={"tags": {"all_": ["x"]}}, sort="CREATED_DESC") == ["runs it"]
    assert api.ok("POST", "/api/automations/count", {}) == 2

    def related(resource):
        return [each["name"] for each in api.ok("GET", f"/api/automations/related-to/{resource}")]

    assert related(owner) == ["owned by it", "runs it"]
    assert related("prefect.deployment.1") == ["owned by it", "runs it"]
    assert related("prefect.deployment.2") == []
    assert api.send("DELETE", f"/api/automations/owned-by/{owner}").status == 202
    assert names(api) == ["runs it"]


def test_triggers_of_several(api):
    inner = {key: value for key, value in TRIGGER.items() if key != "type"}
    compound = {"type": "compound", "require": "all", "within": 60, "triggers": [TRIGGER, inner]}
    sequence = {"type": "sequence", "within": None, "triggers": [compound, TRIGGER]}
    kept = create(api, trigger=sequence)["trigger"]
    assert [each["type"] for each in kept["triggers"]] == ["compound", "event"]
    assert all(each["id"] for each in kept["triggers"][0]["triggers"])
    proactive = create(api, trigger=TRIGGER | {"posture": "Proactive", "within": 0})
    assert proactive["trigger"]["within"] == 10


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"trigger": {}}, "posture"),
        ({"trigger": TRIGGER | {"type": "other"}}, "other"),
        ({"trigger": TRIGGER | {"posture": "Proactive", "within": 5}}, "10 seconds"),
        ({"trigger": TRIGGER | {"within": -1}}, "less than 0"),
        ({"trigger": TRIGGER | {"within": "soon"}}, "duration"),
        ({"trigger": {"type": "sequence", "within": 1, "triggers": []}}, "length"),
        (
            {"trigger": {"type": "compound", "within": 1, "require": 2, "triggers": [TRIGGER]}},
            "require",
        ),
        ({"actions": [{"type": "explode"}]}, "explode"),
        ({"actions": [{"type": "run-deployment"}]}, "which one"),
        (
            {
                "actions": [
                    {
                        "type": "pause-deployment",
                        "source": "inferred",
                        "deployment_id": str(uuid4()),
                    }
                ]
            },
            "leave out one",
        ),
        (
            {
                "actions": [
                    {
                        "type": "send-notification",
                        "block_document_id": str(uuid4()),
                        "body": "{{ flow_run.name ",
                    }
                ]
            },
            "line 1",
        ),
        ({"name": ""}, "length"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(api, more, why):
    refused = api.send("POST", "/api/automations/", wanted(**more))
    assert refused.status == 422
    assert why in refused.json["detail"]


def test_templates_are_checked(api):
    for path in ("/api/templates/validate", "/api/automations/templates/validate"):
        assert api.send("POST", path, "a {{ b.c }} {% if d %}e{% endif %}").status == 204
        refused = api.send("POST", path, "one\n{% if %}")
        assert (refused.status, refused.json["error"]["line"]) == (422, 2)


def test_searches_are_kept_by_name(api):
    search = {"object": "flow_run", "property": "name", "type": "s", "operation": "=", "value": [1]}
    first = api.send("PUT", "/api/saved_searches/", {"name": "mine", "filters": [search]})
    assert (first.status, first.json["filters"]) == (201, [search])
    second = api.send("PUT", "/api/saved_searches/", {"name": "mine"})
    assert (second.status, second.json["id"], second.json["filters"]) == (200, first.json["id"], [])
    path = f"/api/saved_searches/{first.json['id']}"
    assert api.ok("GET", path)["name"] == "mine"
    assert len(api.ok("POST", "/api/saved_searches/filter", {"limit": 5})) == 1
    api.ok("DELETE", path)
    for method in ("GET", "DELETE"):
        assert api.send(method, path).status == 404


def test_where_results_go_is_set_for_all(api):
    assert api.ok("GET", "/api/admin/storage") == {"default_result_storage_block_id": None}
    unknown = {"default_result_storage_block_id": str(uuid4())}
    assert api.send("PUT", "/api/admin/storage", unknown).status == 404
    kind = api.ok("POST", "/api/block_types/", {"name": "Files", "slug": "files"})
    schema = api.ok("POST", "/api/block_schemas/", {"block_type_id": kind["id"], "fields": {}})
    ids = {"block_type_id": kind["id"], "block_schema_id": schema["id"]}
    block = api.ok("POST", "/api/block_documents/", {"name": "b", "data": {}, **ids})
    known = {"default_result_storage_block_id": block["id"]}
    assert api.ok("PUT", "/api/admin/storage", known) == known
    assert api.ok("GET", "/api/admin/storage") == known
    api.ok("DELETE", "/api/admin/storage")
    assert api.ok("GET", "/api/admin/storage") == {"default_result_storage_block_id": None}
