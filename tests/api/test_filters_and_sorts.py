"""Every operator of every filter, and every sort: an answer, and a count that fits it."""

from datetime import datetime
from typing import Literal, get_args, get_origin
from uuid import UUID, uuid4

import msgspec
import pytest
from tests.api.test_peer_fields import World

from runwright.api import filters
from runwright.core.states import StateType
from runwright.storage.artifacts import ARTIFACTS
from runwright.storage.deployments import DEPLOYMENTS
from runwright.storage.flow_runs import FLOW_RUNS
from runwright.storage.flows import FLOWS
from runwright.storage.logs import LOGS
from runwright.storage.task_runs import TASK_RUNS
from runwright.storage.work_pools import WORK_POOLS

NOW = "2026-11-01T10:00:00Z"
RESOURCES = {
    "flows": FLOWS,
    "flow_runs": FLOW_RUNS,
    "task_runs": TASK_RUNS,
    "deployments": DEPLOYMENTS,
    "work_pools": WORK_POOLS,
    "artifacts": ARTIFACTS,
    "logs": LOGS,
}
COUNTED = set(RESOURCES) - {"logs"}


def values_of(kind):
    """Values to try for the type of a criterion's field."""
    if get_origin(kind) is list:
        (item,) = (each for inner in get_args(kind) for each in members(inner))
        return [[], [values_of(item)[0]], values_of(item)[:1] * 45]
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return list(criteria_of(kind))
    return {
        UUID: [str(uuid4())],
        str: ["x", "%_\\'\"", "é\u202e", ""],
        bool: [True, False],
        int: [0, -(2**31), 2**31 - 1],
        datetime: [NOW, "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
        StateType: ["RUNNING"],
    }[kind]


def members(kind):
    """The type of a field without its None and its marks."""
    if get_origin(kind) is None and not get_args(kind):
        return [kind]
    parts = [part for part in get_args(kind) if part is not type(None)]
    if get_origin(kind) in {list, Literal}:
        return [kind]
    return [each for part in parts if not isinstance(part, msgspec.Meta) for each in members(part)]


def criteria_of(struct):
    """Criteria with one field set each, then with all of them, by either operator."""
    everything = {}
    for field in msgspec.structs.fields(struct):
        if field.name == "operator":
            continue
        for kind in members(field.type):
            kind = datetime if kind is filters.Instant else kind  # noqa: PLW2901
            for value in values_of(kind):
                everything[field.encode_name] = value
                yield {field.encode_name: value}
    if len(everything) > 1:
        yield everything
        yield {**everything, "operator": "or_"}


@pytest.fixture
def world(api):
    return World(api)


FILTERS = {
    field.name: next(part for part in get_args(field.type) if part is not type(None))
    for field in msgspec.structs.fields(filters.Filters)
}


@pytest.mark.parametrize("name", FILTERS)
def test_every_operator_of_a_filter(world, name):
    api = world.api
    wanted = list(criteria_of(FILTERS[name]))
    assert len(wanted) > 5
    for criteria in wanted:
        body = {name: criteria}
        for resource in {name, "flow_runs", "deployments"} & set(RESOURCES):
            found = api.send("POST", f"/api/{resource}/filter", body)
            assert found.status == 200, (resource, body, found.content)
            if resource in COUNTED:
                assert api.ok("POST", f"/api/{resource}/count", body) == len(found.json), body


def test_filters_narrow_by_tags_creators_and_what_is_related(world):
    api = world.api

    def ids(**body):
        return [run["id"] for run in api.ok("POST", "/api/flow_runs/filter", body)]

    run_id = world.run_id
    assert ids(flow_runs={"tags": {"all_": ["z", "y"]}}) == [run_id]
    assert ids(flow_runs={"tags": {"all_": ["z", "no"]}}) == []
    assert run_id not in ids(flow_runs={"tags": {"is_null_": True}})
    assert run_id in ids(flow_runs={"created_by": {"type_": ["USER"]}})
    assert ids(flow_runs={"created_by": {"id_": [str(uuid4())]}}) == []
    assert run_id in ids(flows={"name": {"any_": ["etl"]}})
    assert ids(task_runs={"name": {"like_": "T-"}}) == [run_id]
    assert ids(flow_runs={"idempotency_key": {"any_": ["k"]}}) == [run_id]
    assert run_id in ids(work_pools={"name": {"startswith_": ["p"]}})


def test_pages_of_any_sort_hold_every_run_once(api):
    flow_id = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    made = []
    for number in range(9):
        run = api.ok("POST", "/api/flow_runs/", {"flow_id": flow_id, "name": f"r{number // 3}"})
        made.append(run["id"])
        if number % 3:
            running = {"state": {"type": "RUNNING"}, "force": True}
            api.ok("POST", f"/api/flow_runs/{run['id']}/set_state", running)
        if number % 3 == 2:
            ended = {"state": {"type": "COMPLETED"}}
            api.ok("POST", f"/api/flow_runs/{run['id']}/set_state", ended)
    for sort in FLOW_RUNS.sorts:
        pages = [
            api.ok("POST", "/api/flow_runs/filter", {"sort": sort, "limit": 2, "offset": offset})
            for offset in range(0, 10, 2)
        ]
        runs = [run for page in pages for run in page]
        assert sorted(run["id"] for run in runs) == sorted(made), sort
        started = [run["start_time"] is not None for run in runs]
        if sort == "START_TIME_ASC":
            assert started == [False] * 3 + [True] * 6
        if sort == "START_TIME_DESC":
            assert started == [True] * 6 + [False] * 3
        if sort == "END_TIME_DESC":
            assert [run["end_time"] is not None for run in runs] == [True] * 3 + [False] * 6
    assert all(run["expected_start_time"] for run in api.ok("POST", "/api/flow_runs/filter", {}))


@pytest.mark.parametrize("name", RESOURCES)
def test_every_sort_there_is(world, name):
    for sort in RESOURCES[name].sorts:
        assert world.api.send("POST", f"/api/{name}/filter", {"sort": sort}).status == 200, sort
    refused = world.api.send("POST", f"/api/{name}/filter", {"sort": "NO_SUCH"})
    assert (refused.status, refused.json["code"]) == (422, "invalid_query")


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{name}/filter" for name in RESOURCES),
        "/work_pools/p/workers/filter",
        "/work_pools/p/queues/filter",
        "/concurrency_limits/filter",
        "/v2/concurrency_limits/filter",
    ],
)
def test_what_is_null_in_a_question_is_as_if_left_out(api, path):
    api.ok("POST", "/api/work_pools/", {"name": "p"})
    sort = {"sort": None} if path.split("/")[1] in RESOURCES and path.count("/") == 2 else {}
    api.ok("POST", f"/api{path}", {"limit": None, "offset": None, **sort})
    api.ok("POST", f"/api{path}")
