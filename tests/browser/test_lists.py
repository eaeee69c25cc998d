"""Screens that list what the control plane keeps, and change it."""

from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.steps import home

RULE = {
    "name": "stop what fails",
    "trigger": {
        "type": "event",
        "posture": "Reactive",
        "expect": ["order.failed"],
        "threshold": 3,
        "within": 60,
    },
    "actions": [{"type": "pause-deployment", "source": "inferred"}],
}


def test_variables_are_set_changed_and_deleted(page: Any, site: Any) -> None:
    page.goto(f"{home(site)}/variables")
    page.get_by_label("Name").fill("region")
    page.get_by_label("Value").fill("eu")
    page.get_by_role("button", name="Set").click()
    row = page.get_by_role("row").filter(has_text="region")
    expect(row).to_contain_text('"eu"')
    page.get_by_label("Edit region").click()
    page.get_by_label("Value").fill('{"zones": [1, 2]}')
    page.get_by_role("button", name="Change").click()
    expect(row).to_contain_text('{"zones":[1,2]}')
    assert site.ask("GET", "/variables/name/region")["value"] == {"zones": [1, 2]}
    page.get_by_label("Name").fill("not a name!")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Delete region").click()
    page.get_by_label("Yes, delete region").click()
    expect(page.get_by_text("No variable is set")).to_be_visible()


def test_limits_are_set_and_switched_off(page: Any, site: Any) -> None:
    page.goto(f"{home(site)}/limits")
    page.get_by_label("Name").fill("database")
    page.get_by_label("Slots").fill("3")
    page.get_by_role("button", name="Set").click()
    row = page.get_by_role("row").filter(has_text="database")
    expect(row).to_contain_text("0 of 3")
    site.ask("POST", "/v2/concurrency_limits/increment", {"names": ["database"], "slots": 2})
    page.reload()
    expect(row).to_contain_text("2 of 3")
    row.get_by_role("button", name="Switch off").click()
    expect(row.get_by_role("button", name="Switch on")).to_be_visible()
    assert site.ask("GET", "/v2/concurrency_limits/database")["active"] is False


def test_automations_are_told_in_words_and_switched_off(page: Any, site: Any) -> None:
    made = site.ask("POST", "/automations/", RULE)["id"]
    page.goto(f"{home(site)}/automations")
    row = page.get_by_role("row").filter(has_text="stop what fails")
    expect(row).to_contain_text("when order.failed happens 3 times within 60 s")
    expect(row).to_contain_text("pause deployment")
    row.get_by_role("button", name="Firings").click()
    expect(page.get_by_text("It has not fired yet.")).to_be_visible()
    happened = {
        "id": "3b6d7f52-3b5c-4b9b-9f43-0c2f0a4f6a11",
        "occurred": "2026-01-01T00:00:00Z",
        "event": "order.failed",
        "resource": {
            "prefect.resource.id": "elsewhere",
            "prefect.resource.name": "a run elsewhere",
        },
    }
    events = [happened | {"id": happened["id"][:-1] + str(number)} for number in range(3)]
    site.ask("POST", "/events", events)
    fired = page.get_by_role("table", name="Firings").get_by_role("row").nth(1)
    expect(fired).to_contain_text("a run elsewhere")
    expect(fired).to_contain_text("pause deployment: cannot be done")
    expect(fired).to_contain_text("names no deployment")
    row.get_by_role("button", name="Switch off").click()
    expect(row.get_by_role("button", name="Switch on")).to_be_visible()
    assert site.ask("GET", f"/automations/{made}")["enabled"] is False


def test_events_come_by_themselves_and_lead_to_their_run(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "p")
    page.goto(f"{home(site)}/events")
    expect(page.get_by_role("heading", name="Events")).to_be_visible()
    body = {"name": "told about"}
    run = site.ask("POST", f"/deployments/{deployment}/create_flow_run", body)["id"]
    line = page.get_by_role("listitem").filter(has_text="told about")
    expect(line.first).to_be_visible(timeout=20_000)
    line.first.locator("summary").click()
    line.first.get_by_role("link", name="To the run").click()
    page.wait_for_url(f"**/runs/{run}")


def test_a_key_is_made_shown_once_and_revoked(page: Any, site: Any) -> None:
    site.cli("work-pool", "create", "p")
    page.goto(f"{home(site)}/settings")
    page.get_by_label("Name").fill("for the cluster")
    page.get_by_label("For").select_option("workers of p")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_text("It is shown this once")).to_be_visible()
    expect(page.locator("code").filter(has_text="rwk_")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="for the cluster")
    expect(row).to_contain_text("workers of p")
    row.get_by_label("Delete for the cluster").click()
    page.get_by_label("Yes, delete for the cluster").click()
    expect(row).to_contain_text("revoked")
    page.reload()
    expect(row).to_be_visible()
    assert page.get_by_text("It is shown this once").count() == 0


def test_flows_lead_to_their_runs(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "p")
    site.ask("POST", f"/deployments/{deployment}/create_flow_run", {"name": "of hello"})
    page.goto(f"{home(site)}/flows")
    page.get_by_role("table", name="Flows").get_by_role("link", name="hello").click()
    page.get_by_role("link", name="all of this flow").click()
    expect(page.get_by_role("link", name="of hello")).to_be_visible()


def test_runs_are_found_by_what_they_belong_to_and_what_not(page: Any, site: Any) -> None:
    for flow in ("hello", "where"):
        deployment = site.deploy(flow, f"pool-{flow}")
        body = {"name": f"of {flow}", "tags": [f"tag-{flow}"]}
        site.ask("POST", f"/deployments/{deployment}/create_flow_run", body)
    page.goto(f"{home(site)}/runs?tag=tag-where")
    here, there = (page.get_by_role("link", name=f"of {flow}") for flow in ("hello", "where"))
    expect(there).to_be_visible()
    expect(page.get_by_label("Tag", exact=True)).to_have_value("tag-where")
    page.get_by_role("link", name="Clear all filters").click()
    expect(here).to_be_visible()
    page.get_by_label("Flow").select_option("hello")
    expect(there).to_have_count(0)
    page.get_by_label("Flow").select_option("not hello")
    expect(here).to_have_count(0)
    expect(there).to_be_visible()
    assert "notFlow=hello" in page.url
    page.get_by_label("Work pool").select_option("not pool-where")
    expect(page.get_by_text("No run is like this")).to_be_visible()


def test_a_deployment_says_when_it_runs_is_paused_and_goes_back(page: Any, site: Any) -> None:
    site.cli("work-pool", "create", "p")
    for colour in ("red", "blue"):
        site.cli(
            "deploy", "flows.py:hello", "--name", "d", "--pool", "p", "--source", str(site.code),
            "--cron", "0 5 * * *", "--param", f"name={colour}",
        )  # fmt: skip
    page.goto(f"{home(site)}/deployments")
    row = page.get_by_role("row").filter(has_text="hello/d")
    expect(row).to_contain_text("every day at 05:00")
    expect(row.get_by_role("time")).to_contain_text("in ")
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused")
    row.get_by_role("button", name="Resume").click()
    expect(row.get_by_role("button", name="Pause")).to_be_visible()
    row.get_by_role("button", name="Versions").click()
    versions = page.get_by_role("table", name="Versions")
    expect(versions.get_by_role("row")).to_have_count(3)
    versions.get_by_role("button", name="Go back to 1").click()
    expect(versions.get_by_role("row")).to_have_count(4)
    [deployment] = site.ask("POST", "/deployments/filter", {})
    assert deployment["parameters"] == {"name": "red"}
