"""Named limits and limits of tags: slots, leases, rates, and never one too many."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from runwright.server.services.pruner import Pruner
from runwright.storage import tables

LIMITS = "/api/v2/concurrency_limits"


def make(api, name="db", limit=2, **more):
    return api.ok("POST", f"{LIMITS}/", {"name": name, "limit": limit, **more})


def active(api, name="db"):
    return api.ok("GET", f"{LIMITS}/{name}")["active_slots"]


def lease(api, *names, slots=1, **more):
    body = {"names": list(names), "slots": slots, "lease_duration": 60, **more}
    return api.send("POST", f"{LIMITS}/increment-with-lease", body)


def pass_time(api, seconds):
    """As if so many seconds had passed since slots were taken."""

    def earlier(tx):
        past = timedelta(seconds=seconds)
        slot, limit = tables.concurrency_slot, tables.concurrency_limit
        tx.execute(update(slot).values(expires_at=tx.now - past + timedelta(seconds=60)))
        tx.execute(update(limit).values(occupied_at=tx.now - past))

    api.run(api.wiring.storage.write(earlier))


def test_limits_are_made_read_changed_and_forgotten(api):
    made = make(api)
    assert (made["limit"], made["active"], made["active_slots"]) == (2, True, 0)
    assert api.send("POST", f"{LIMITS}/", {"name": "db", "limit": 1}).status == 409
    assert api.send("POST", f"{LIMITS}/", {"name": "a/b", "limit": 1}).status == 422
    assert api.ok("GET", f"{LIMITS}/{made['id']}") == api.ok("GET", f"{LIMITS}/db")
    make(api, "other")
    assert api.send("PATCH", f"{LIMITS}/other", {"name": "db"}).status == 409
    assert api.send("PATCH", f"{LIMITS}/other", {"limit": None}).status == 422
    assert api.send("PATCH", f"{LIMITS}/other", {"name": "new", "limit": 7}).status == 204
    listed = api.ok("POST", f"{LIMITS}/filter", {"limit": 10, "offset": 0})
    assert [(each["name"], each["limit"]) for each in listed] == [("db", 2), ("new", 7)]
    assert api.send("DELETE", f"{LIMITS}/new").status == 204
    assert api.send("GET", f"{LIMITS}/new").status == 404


def test_a_lease_has_its_slots_until_it_is_given_back(api):
    make(api)
    make(api, "one", 1)
    first = lease(api, "db", "one", "unknown")
    assert first.status == 200
    assert [each["name"] for each in first.json["limits"]] == ["db", "one"]
    refused = lease(api, "db", "one")
    assert (refused.status, float(refused.headers["retry-after"])) == (423, 1.0)
    assert "'one' has no free slot" in refused.json["detail"]
    assert (active(api), active(api, "one")) == (1, 1)
    given = {"lease_id": first.json["lease_id"]}
    assert api.send("POST", f"{LIMITS}/decrement-with-lease", given).status == 204
    assert (active(api), active(api, "one")) == (0, 0)
    assert lease(api, "db", slots=3).status == 422


def test_a_lease_that_is_not_renewed_lapses(api):
    make(api, limit=1)
    lease_id = lease(api, "db").json["lease_id"]
    path = f"{LIMITS}/leases/{lease_id}/renew"
    assert api.send("POST", path, {"lease_duration": 60}).status == 204
    pass_time(api, 61)
    gone = api.send("POST", path, {"lease_duration": 60})
    assert (gone.status, gone.json["code"]) == (410, "lease_gone")
    assert active(api) == 0
    assert lease(api, "db").status == 200
    pass_time(api, 61)
    api.run(Pruner(api.wiring.storage).one_pass())
    rows = api.run(
        api.wiring.storage.read(lambda tx: tx.execute(tables.concurrency_slot.select()).all())
    )
    assert rows == []


def test_a_lease_of_no_limit_is_a_lease(api):
    given = lease(api, "tag:none").json
    assert given["limits"] == []
    renewal = {"lease_duration": 60}
    path = f"{LIMITS}/leases/{given['lease_id']}/renew"
    assert api.send("POST", path, renewal).status == 204
    api.send("POST", f"{LIMITS}/decrement-with-lease", {"lease_id": given["lease_id"]})
    assert api.send("POST", path, renewal).status == 410


def test_slots_without_a_lease(api):
    make(api)
    body = {"names": ["db"], "slots": 2}
    assert api.send("POST", f"{LIMITS}/increment", body).status == 200
    assert api.send("POST", f"{LIMITS}/increment", {**body, "slots": 1}).status == 423
    api.ok("POST", f"{LIMITS}/decrement", body)
    assert active(api) == 0
    assert api.send("PATCH", f"{LIMITS}/db", {"active": False}).status == 204
    assert api.ok("POST", f"{LIMITS}/increment", {**body, "slots": 2}) == []


def test_the_slots_of_a_rate_come_back_by_themselves(api):
    make(api, "rate", 2, slot_decay_per_second=0.5)
    make(api)
    assert lease(api, "db", mode="rate_limit").status == 422
    assert lease(api, "rate", slots=2, mode="rate_limit").status == 200
    refused = lease(api, "rate", mode="rate_limit")
    assert refused.status == 423
    assert 1.5 < float(refused.headers["retry-after"]) <= 2.0
    pass_time(api, 2)
    assert lease(api, "rate", mode="rate_limit").status == 200
    assert active(api, "rate") == 2


@pytest.mark.parametrize("leased", [True, False])
def test_many_at_once_never_pass_a_limit(api, leased):
    make(api, limit=3)
    make(api, "big", 100)
    path = f"{LIMITS}/increment-with-lease" if leased else f"{LIMITS}/increment"

    async def body():
        asked = [
            api.send_async("POST", path, {"names": names, "slots": 1})
            for names in (["db", "big"], ["big", "db"]) * 10
        ]
        return [each.status for each in await asyncio.gather(*asked)]

    statuses = api.run(body())
    assert (statuses.count(200), statuses.count(423)) == (3, 17)
    assert (active(api), active(api, "big")) == (3, 3)


def test_the_limit_of_a_tag_is_one_limit_in_both_interfaces(api):
    made = api.ok("POST", "/api/concurrency_limits/", {"tag": "gpu", "concurrency_limit": 1})
    api.ok("POST", "/api/concurrency_limits/", {"tag": "gpu", "concurrency_limit": 2})
    task, other, third = (str(uuid4()) for _ in range(3))
    holder = {"type": "task_run", "id": task}
    assert lease(api, "tag:gpu", holder=holder).status == 200
    of_tag = api.ok("GET", "/api/concurrency_limits/tag/gpu")
    assert (of_tag["id"], of_tag["concurrency_limit"]) == (made["id"], 2)
    assert of_tag["active_slots"] == [task]
    slot = {"names": ["gpu", "none"], "task_run_id": other}
    for _ in range(2):  # asked again, it has it already
        assert len(api.ok("POST", "/api/concurrency_limits/increment", slot)) == 1
    refused = {"names": ["gpu"], "task_run_id": third}
    assert api.send("POST", "/api/concurrency_limits/increment", refused).status == 423
    assert active(api, "tag:gpu") == 2
    api.ok("POST", "/api/concurrency_limits/decrement", slot)
    assert active(api, "tag:gpu") == 1

    api.ok("POST", "/api/concurrency_limits/tag/gpu/reset", {"slot_override": [third]})
    (listed,) = api.ok("POST", "/api/concurrency_limits/filter", {})
    assert listed["active_slots"] == [third]
    assert api.send("DELETE", "/api/concurrency_limits/tag/gpu").status == 200
    assert api.send("GET", f"/api/concurrency_limits/{made['id']}").status == 404
