"""A worker instance is one with the key and the pool that it began with."""

import concurrent.futures
from uuid import uuid4

import pytest


@pytest.fixture
def pools(site_on_both):
    """The site, the worker keys of pools a and b, and an instance of b with a claim."""
    site = site_on_both
    key_a, key_b = site.worker_key("a"), site.worker_key("b")
    instance = str(uuid4())
    site.run(site.deploy("hello", "b", env={"TOKEN": "secret of b"}), name="secret of b")
    claimed = site.claim("b", key_b, instance)
    return site, key_a, key_b, instance, claimed


def worker_of_b(site):
    (found,) = site.ask("POST", "/work_pools/b/workers/filter", {})
    return found


def test_a_worker_cannot_speak_as_an_instance_of_another_pool(pools):
    site, key_a, key_b, instance, claimed = pools
    before = worker_of_b(site)
    # The claim is pending and not in the list of what is held: its answer seems to be lost.
    for asked in ({}, {"free": 5}, {"worker_name": "mine"}, {"stopping": True}):
        reply = site.sync("a", key_a, instance, **asked)
        assert reply.status == 403, (asked, reply.content)
        assert b"secret of b" not in reply.content
    reply = site.sync("b", key_a, instance)
    assert reply.status == 403
    assert reply.content == site.sync("nowhere", key_a, instance).content

    after = worker_of_b(site)
    assert {n: after[n] for n in ("id", "name", "status")} == {
        n: before[n] for n in ("id", "name", "status")
    }
    # Its credential was not made anew, and its own worker is given the claim again.
    assert claimed.ask("GET", f"/flow_runs/{claimed.run}").status == 200
    assert len(site.sync("b", key_b, instance, free=1).json["claimed"]) == 1


def test_a_second_key_of_the_pool_is_another_worker(pools):
    site, _, _, instance, _ = pools
    second = site.make_key(kind="worker", work_pool_name="b")
    reply = site.sync("b", second, instance, stopping=True)
    assert reply.status == 403
    assert "belongs to another key" in reply.json["detail"]
    assert worker_of_b(site)["status"] == "ONLINE"
    # With an instance of its own it works, as a restarted worker with a new key does.
    assert site.sync("b", second, str(uuid4())).status == 200


def test_an_instance_keeps_its_pool_with_a_key_for_all_pools(pools):
    site, *_ = pools
    admin, mine = site.make_key(), str(uuid4())
    assert site.sync("a", admin, mine).status == 200
    assert site.sync("b", admin, mine).status == 403
    assert site.sync("b", admin, str(uuid4())).status == 200


def test_a_stranger_does_not_end_the_poll_of_a_worker(pools):
    site, key_a, key_b, instance, claimed = pools
    held = {
        "executions": [
            {
                "flow_run_id": claimed.run,
                "token": claimed.spec["token"],
                "execution_id": claimed.spec["execution_id"],
            }
        ]
    }
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        parked = threads.submit(
            site.sync, "b", key_b, instance, free=1, wait_ms=10_000, worker_name="parked", **held
        )
        site.until(lambda: worker_of_b(site)["name"] == "parked")
        for _ in range(5):
            assert site.sync("a", key_a, instance).status == 403
        assert not parked.done()
        site.run(site.deploy("hello", "b"))
        assert len(parked.result(10).json["claimed"]) == 1


def test_workers_that_tell_their_name_only_are_bound_to_their_key_too(pools):
    site, key_a, key_b, *_ = pools
    beat = {"name": "named", "heartbeat_interval_seconds": 30, "return_id": True}
    path = "/work_pools/b/workers/heartbeat"
    first = site.send("POST", path, beat, key=key_b)
    assert first.status == 200
    assert site.send("POST", path, beat, key=key_b).json == first.json
    second = site.make_key(kind="worker", work_pool_name="b")
    assert site.send("POST", path, beat, key=second).json != first.json
    assert site.send("POST", path, beat, key=key_a).status == 403
    assert site.sync("a", key_a, first.json["id"]).status == 403
    assert site.sync("b", second, first.json["id"]).status == 403
