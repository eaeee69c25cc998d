"""Workers that have one name are as many workers as there are processes."""

import asyncio
from uuid import uuid4

import pytest

from runwright.clock import SystemClock
from runwright.worker.host import Host
from runwright.worker.synchronize import Identity, NotNow, Pool
from runwright.worker.usage import Usage


class ControlPlane:
    """The application in this process, as workers reach it."""

    def __init__(self, api):
        self.api = api

    async def send(self, method, path, body=None, *, patience=0.0):
        del patience
        reply = await self.api.send_async(method, f"/api{path}", raw=body or b"")
        return reply.status, reply.content


@pytest.fixture
def namesakes(api, tmp_path):
    def worker():
        identity = Identity(
            instance_id=uuid4(),
            name="here",
            type="process",
            queues=(),
            limit=1,
            version="1",
            key_name="",
            api_url="",
        )
        host, usage = Host(tmp_path, clock=SystemClock()), Usage(dict, clock=SystemClock())
        return Pool("p", ControlPlane(api), identity, host, usage, may_create=True)

    return [worker() for _ in range(10)]


def sync_all(api, workers):
    async def all_at_once():
        return await asyncio.gather(
            *(each.sync(free=1, executions=[], wait_ms=0) for each in workers)
        )

    return api.run(all_at_once())


def test_ten_of_one_name_make_their_pool_together_and_share_its_runs(api, namesakes):
    sync_all(api, namesakes)  # there is no pool: each of them makes it
    sync_all(api, namesakes)

    assert api.ok("POST", "/api/work_pools/count", {}) == 1
    listed = api.ok("POST", "/api/work_pools/p/workers/filter", {})
    assert len(listed) == len({each["id"] for each in listed}) == 10
    assert {(each["name"], each["status"]) for each in listed} == {("here", "ONLINE")}

    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    body = {"name": "d", "flow_id": flow, "entrypoint": "f.py:f", "work_pool_name": "p"}
    deployment = api.ok("POST", "/api/deployments/", body)["id"]
    path = f"/api/deployments/{deployment}/create_flow_run"
    runs = {api.ok("POST", path, {})["id"] for _ in range(10)}
    claimed = [each.spec.flow_run_id for told in sync_all(api, namesakes) for each in told.claimed]
    assert sorted(map(str, claimed)) == sorted(runs)


def test_a_pool_that_cannot_be_made_is_no_end_of_its_worker(api, namesakes):
    namesakes[0].name = "a" * 5000
    with pytest.raises(NotNow, match="could not be created"):
        sync_all(api, namesakes[:1])
