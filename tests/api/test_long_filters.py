"""Every route that takes a filter decides by its length whether it is tried among the short."""

import pytest

from runwright.storage.turns import ASKER

MANY = [f"value-{number:05}" for number in range(500)]
NAMES = {"name": {"any_": MANY}}
SPAN = {"history_start": "2026-01-01T00:00:00Z", "history_end": "2026-01-02T00:00:00Z"}
BODIES = {
    "flows/filter": {"flows": NAMES},
    "flows/count": {"flows": NAMES},
    "flows/paginate": {"flows": NAMES},
    "flows/bulk_delete": {"flows": NAMES},
    "flow_runs/filter": {"flow_runs": NAMES},
    "flow_runs/count": {"flow_runs": NAMES},
    "flow_runs/paginate": {"flow_runs": NAMES},
    "flow_runs/lateness": {"flow_runs": NAMES},
    "flow_runs/history": {"flow_runs": NAMES, "history_interval_seconds": 3600, **SPAN},
    "flow_runs/bulk_delete": {"flow_runs": NAMES},
    "task_runs/filter": {"task_runs": NAMES},
    "task_runs/count": {"task_runs": NAMES},
    "task_runs/paginate": {"task_runs": NAMES},
    "deployments/filter": {"deployments": NAMES},
    "deployments/count": {"deployments": NAMES},
    "deployments/bulk_delete": {"deployments": NAMES},
    "artifacts/filter": {"artifacts": {"key": {"any_": MANY}}},
    "events/filter": {"filter": {"event": {"name": MANY}}},
    "variables/filter": {"variables": NAMES},
    "work_pools/filter": {"work_pools": NAMES},
    "automations/filter": {"automations": NAMES},
    "block_documents/count": {"block_documents": NAMES},
}


SHORT = {"flow_runs/history": {"history_interval_seconds": 3600, **SPAN}}


@pytest.fixture
def tried(api, monkeypatch):
    """Whether each query was to be tried among the short ones, and whose it was."""
    storage, seen = api.wiring.storage, []

    def noted(then):
        def noting(query):
            seen.append(ASKER.get())
            return then(query)

        return noting

    for name in ("read", "glance"):
        monkeypatch.setattr(storage, name, noted(getattr(storage, name)))
    return seen


def test_a_long_filter_is_not_tried_among_the_short(api, tried):
    for path, long in BODIES.items():
        short = SHORT.get(path, {})
        for body, is_brief in ((long, False), (short, True)):
            if is_brief and "bulk" in path:  # everything would be meant
                continue
            tried.clear()
            reply = api.send("POST", f"/api/{path}", body)
            assert reply.status == 200, (path, reply.content)
            assert tried[-1].is_brief is is_brief, path
            assert tried[-1].who is not None
