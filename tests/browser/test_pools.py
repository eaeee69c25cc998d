"""The pages of one pool, worker, deployment and flow; the dashboard and the keys."""

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser.steps import deploy, home


def test_a_pool_is_watched_and_changed(page: Any, site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("held", "p")
    site.start_worker("p", "--name", "w1", "--limit", "2")
    run = site.run(deployment, folder=str(tmp_path))
    site.until_state(run, "RUNNING")
    page.goto(f"{home(site)}/pools")
    page.get_by_role("table", name="Work pools").get_by_role("link", name="p", exact=True).click()
    expect(page.get_by_role("heading", name="p", exact=True)).to_be_visible()
    name = site.ask("GET", f"/flow_runs/{run}")["name"]
    running = page.get_by_role("table", name="Running in this pool")
    expect(running.get_by_role("row").filter(has_text=name)).to_contain_text("w1")

    # The pool's limit and pause, and what waits because of them.
    page.get_by_label("Change the limit of p").click()
    page.get_by_label("Limit of p; empty: none").fill("1")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("1 of 1").first).to_be_visible()
    waiting = site.ask("GET", f"/flow_runs/{site.run(deployment, folder=str(tmp_path))}")["name"]
    table = page.get_by_role("table", name="Next in this pool")
    expect(table.get_by_role("link", name=waiting)).to_be_visible()
    page.locator("header").get_by_role("button", name="Pause").click()
    expect(page.locator("header").get_by_text("Paused")).to_be_visible()
    page.locator("header").get_by_role("button", name="Resume").click()
    expect(page.locator("header").get_by_text("Ready")).to_be_visible()

    _change_queues(page, site)
    _look_at_worker(page, name)
    (tmp_path / "go").touch()
    last = page.get_by_role("table", name="Last runs of this worker")
    expect(last.get_by_role("link", name=name)).to_be_visible(timeout=30_000)


def _change_queues(page: Any, site: Any) -> None:
    """Made, put first, limited, paused."""
    form = page.get_by_role("form", name="Make a queue")
    form.get_by_label("New queue").fill("urgent")
    form.get_by_label("Limit").fill("3")
    form.get_by_role("button", name="Make it").click()
    rows = page.get_by_role("table", name="Queues").get_by_role("row")
    expect(rows.nth(2)).to_contain_text("urgent")
    page.get_by_label("Serve urgent earlier").click()
    expect(rows.nth(1)).to_contain_text("urgent")
    page.get_by_label("Serve urgent later").click()
    expect(rows.nth(2)).to_contain_text("urgent")
    rows.nth(2).get_by_role("button", name="Pause").click()
    expect(rows.nth(2)).to_contain_text("Paused")
    assert site.ask("GET", "/work_pools/p/queues/urgent")["concurrency_limit"] == 3
    form.get_by_label("New queue").fill("urgent")
    form.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("has a queue 'urgent' already")


def _look_at_worker(page: Any, run: str) -> None:
    page.get_by_role("table", name="Workers of p").get_by_role("link", name="w1").click()
    expect(page.get_by_role("heading", name="w1")).to_be_visible()
    expect(page.get_by_text("1 of 2")).to_be_visible()
    running = page.get_by_role("table", name="Running on this worker")
    expect(running.get_by_role("link", name=run)).to_be_visible()
    expect(page.get_by_role("figure")).to_contain_text("Memory")
    assert Axe().run(page).violations_count == 0


def test_a_job_template_is_edited_refused_and_reset(page: Any, site: Any) -> None:
    site.cli("work-pool", "create", "p")
    page.goto(f"{home(site)}/pools/p")
    expect(page.get_by_text("It is the default of the type process.")).to_be_visible()
    form = page.get_by_role("form", name="Defaults")
    form.get_by_label("Environment variables").fill("A=1")
    expect(form.get_by_text("It is no JSON")).to_be_visible()
    expect(form.get_by_role("button", name="Save the defaults")).to_be_disabled()
    form.get_by_label("Environment variables").fill('{"A": "1"}')
    form.get_by_label("Start method").select_option("spawn")
    form.get_by_role("button", name="Save the defaults").click()
    differs = page.get_by_role("table", name="Differences")
    expect(differs).to_contain_text("variables.properties.start_method.default")
    expect(differs.get_by_role("row")).to_have_count(3)
    kept = site.ask("GET", "/work_pools/p")["base_job_template"]["variables"]["properties"]
    assert (kept["env"]["default"], kept["start_method"]["default"]) == ({"A": "1"}, "spawn")

    page.get_by_role("button", name="JSON", exact=True).click()
    editor = page.get_by_label("The job template as JSON")
    text = editor.input_value()
    editor.fill(text.replace('"type": "object",', '"type": "object"', 1))
    expect(page.get_by_role("alert")).to_contain_text("Line ")
    editor.fill(text.replace("{{ python }}", "{{ snake }}"))
    page.get_by_role("button", name="Save the template").click()
    # The control plane's own words, at the line that they are about.
    line = 1 + text[: text.index("{{ python }}")].count("\n")
    expect(page.get_by_role("alert")).to_contain_text(f"Line {line}: The job configuration uses")
    page.get_by_role("button", name="Put in the default of its type").click()
    page.get_by_role("button", name="Save the template").click()
    expect(page.get_by_text("It is the default of the type process.")).to_be_visible()
    assert (
        "default"
        not in site.ask("GET", "/work_pools/p")["base_job_template"]["variables"]["properties"][
            "env"
        ]
    )


def test_a_deployment_has_a_page_of_its_own(page: Any, site: Any) -> None:
    deploy(site, "hello")
    page.goto(f"{home(site)}/deployments")
    page.get_by_role("link", name="hello/p").click()
    expect(page.get_by_role("heading", name="hello/p")).to_be_visible()

    _change_schedules(page)
    _change_deployment(page)
    [kept] = site.ask("POST", "/deployments/filter", {})
    assert (kept["description"], kept["tags"]) == ("Says hello.", ["nightly", "eu"])
    assert (kept["parameters"], kept["concurrency_limit"]) == ({"name": "Ada"}, 2)

    page.get_by_role("heading", name="hello/p").get_by_role("link").click()
    expect(page.get_by_role("heading", name="hello", exact=True)).to_be_visible()
    page.get_by_role("table", name="Deployments").get_by_role("link", name="p").click()
    expect(page.get_by_text("Says hello.")).to_be_visible()


def _change_schedules(page: Any) -> None:
    page.get_by_role("button", name="Add a schedule").click()
    form = page.get_by_role("form", name="Add a schedule")
    form.get_by_role("textbox", name="Rule").fill("61 5 * * *")
    form.get_by_label("Timezone").fill("Europe/Berlin")
    form.get_by_role("button", name="Add it").click()
    expect(form.get_by_role("alert")).to_be_visible()
    form.get_by_role("textbox", name="Rule").fill("30 5 * * *")
    expect(form.get_by_text("every day at 05:30 Europe/Berlin")).to_be_visible()
    form.get_by_role("button", name="Add it").click()
    row = page.get_by_role("table", name="Schedules").get_by_role("row").filter(has_text="05:30")
    expect(row.get_by_role("time")).to_contain_text("in ")
    # What the scheduler has made of it.
    expect(page.get_by_role("table", name="Next runs").get_by_role("row").nth(1)).to_be_visible()
    row.get_by_role("button", name="Edit").click()
    form = page.get_by_role("form", name="Change the schedule")
    form.get_by_label("Runs").select_option("interval")
    form.get_by_role("textbox", name="Rule").fill("soon")
    expect(form.get_by_role("alert")).to_contain_text("It is no interval")
    form.get_by_role("textbox", name="Rule").fill("90 min")
    form.get_by_role("button", name="Keep it").click()
    row = page.get_by_role("table", name="Schedules").get_by_role("row").filter(has_text="every")
    expect(row).to_contain_text("every 1 h 30 min")
    row.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("Off")


def _change_deployment(page: Any) -> None:
    page.get_by_role("button", name="Edit", exact=True).first.click()
    form = page.get_by_role("form", name="Edit the deployment")
    form.get_by_label("Description").fill("Says hello.")
    form.get_by_label("Tags").fill("nightly, eu")
    form.get_by_label("How many at once").fill("2")
    form.get_by_label("Beyond that").select_option("CANCEL_NEW")
    form.get_by_label("name").fill("Ada")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    expect(page.get_by_text("2, others are cancelled")).to_be_visible()


def test_the_dashboard_says_what_waits_in_vain(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "lonely")
    site.run(deployment)
    page.goto(f"{home(site)}/dashboard")
    pools = page.get_by_role("table", name="Work pools")
    expect(pools).to_contain_text("No worker online: 1 waiting", timeout=90_000)
    expect(page.get_by_text("Nothing is stuck.")).to_be_visible()
    pools.get_by_role("link", name="lonely").click()
    expect(page.get_by_text("No worker is online: nothing of this pool runs.")).to_be_visible()


def test_a_key_has_the_scopes_and_the_time_that_were_chosen(page: Any, site: Any) -> None:
    page.goto(f"{home(site)}/settings")
    page.get_by_label("Name").fill("dashboards")
    page.get_by_label("Expires").select_option("in 30 days")
    page.locator("summary").filter(has_text="Scopes: all").click()
    page.get_by_role("button", name="Reading alone").click()
    page.get_by_label("blocks:read").uncheck()
    page.get_by_role("button", name="Make a key").click()
    row = page.get_by_role("row").filter(has_text="dashboards")
    expect(row).to_contain_text(re.compile("in (29|30) d"))
    [made] = [key for key in site.ask("POST", "/keys/filter", {}) if key["name"] == "dashboards"]
    assert "runs:read" in made["scopes"]
    assert all(scope.endswith(":read") for scope in made["scopes"])
    assert "blocks:read" not in made["scopes"]
    page.locator("summary").filter(has_text="pools:poll").click()
    expect(page.get_by_text("POST /work_pools/{name}/workers/{instance_id}/sync")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_of_one_thing_can_be_used_by_everybody(
    page: Any, site: Any, theme: str, tmp_path: Path
) -> None:
    deployment = site.deploy("held", "p")
    site.start_worker("p", "--name", "w1")
    site.until_state(site.run(deployment, folder=str(tmp_path)), "RUNNING")
    flow = site.ask("GET", f"/deployments/{deployment}")["flow_id"]
    [worker] = site.ask("POST", "/work_pools/p/workers/filter", {})
    page.evaluate(f"localStorage.setItem('theme', '{theme}')")
    for screen in (
        f"flows/{flow}",
        f"deployments/{deployment}",
        "pools/p",
        f"pools/p/workers/{worker['id']}",
    ):
        page.goto(f"{home(site)}/{screen}")
        expect(page.get_by_role("table").first).to_be_visible()
        if screen == "pools/p":
            page.get_by_role("button", name="JSON", exact=True).click()
        page.wait_for_timeout(300)  # what comes after the first table
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
