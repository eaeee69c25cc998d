"""Values at and beyond what databases hold: taken or refused, never an error of the server."""

from uuid import uuid4

import pytest

NUMBERS = [2**31, 2**53, 2**63, 2**70, -(2**63) - 1, 1.5e308]
TEXTS = ["", " ", "\ud800", "x" * 300_000, "a/b", "../..", "'; DROP TABLE flow; --", "\u202e\ufeff"]
TIMES = [
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "1969-12-31T23:59:59.999999Z",
    "2026-02-30T00:00:00Z",
    "2026-01-01T00:00:00",
    "now",
]


def try_all(api, path, bodies):
    for method, body in bodies:
        reply = api.send(method, path, body)
        assert reply.status < 500, (method, path, str(body)[:200], reply.content)


@pytest.mark.parametrize("value", [*NUMBERS, *TEXTS, *TIMES], ids=lambda value: repr(value)[:20])
def test_nothing_that_is_sent_breaks_the_server(api, value):
    flow = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    run = api.ok("POST", "/api/flow_runs/", {"flow_id": flow})["id"]
    api.ok("POST", "/api/work_pools/", {"name": "p", "type": "process"})
    fields = ("name", "tags", "labels", "parameters", "version", "idempotency_key", "context")
    shapes = [value, [value], {"x": value}, {"x": [{"y": value}]}]
    for shape in shapes:
        try_all(api, "/api/flows/", [("POST", {"name": shape}), ("POST", {"tags": shape})])
        runs = [("POST", {"flow_id": flow, field: shape}) for field in fields]
        try_all(api, "/api/flow_runs/", runs)
        try_all(api, f"/api/flow_runs/{run}", [("PATCH", {field: shape}) for field in fields])
    policies = ["retries", "retry_delay", "max_retries"]
    runs = [("POST", {"flow_id": flow, "empirical_policy": {name: value}}) for name in policies]
    try_all(api, "/api/flow_runs/", runs)
    details = {"scheduled_time": value}
    state = {"type": "SCHEDULED", "name": "x", "message": value}
    moves = [
        ("POST", {"state": {**state, "message": None, "state_details": details}}),
        ("POST", {"state": state, "force": True}),
        ("POST", {"state": {**state, "name": value, "message": None, "data": value}}),
    ]
    try_all(api, f"/api/flow_runs/{run}/set_state", moves)
    pool = ["concurrency_limit", "description", "name"]
    try_all(api, "/api/work_pools/p", [("PATCH", {name: value}) for name in pool])
    queue = ["concurrency_limit", "priority", "name"]
    queues = [("POST", {"name": str(uuid4()), name: value}) for name in queue]
    try_all(api, "/api/work_pools/p/queues", queues)
    schedules = [{"interval": value}, {"cron": value}, {"rrule": value}]
    schedules += [{"interval": 60, "anchor_date": value}, {"cron": "* * * * *", "timezone": value}]
    body = {"name": "d", "flow_id": flow, "work_pool_name": "p"}
    made = [("POST", {**body, "schedules": [{"schedule": each}]}) for each in schedules]
    made += [("POST", {**body, "concurrency_limit": value}), ("POST", {**body, "retries": value})]
    try_all(api, "/api/deployments/", made)
    record = {"name": "x", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z"}
    logs = [("POST", [{**record, name: value}]) for name in record]
    try_all(api, "/api/logs/", logs)
    queries = [("POST", {name: value}) for name in ("limit", "offset", "sort", "page")]
    queries += [("POST", {"flow_runs": {"start_time": {"before_": value}}})]
    queries += [("POST", {"flow_runs": {"name": {"any_": [value], "like_": value}}})]
    queries += [("POST", {"deployments": {"concurrency_limit": {"ge_": value}}})]
    for path in ("/api/flow_runs/filter", "/api/flow_runs/paginate", "/api/deployments/filter"):
        try_all(api, path, queries)
    history = {"history_start": value, "history_end": value, "history_interval_seconds": value}
    try_all(api, "/api/flow_runs/history", [("POST", history)])
