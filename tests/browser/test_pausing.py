"""A run that waits for a person."""

from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.steps import home


def test_a_paused_run_is_resumed_by_pressing(page: Any, site: Any) -> None:
    flow = site.ask("POST", "/flows/", {"name": "f"})["id"]
    run = site.ask("POST", "/flow_runs/", {"flow_id": flow, "name": "waits"})["id"]
    for state in (
        {"type": "RUNNING"},
        {"type": "PAUSED", "state_details": {"pause_reschedule": True, "pause_key": "1"}},
    ):
        site.ask("POST", f"/flow_runs/{run}/set_state", {"state": state, "force": True})
    page.goto(f"{home(site)}/runs/{run}")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)
    assert site.state(run) != "PAUSED"
