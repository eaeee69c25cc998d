"""Two pools on one server, and three owners of runs: each has one of everything there is.

Owners `own` and `near` are two runs of pool `a`, owner `far` has pool `b`. What they own holds a
text of the form `canary-<owner>-<kind>`, so that an answer shows what it gave away.
"""

import http.client
import json
import urllib.parse
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

OWNERS = {"own": "a", "near": "a", "far": "b"}
#: What changes without anybody's doing.
_RESTLESS = frozenset(
    {"status", "last_used", "last_polled", "estimated_run_time", "total_run_time",
     "estimated_start_time_delta", "last_heartbeat_time"}
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """Of any status."""

    status: int
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content) if self.content else None


class Caller:
    """One connection that is kept, with one key or none."""

    def __init__(self, url: str, key: str | None) -> None:
        parts = urllib.parse.urlsplit(url)
        self._host, self._path = parts.netloc, parts.path
        self.headers = {"Content-Type": "application/json"}
        if key is not None:
            self.headers["Authorization"] = f"Bearer {key}"
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        """One request, once more where the kept connection had been closed."""
        content = None if body is None else json.dumps(body).encode("utf-8", "surrogatepass")
        for again in (True, False):
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, timeout=20)
            try:
                self._connection.request(method, self._path + path, content, self.headers)
                answer = self._connection.getresponse()
                return Answer(answer.status, answer.read())
            except (http.client.HTTPException, ConnectionError):
                self._connection.close()
                self._connection = None
                if not again:
                    raise
        raise AssertionError

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def must(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.send(method, path, body)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.content[:500]!r}")
        return answer.json


@dataclass
class Owner:
    """What one of them has."""

    name: str
    pool: str
    #: Kind -> ids, and kind -> names: "flow_run", "deployment", ...
    ids: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    #: Of the run that goes on.
    credential: str = ""
    token: int = 0

    @property
    def has_pool_alone(self) -> bool:
        """Whether nobody else may do anything in its pool."""
        return list(OWNERS.values()).count(self.pool) == 1

    def note(self, kind: str, id_: str | None, name: str | None = None) -> None:
        if id_ is not None:
            self.ids.setdefault(kind, []).append(id_)
        if name is not None:
            self.names.setdefault(kind, []).append(name)

    def canary(self, kind: str) -> str:
        return f"canary-{self.name}-{kind}"


class TwoPools:
    """The world, made by an administrator and by the executions themselves."""

    def __init__(self, url: str, admin_key: str) -> None:
        self.url = url
        self.admin = Caller(url, admin_key)
        self.worker_keys = {pool: self._worker_key(pool) for pool in sorted(set(OWNERS.values()))}
        self.owners = {name: self._own(name, pool) for name, pool in OWNERS.items()}

    def _worker_key(self, pool: str) -> str:
        self.admin.must("POST", "/work_pools/", {"name": pool, "type": "process"})
        asked = {"name": f"worker-{pool}", "kind": "worker", "work_pool_name": pool}
        return self.admin.must("POST", "/keys/", asked)["secret"]

    def _own(self, name: str, pool: str) -> Owner:
        owner = Owner(name, pool)
        owner.note("work_pool", None, pool)
        self._deploy(owner)
        self._run(owner, "COMPLETED")
        self._run(owner, None)
        self._share(owner)
        return owner

    def _deploy(self, owner: Owner) -> None:
        admin = self.admin
        queue = admin.must(
            "POST", f"/work_pools/{owner.pool}/queues", {"name": f"queue-{owner.name}"}
        )
        owner.note("work_queue", queue["id"], queue["name"])
        flow = admin.must("POST", "/flows/", {"name": f"flow-{owner.name}"})
        owner.note("flow", flow["id"], flow["name"])
        body = {
            "name": f"deployment-{owner.name}",
            "flow_id": flow["id"],
            "entrypoint": "f.py:f",
            "work_pool_name": owner.pool,
            "work_queue_name": queue["name"],
            "description": owner.canary("deployment"),
            "parameters": {"p": owner.canary("default")},
            "job_variables": {"env": {"P": owner.canary("deployment")}},
            "enforce_parameter_schema": False,
        }
        deployment = admin.must("POST", "/deployments/", body)
        owner.note("deployment", deployment["id"], deployment["name"])
        schedule = {"active": False, "schedule": {"interval": 86400}}
        made = admin.must("POST", f"/deployments/{deployment['id']}/schedules", [schedule])
        owner.note("schedule", made[0]["id"])

    def _run(self, owner: Owner, end: str | None) -> None:
        """A run that its execution has told about; it goes on where `end` is none."""
        deployment = owner.ids["deployment"][0]
        body = {"parameters": {"p": owner.canary("parameters")}, "name": f"run-{owner.name}"}
        run = self.admin.must("POST", f"/deployments/{deployment}/create_flow_run", body)["id"]
        instance = str(uuid4())
        path = f"/work_pools/{owner.pool}/workers/{instance}/sync"
        poll = {"worker_name": f"worker-{owner.name}", "free": 1, "wait_ms": 5000}
        with Caller(self.url, self.worker_keys[owner.pool]) as worker:
            (claimed,) = worker.must("POST", path, poll)["claimed"]
        spec = claimed["spec"]
        task, artifact = str(uuid4()), str(uuid4())
        entries = [
            {"kind": "flow_state", "flow_run_id": run, "state": state("RUNNING")},
            {"kind": "task_state", "task_run_id": task,
             "state": state("RUNNING", owner.canary("task")),
             "run": {"flow_run_id": run, "name": owner.canary("task"), "task_key": "t",
                     "dynamic_key": "0", "tags": [f"tag-{owner.name}"]}},
            {"kind": "log", "flow_run_id": run, "timestamp": instant(), "level": 20,
             "name": "flow", "message": owner.canary("log")},
            {"kind": "artifact", "id": artifact, "flow_run_id": run, "timestamp": instant(),
             "type": "markdown", "key": f"artifact-{owner.name}",
             "data": owner.canary("artifact")},
        ]  # fmt: skip
        if end is not None:
            entries.append({"kind": "flow_state", "flow_run_id": run, "state": state(end)})
        batch = {"token": spec["token"], "execution_id": spec["execution_id"], "first": 0}
        owner.token, owner.credential = spec["token"], spec["credential"]
        with Caller(self.url, spec["credential"]) as execution:
            execution.must("POST", f"/flow_runs/{run}/journal", batch | {"entries": entries})
            if end is None:
                self._take_slot(owner, execution)
        owner.note("flow_run", run, f"run-{owner.name}")
        owner.note("task_run", task)
        owner.note("artifact", artifact, f"artifact-{owner.name}")
        owner.note("instance", instance, f"worker-{owner.name}")
        owner.note("execution", spec["execution_id"])

    def _take_slot(self, owner: Owner, execution: Caller) -> None:
        limit = {"name": owner.name, "limit": 5}
        owner.note("limit", self.admin.must("POST", "/v2/concurrency_limits/", limit)["id"])
        lease = {"names": [owner.name], "slots": 1, "lease_duration": 3600.0}
        took = execution.must("POST", "/v2/concurrency_limits/increment-with-lease", lease)
        owner.note("lease", took["lease_id"], owner.name)

    def _share(self, owner: Owner) -> None:
        """What people make."""
        admin, name = self.admin, owner.name
        made = admin.must("POST", "/variables/", {"name": name, "value": owner.canary("variable")})
        owner.note("variable", made["id"], name)
        body = {"name": f"search-{name}", "filters": []}
        owner.note("search", admin.must("PUT", "/saved_searches/", body)["id"])
        body = {"key": f"input-{name}", "value": json.dumps(owner.canary("input"))}
        for run in owner.ids["flow_run"]:
            admin.must("POST", f"/flow_runs/{run}/input", body)
        owner.note("input", None, f"input-{name}")
        tag = {"tag": f"tag-{name}", "concurrency_limit": 5}
        made = admin.must("POST", "/concurrency_limits/", tag)
        owner.note("tag_limit", made["id"], f"tag-{name}")
        took = {"names": [f"tag-{name}"], "task_run_id": owner.ids["task_run"][-1]}
        admin.must("POST", "/concurrency_limits/increment", took)
        body = {
            "name": f"automation-{name}", "description": owner.canary("automation"),
            "enabled": False, "actions": [{"type": "do-nothing"}],
            "trigger": {"type": "event", "posture": "Reactive", "threshold": 1, "within": 0,
                        "expect": ["never"]},
        }  # fmt: skip
        owner.note("automation", admin.must("POST", "/automations/", body)["id"])
        body = {"name": f"key-{name}", "kind": "user", "scopes": ["flows:read"]}
        owner.note("key", admin.must("POST", "/keys/", body)["key"]["id"])
        self._block(owner)

    def _block(self, owner: Owner) -> None:
        admin, slug = self.admin, f"type-{owner.name}"
        type_ = admin.must("POST", "/block_types/", {"name": slug, "slug": slug})
        fields = {
            "title": slug, "type": "object", "secret_fields": ["secret"],
            "properties": {"secret": {"type": "string", "format": "password"}},
        }  # fmt: skip
        body = {"fields": fields, "block_type_id": type_["id"], "capabilities": []}
        schema = admin.must("POST", "/block_schemas/", body)
        body = {
            "name": f"block-{owner.name}", "block_schema_id": schema["id"],
            "block_type_id": type_["id"], "data": {"secret": owner.canary("block")},
        }  # fmt: skip
        document = admin.must("POST", "/block_documents/", body)
        owner.note("block_type", type_["id"], slug)
        owner.note("block_schema", schema["id"])
        owner.note("block", document["id"], f"block-{owner.name}")

    def picture(self, owner: Owner, *, besides: frozenset[str]) -> dict[str, Any]:
        """All that this owner has, besides these kinds, as an administrator sees it now."""
        seen: dict[str, Any] = {}
        ids = owner.ids
        paths: list[str] = []
        for kind, place in _READ.items():
            paths += [
                place.format(id=id_, pool=owner.pool) for id_ in ids[kind] if kind not in besides
            ]
        paths += [f"/flow_run_states?flow_run_id={id_}" for id_ in ids["flow_run"]]
        paths += [f"/task_run_states?task_run_id={id_}" for id_ in ids["task_run"]]
        paths += [f"/block_documents/{id_}?include_secrets=true" for id_ in ids["block"]]
        for path in paths:
            answer = self.admin.send("GET", path)
            seen[path] = _calm(answer.json) if answer.status == 200 else answer.status
        runs = {"any_": ids["flow_run"]}
        for what, body in {
            "/logs/filter": {"logs": {"flow_run_id": runs}},
            "/artifacts/filter": {"artifacts": {"flow_run_id": runs}},
            "/task_runs/filter": {"flow_runs": {"id": runs}},
            f"/flow_runs/{ids['flow_run'][-1]}/input/filter": {"prefix": "", "limit": 50},
        }.items():
            seen[what] = _calm(self.admin.must("POST", what, body))
        if owner.has_pool_alone:
            path = f"/work_pools/{owner.pool}"
            seen[path] = _calm(self.admin.must("GET", path))
            for what in (f"{path}/workers/filter", f"{path}/queues/filter"):
                seen[what] = _calm(self.admin.must("POST", what, {}))
        limit = self.admin.send("GET", f"/v2/concurrency_limits/{owner.name}")
        seen["slots"] = limit.status == 200 and limit.json["active_slots"] >= 1
        return seen


_READ = {
    "flow_run": "/flow_runs/{id}",
    "task_run": "/task_runs/{id}",
    "artifact": "/artifacts/{id}",
    "deployment": "/deployments/{id}",
    "flow": "/flows/{id}",
    "variable": "/variables/{id}",
    "automation": "/automations/{id}",
    "search": "/saved_searches/{id}",
    "tag_limit": "/concurrency_limits/{id}",
    "work_queue": "/work_queues/{id}",
    "block_type": "/block_types/{id}",
    "block_schema": "/block_schemas/{id}",
}


def _calm(seen: Any) -> Any:
    """Without what changes by itself."""
    if isinstance(seen, dict):
        return {name: _calm(each) for name, each in seen.items() if name not in _RESTLESS}
    if isinstance(seen, list):
        return [_calm(each) for each in seen]
    return seen


def state(type_: str, message: str | None = None) -> dict[str, Any]:
    """A state as entries have it."""
    made = {"id": str(uuid4()), "type": type_, "name": type_.title(), "timestamp": instant()}
    return made if message is None else made | {"message": message}


def instant() -> str:
    return datetime.now(UTC).isoformat()
