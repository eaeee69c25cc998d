"""Workers and control planes are not brought up to date at one time.

`first_version.json` has what a worker and a control plane of the first version said to each other:
fields that were added later are missing. What a later version may say more is put in here.
"""

import asyncio
import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from runwright.api.executions import ExecutionRef
from runwright.api.journal import FlowRunProposed
from runwright.clock import SystemClock
from runwright.core.states import State, StateType
from runwright.worker.backlog import Backlog
from runwright.worker.host import Host
from runwright.worker.journal_pump import JournalPump
from runwright.worker.synchronize import Identity, Pool
from runwright.worker.usage import Usage

RECORDED = (Path(__file__).parent / "first_version.json").read_text()
#: Those of the recording.
RUN, EXECUTION = (str(UUID(int=number)) for number in (1, 2))
#: Objects whose keys are users' own.
FREE = {"parameters", "job_configuration"}


def of_the_first_version(text):
    return json.loads(text)


def of_a_later_version(text):
    """The same, and in every object a field that nobody knows yet."""

    def more(value):
        if isinstance(value, list):
            return [more(each) for each in value]
        if not isinstance(value, dict):
            return value
        known = {key: each if key in FREE else more(each) for key, each in value.items()}
        return {**known, "of_a_later_version": {"some": ["thing"]}}

    return {name: more(said) for name, said in json.loads(text).items()}


versions = pytest.mark.parametrize("version", [of_the_first_version, of_a_later_version])


class Worker:
    """Says what was recorded, about the run that it has claimed."""

    def __init__(self, api, version):
        self.api, self.said = api, version(RECORDED)
        api.ok("POST", "/api/work_pools/", {"name": "p", "type": "process"})
        flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
        body = {"name": "d", "flow_id": flow, "entrypoint": "f.py:f", "work_pool_name": "p"}
        deployment = api.ok("POST", "/api/deployments/", body)["id"]
        self.run = api.ok("POST", f"/api/deployments/{deployment}/create_flow_run", {})["id"]
        sync = f"/api/work_pools/p/workers/{uuid4()}/sync"
        [claimed] = api.ok("POST", sync, self.said["sync"])["claimed"]
        assert claimed["spec"]["flow_run_id"] == self.run
        ids = {RUN: self.run, EXECUTION: claimed["spec"]["execution_id"]}
        text = json.dumps(self.said)
        for recorded, id_ in ids.items():
            text = text.replace(recorded, id_)
        self.said = json.loads(text)

    def tell(self, what):
        return self.api.ok("POST", f"/api/flow_runs/{self.run}/{what}", self.said[what])

    def state(self):
        return self.api.ok("GET", f"/api/flow_runs/{self.run}")


@versions
def test_the_journal_and_the_end_of_a_worker_of_another_version_are_taken(api, version):
    worker = Worker(api, version)

    told = worker.tell("journal")
    ended = worker.tell("exit")

    assert told["next"] == len(worker.said["journal"]["entries"])
    assert [each["result"]["status"] for each in told["answers"]] == ["ACCEPT"] * 3
    run = worker.state()
    assert run["name"] == "of the morning"
    assert run["shown_parameters"] == {"n": 1}
    assert run["parameters"] == {}  # what was given is never overwritten
    assert ended["state"]["type"] == run["state_type"] == "CRASHED"
    assert "signal 9 (the worker was stopped)" in run["state"]["message"]
    [line] = api.ok("POST", "/api/logs/filter", {})
    assert line["message"] == "hello"
    [task] = api.ok("POST", "/api/task_runs/filter", {})
    assert (task["state_type"], task["task_key"]) == ("COMPLETED", "t")
    inner = {"flow_runs": {"id": {"not_any_": [worker.run]}}}
    [subflow] = api.ok("POST", "/api/flow_runs/filter", inner)
    assert subflow["state_type"] == "COMPLETED"
    [artifact] = api.ok("POST", "/api/artifacts/filter", {})
    assert artifact["data"] == "# x"


@versions
def test_a_worker_of_another_version_gives_its_run_back(api, version):
    worker = Worker(api, version)

    worker.tell("release")

    assert worker.state()["state_type"] == "SCHEDULED"


class ControlPlane:
    """Answers everything with one thing."""

    def __init__(self, answer):
        self.answer = json.dumps(answer).encode()

    async def send(self, _method, _path, _body=None, *, patience=0.0):
        del patience
        return 200, self.answer


def sync_with(answer, folder):
    identity = Identity(
        instance_id=uuid4(),
        name="w",
        type="process",
        queues=(),
        limit=1,
        version="1",
        key_name="",
        api_url="",
    )
    host, usage = Host(folder, clock=SystemClock()), Usage(dict, clock=SystemClock())
    pool = Pool("p", ControlPlane(answer), identity, host, usage)
    return asyncio.run(pool.sync(free=1, executions=[]))


@versions
def test_a_worker_takes_work_from_a_control_plane_of_another_version(version, tmp_path):
    told = sync_with(version(RECORDED)["sync answer"], tmp_path)

    [claimed] = told.claimed
    assert (str(claimed.spec.flow_run_id), claimed.spec.entrypoint) == (RUN, "f.py:f")
    assert claimed.spec.retries_used == 0  # was not said by the first version
    assert [str(each.execution_id) for each in told.lost] == [EXECUTION]


class Listener:
    """A flow that waits for an answer."""

    def __init__(self):
        self.told = asyncio.Event()
        self.answers = []

    def acknowledged(self, _up_to, answers, *, is_spooled):
        assert not is_spooled
        self.answers += answers
        self.told.set()

    def cancel_requested(self):
        raise AssertionError("nobody wanted it")

    def over(self, refusal):
        raise AssertionError(refusal)


@versions
def test_a_supervisor_understands_a_control_plane_of_another_version(version, tmp_path):
    execution = ExecutionRef(flow_run_id=UUID(RUN), token=1, execution_id=UUID(EXECUTION))
    state = State(
        id=UUID(int=10), type=StateType.RUNNING, name="Running", timestamp=SystemClock().now()
    )
    control_plane = ControlPlane(version(RECORDED)["journal answer"])

    async def ask():
        listener = Listener()
        pump = JournalPump(
            execution,
            post=lambda body: control_plane.send("POST", "", body),
            backlog=Backlog(tmp_path / "spool" / "x.journal"),
            listener=listener,
            lease_seconds=60,
            outage_tolerance=60,
        )
        proposed = FlowRunProposed(flow_run_id=execution.flow_run_id, state=state)
        pump.add([proposed], first=0, is_awaited=True)
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(pump.run())
            await listener.told.wait()
            sending.cancel()
        return pump, listener

    pump, listener = asyncio.run(ask())
    assert pump.has_started
    assert [each.result.state.id for each in listener.answers] == [state.id]


def test_what_the_first_version_did_not_say_yet_is_really_missing():
    """Else the recording proves nothing."""
    said = json.loads(RECORDED)
    assert not {"launching", "usage"} & set(said["sync"])
    assert "memory_limit_bytes" not in said["exit"]
    assert "retries_used" not in said["sync answer"]["claimed"][0]["spec"]
