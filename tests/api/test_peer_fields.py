"""Our answers have the fields that the peer's clients expect, with values that they can read."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

FIELDS = json.loads((Path(__file__).parent / "prefect_fields.json").read_text())
NOW = "2026-11-01T10:00:00Z"
#: Parts of answers that may leave out what has its usual value.
_SPARSE = {"StateDetails", "FlowRunPolicy", "TaskRunPolicy", "CreatedBy"}
_JSON = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_FORMATS = {"uuid": UUID, "date-time": datetime.fromisoformat}


def misfits(name, answer, where=""):
    """What is wrong with an answer: one line each."""
    found = []
    for field, kind in FIELDS[name].items():
        place = f"{where or name}.{field}"
        if field not in answer:
            if kind.get("required") or name not in _SPARSE:
                found.append(f"{place} is missing")
            continue
        value = answer[field]
        is_a = _JSON[type(value)]
        if is_a not in kind["types"] and not (is_a == "integer" and "number" in kind["types"]):
            found.append(f"{place} is {value!r}, not {kind['types']}")
        if is_a == "string" and "format" in kind:
            try:
                _FORMATS[kind["format"]](value)
            except ValueError:
                found.append(f"{place} is {value!r}, no {kind['format']}")
        if is_a == "object" and "is" in kind:
            found += misfits(kind["is"], value, place)
        if is_a == "array" and "of" in kind:
            found += [line for each in value for line in misfits(kind["of"], each, place)]
    return found


class World:
    """One of everything, as the peer's clients would make it."""

    def __init__(self, api):
        self.api = api
        self.flow = api.ok("POST", "/api/flows/", {"name": "etl", "tags": ["x"]})
        self.pool = api.ok("POST", "/api/work_pools/", {"name": "p", "type": "process"})
        body = {
            "name": "d",
            "flow_id": self.flow["id"],
            "work_pool_name": "p",
            "schedules": [{"schedule": {"cron": "0 * * * *"}}, {"schedule": {"interval": 60}}],
            "concurrency_limit": 2,
            "tags": ["y"],
        }
        self.deployment_id = api.ok("POST", "/api/deployments/", body)["id"]
        path = f"/api/deployments/{self.deployment_id}/create_flow_run"
        self.run_id = api.ok("POST", path, {"tags": ["z"], "idempotency_key": "k"})["id"]
        api.ok("POST", "/api/work_pools/p/workers/heartbeat", {"name": "w"})
        self.due = api.ok("POST", "/api/work_pools/p/get_scheduled_flow_runs", {})
        self.moves = [self.move("flow_runs", self.run_id, kind) for kind in ("PENDING", "RUNNING")]
        task = {"flow_run_id": self.run_id, "task_key": "t", "dynamic_key": "0", "name": "t-0"}
        self.task_id = api.ok("POST", "/api/task_runs/", task)["id"]
        self.moves.append(self.move("task_runs", self.task_id, "RUNNING"))
        record = {"name": "x", "level": 20, "message": "m", "timestamp": NOW}
        logs = [{**record, "flow_run_id": self.run_id}, {**record, "task_run_id": self.task_id}]
        api.ok("POST", "/api/logs/", logs)
        self.add_artifact()

    def move(self, kind, id_, state):
        return self.api.ok("POST", f"/api/{kind}/{id_}/set_state", {"state": {"type": state}})

    def add_artifact(self):
        run_id, execution_id = str(uuid4()), str(uuid4())
        head = {"flow_run_id": run_id, "timestamp": NOW}
        artifact = {"id": str(uuid4()), "type": "markdown", "data": "# hi", "key": "a"}
        entries = [
            {"kind": "flow_run", "flow_name": "by hand", **head},
            {"kind": "artifact", **artifact, **head},
        ]
        body = {"token": 0, "execution_id": execution_id, "entries": entries}
        self.api.ok("POST", f"/api/flow_runs/{run_id}/journal", body)


@pytest.fixture
def world(api):
    return World(api)


def test_every_answer_has_the_fields_of_the_peers(world):
    api = world.api
    run = f"/api/flow_runs/{world.run_id}"
    history = {
        "history_start": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "history_end": datetime(2026, 1, 2, tzinfo=UTC).isoformat(),
        "history_interval_seconds": 3600,
    }
    kind = api.ok("POST", "/api/block_types/", {"name": "Database", "slug": "database"})
    answers = {
        "Flow": [api.ok("GET", f"/api/flows/{world.flow['id']}")],
        "FlowRunResponse": [
            api.ok("GET", run),
            *api.ok("POST", "/api/flow_runs/filter", {}),
        ],
        "FlowRunPaginationResponse": [api.ok("POST", "/api/flow_runs/paginate", {})],
        "TaskRun": [
            api.ok("GET", f"/api/task_runs/{world.task_id}"),
            *api.ok("POST", "/api/task_runs/filter", {}),
        ],
        "State": api.ok("GET", f"/api/flow_run_states?flow_run_id={world.run_id}"),
        "OrchestrationResult": world.moves,
        "DeploymentResponse": [
            api.ok("GET", f"/api/deployments/{world.deployment_id}"),
            *api.ok("POST", "/api/deployments/filter", {}),
        ],
        "DeploymentSchedule": api.ok("GET", f"/api/deployments/{world.deployment_id}/schedules"),
        "WorkPoolResponse": api.ok("POST", "/api/work_pools/filter", {}),
        "WorkQueueResponse": api.ok("POST", "/api/work_pools/p/queues/filter", {}),
        "WorkerResponse": api.ok("POST", "/api/work_pools/p/workers/filter", {}),
        "WorkerFlowRunResponse": world.due,
        "Log": api.ok("POST", "/api/logs/filter", {}),
        "Artifact": api.ok("POST", "/api/artifacts/filter", {}),
        "HistoryResponse": api.ok("POST", "/api/flow_runs/history", history),
        "Variable": [api.ok("POST", "/api/variables/", {"name": "v", "value": {"a": 1}})],
        "BlockType": [kind],
        "BlockSchema": [api.ok("POST", "/api/block_schemas/", {"block_type_id": kind["id"]})],
    }
    assert [name for name, given in answers.items() if not given] == []
    found = {
        line for name, given in answers.items() for each in given for line in misfits(name, each)
    }
    assert sorted(found) == []


def test_a_misfit_is_seen():
    assert misfits("CreatedBy", {"id": 3}) == ["CreatedBy.id is 3, not ['null', 'string']"]
    assert "Flow.name is missing" in misfits("Flow", {})
    assert "Flow.id is 'x', no uuid" in misfits("Flow", {"id": "x"})
