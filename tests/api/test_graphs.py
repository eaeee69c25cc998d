"""The graph of a flow run: who waited for whom, subflows in their places, what was published."""

import pytest


@pytest.fixture
def run_id(api):
    flow_id = api.ok("POST", "/api/flows/", {"name": "f"})["id"]
    made = api.ok("POST", "/api/flow_runs/", {"flow_id": flow_id})["id"]
    api.ok("POST", f"/api/flow_runs/{made}/set_state", {"state": {"type": "RUNNING"}})
    return made


def task(api, run_id, name, *upstream, ended=True, **inputs):
    """A task run that took the results of others."""
    taken = {"x": [{"input_type": "task_run", "id": each} for each in upstream]} | inputs
    body = {
        "flow_run_id": run_id,
        "name": name,
        "task_key": name,
        "dynamic_key": "0",
        "task_inputs": taken,
    }
    made = api.ok("POST", "/api/task_runs/", body)["id"]
    for kind in ("RUNNING", "COMPLETED")[: 2 if ended else 1]:
        api.ok("POST", f"/api/task_runs/{made}/set_state", {"state": {"type": kind}})
    return made


def graph(api, run_id, query=""):
    found = api.ok("GET", f"/api/flow_runs/{run_id}/graph-v2{query}")
    nodes = {node["label"]: node for _, node in found["nodes"]}
    names = {node["id"]: label for label, node in nodes.items()}
    return found, nodes, names


def test_nodes_and_edges(api, run_id):
    first = task(api, run_id, "first")
    second = task(api, run_id, "second", first, first)
    inner = {"__parents__": [{"input_type": "task_run", "id": second}]}
    task(api, run_id, "inner", first, ended=False, **inner)
    body = {"flow_run_id": run_id, "name": "waits", "task_key": "w", "dynamic_key": "0"}
    api.ok("POST", "/api/task_runs/", body)  # not begun: not drawn

    found, nodes, names = graph(api, run_id)

    def ends(label, which):
        return [names[edge["id"]] for edge in nodes[label][which]]

    assert list(nodes) == ["first", "second", "inner"]
    assert [names[id_] for id_ in found["root_node_ids"]] == ["first"]
    assert (ends("second", "parents"), ends("first", "children")) == (
        ["first"],
        ["second", "inner"],
    )
    assert (ends("inner", "encapsulating"), ends("inner", "parents")) == (["second"], ["first"])
    assert nodes["inner"]["end_time"] is None
    assert [state["name"] for state in found["states"]] == ["Running"]
    later = "?since=2100-01-01T00:00:00Z"
    assert list(graph(api, run_id, later)[1]) == ["inner"]

    old = api.ok("GET", f"/api/flow_runs/{run_id}/graph")
    upstream = {each["name"]: [up["id"] for up in each["upstream_dependencies"]] for each in old}
    assert upstream == {
        "first": [],
        "second": [first, first],
        "inner": [first, second],
        "waits": [],
    }


def test_a_subflow_stands_where_its_task_run_does(api, run_id):
    first = task(api, run_id, "first")
    stand_in = task(api, run_id, "stand-in", first)
    flow_id = api.ok("POST", "/api/flows/", {"name": "child"})["id"]
    body = {"flow_id": flow_id, "name": "the-child", "parent_task_run_id": stand_in}
    child = api.ok("POST", "/api/flow_runs/", body)["id"]
    api.ok("POST", f"/api/flow_runs/{child}/set_state", {"state": {"type": "RUNNING"}})
    task(api, run_id, "after", stand_in)

    _, nodes, names = graph(api, run_id)
    assert (nodes["the-child"]["kind"], nodes["the-child"]["id"]) == ("flow-run", child)
    assert [names[edge["id"]] for edge in nodes["after"]["parents"]] == ["the-child"]
    assert "stand-in" not in nodes


def test_artifacts_are_where_they_were_published(api, run_id):
    maker = task(api, run_id, "maker")
    for number in range(2):
        body = {"key": "k", "type": "markdown", "data": f"{number}", "flow_run_id": run_id}
        api.ok("POST", "/api/artifacts/", body | {"task_run_id": maker})
    progress = {"key": "p", "type": "progress", "data": 50.0, "flow_run_id": run_id}
    api.ok("POST", "/api/artifacts/", progress)
    api.ok("POST", "/api/artifacts/", {"type": "result", "data": "x", "flow_run_id": run_id})

    found, nodes, _ = graph(api, run_id)
    assert [(each["is_latest"], each["data"]) for each in nodes["maker"]["artifacts"]] == [
        (False, None),
        (True, None),
    ]
    assert [(each["key"], each["data"]) for each in found["artifacts"]] == [("p", 50.0)]


def test_there_is_no_graph_of_what_is_not_there(api):
    nobody = "/api/flow_runs/01a20994-78c7-7518-9031-a31679a629c0"
    assert api.send("GET", f"{nobody}/graph-v2").status == 404
    assert api.send("GET", f"{nobody}/graph").status == 404


def test_parents_are_named_though_they_had_ended(api, run_id):
    first = task(api, run_id, "first")
    task(api, run_id, "second", first, ended=False)
    _, nodes, _ = graph(api, run_id, "?since=2100-01-01T00:00:00Z")
    assert [edge["id"] for edge in nodes["second"]["parents"]] == [first]


def test_a_task_that_was_tried_again_says_when_it_ran(api, run_id):
    body = {"flow_run_id": run_id, "name": "t", "task_key": "t", "dynamic_key": "0"}
    again = api.ok("POST", "/api/task_runs/", body)["id"]
    kinds = [("RUNNING", None), ("SCHEDULED", "AwaitingRetry"), ("RUNNING", "Retrying")]
    for kind, name in kinds:
        state = {"type": kind, "name": name} if name else {"type": kind}
        api.ok("POST", f"/api/task_runs/{again}/set_state", {"state": state, "force": True})
    task(api, run_id, "once")

    _, nodes, _ = graph(api, run_id)

    [first, second] = nodes["t"]["tries"]
    assert first["start_time"] <= first["end_time"] <= second["start_time"]
    assert second["end_time"] is None
    assert nodes["once"]["tries"] == []


def test_who_took_a_result(api, run_id):
    first = task(api, run_id, "first")
    around = {"__parents__": [{"input_type": "task_run", "id": first}]}
    task(api, run_id, "taker", first)
    task(api, run_id, "inner", **around)
    task(api, run_id, "mentions", note=[{"input_type": "parameter", "name": first}])

    found = api.ok("GET", f"/api/task_runs/{first}/dependents")
    assert [each["name"] for each in found] == ["taker"]

    mine = {"flow_runs": {"id": {"any_": [run_id]}}}
    counts = api.ok("POST", "/api/task_runs/count_by_state", mine)
    assert counts == [{"state_type": "COMPLETED", "count": 4}]
    assert api.send("GET", f"/api/task_runs/{run_id}/dependents").status == 404
