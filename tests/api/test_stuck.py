"""Runs that stand still, and the scopes there are."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from runwright.storage.tables import flow_run


@pytest.fixture
def runs(api):
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]

    def make(kind):
        body = {"flow_id": flow, "name": kind.lower(), "state": {"type": kind}}
        return api.ok("POST", "/api/flow_runs/", body)["id"]

    return {kind: make(kind) for kind in ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")}


def change(api, name, **ago):
    """Columns of a run, as so long ago."""

    def use_case(tx):
        values = {
            column: tx.now - each if isinstance(each, timedelta) else each
            for column, each in ago.items()
        }
        tx.execute(update(flow_run).where(flow_run.c.name == name).values(values))

    api.run(api.wiring.storage.write(use_case))


def stuck(api):
    return {each["flow_run"]["name"]: each["why"] for each in api.ok("GET", "/api/flow_runs/stuck")}


def test_what_stands_still_for_too_long_is_told_with_why(api, runs):
    assert stuck(api) == {}
    hour = timedelta(hours=1)
    change(api, "scheduled", state_name="AwaitingRetry", due_at=hour)
    change(api, "pending", state_timestamp=hour, worker_name="w")
    change(api, "running", state_timestamp=hour, lease_expires_at=hour)
    change(api, "cancelling", state_timestamp=hour)
    found = stuck(api)
    assert found["scheduled"] == "It was to go on by itself, and nobody has taken it."
    assert found["pending"] == "A worker 'w' has taken it, and has not started it."
    assert "not heard of" in found["running"]
    assert "cancelled" in found["cancelling"]

    change(api, "running", lease_expires_at=-hour)
    change(api, "scheduled", state_name="Late")
    assert set(stuck(api)) == {"pending", "cancelling"}


def test_runs_of_one_worker_are_found(api, runs):
    worker = uuid4()
    change(api, "running", worker_id=worker)
    body = {"flow_runs": {"worker_id": {"any_": [str(worker)]}}}
    assert [run["name"] for run in api.ok("POST", "/api/flow_runs/filter", body)] == ["running"]


def test_each_scope_says_what_it_opens(api):
    scopes = {each["name"]: each for each in api.ok("GET", "/api/scopes")}
    assert "GET /flow_runs/stuck" in scopes["runs:read"]["operations"]
    assert "GET /work_pools/{name}" in scopes["pools:poll"]["operations"]
    assert scopes["pools:poll"]["is_for_workers"]
    assert not scopes["admin:keys"]["is_for_workers"]
    # They open nothing by themselves: they add the secrets to what `blocks:read` opens, and job
    # variables to what `runs:create` does.
    opens_nothing = {name for name, each in scopes.items() if not each["operations"]}
    assert opens_nothing == {"blocks:secrets", "runs:infrastructure"}
