"""Lists and charts say the same, however the database is asked for them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")


@pytest.fixture
def flow(api):
    return api.ok("POST", "/api/flows/", {"name": "f"})["id"]


def make(api, flow, number, kind):
    due = (BEGIN + timedelta(minutes=number)).isoformat()
    details = {"state_details": {"scheduled_time": due}}
    body = {"flow_id": flow, "name": f"n{number}", "state": {"type": "SCHEDULED", **details}}
    run = api.ok("POST", "/api/flow_runs/", body)["id"]
    if kind != "SCHEDULED":
        path = f"/api/flow_runs/{run}/set_state"
        api.ok("POST", path, {"state": {"type": kind}, "force": True})


@pytest.mark.parametrize("sort", ["EXPECTED_START_TIME_DESC", "EXPECTED_START_TIME_ASC"])
def test_runs_in_several_states_come_in_one_order_page_after_page(api, flow, sort):
    for number, kind in enumerate(itertools.islice(itertools.cycle(KINDS), 18)):
        make(api, flow, number, kind)
    numbers = range(18) if sort.endswith("ASC") else range(17, -1, -1)

    def names(kinds, **page):
        body = {"flow_runs": {"state": {"type": kinds}}, "sort": sort, **page}
        return [run["name"] for run in api.ok("POST", "/api/flow_runs/filter", body)]

    def those(*kinds):
        return [f"n{number}" for number in numbers if KINDS[number % 6] in kinds]

    two = {"any_": ["FAILED", "RUNNING"]}
    assert names(two) == those("FAILED", "RUNNING")
    assert names(two, limit=2, offset=1) == those("FAILED", "RUNNING")[1:3]
    assert names({"not_any_": ["COMPLETED", "FAILED"]}) == those(
        "SCHEDULED", "PENDING", "RUNNING", "CANCELLED"
    )
    assert names({"any_": ["FAILED", "RUNNING"], "not_any_": ["RUNNING"]}) == those("FAILED")
    assert names({"any_": ["FAILED"], "not_any_": ["FAILED"]}) == []
    assert names({"any_": []}) == []
    assert names({"operator": "or_", "any_": ["FAILED"], "not_any_": ["RUNNING"]}) == [
        name for name in those(*KINDS) if name not in those("RUNNING")
    ]


def test_a_chart_counts_each_run_in_the_interval_it_was_due_in(api, flow):
    for number, kind in ((0, "COMPLETED"), (59, "FAILED"), (60, "FAILED"), (61, "FAILED")):
        make(api, flow, number, kind)
    make(api, flow, 121, "SCHEDULED")
    body = {
        "history_start": BEGIN.isoformat(),
        "history_end": (BEGIN + timedelta(hours=2, minutes=30)).isoformat(),
        "history_interval_seconds": 3600,
    }
    bars = api.ok("POST", "/api/flow_runs/history", body)
    counts = [{s["state_type"]: s["count_runs"] for s in bar["states"]} for bar in bars]
    assert counts == [{"COMPLETED": 1, "FAILED": 1}, {"FAILED": 2}, {"SCHEDULED": 1}]
    # What has not ended is late until it starts; what ended without starting never was.
    late = [s["sum_estimated_lateness"] for bar in bars for s in bar["states"]]
    assert late[:3] == [0.0, 0.0, 0.0]
    assert late[3] > 3600
    assert bars[2]["interval_end"].startswith("2026-01-01T02:30:00")
