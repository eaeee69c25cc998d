"""When tasks ran, on an axis; and the same in words."""

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser.steps import deploy_code, home

#: A nested run, a task that waits to be tried again, and tasks that take the results of others.
PIPELINE = """
from pathlib import Path
from runwright import flow, task

@task
def fetch(number):
    return number

@task(retries=1, retry_delay_seconds=4)
def flaky(number, folder):
    mark = Path(folder, "tried")
    if not mark.exists():
        mark.touch()
        raise ValueError("not yet")
    return number

@task
def add(numbers):
    return sum(numbers)

@flow
def inner():
    return add([fetch.submit(1), fetch.submit(2)])

@flow
def pipeline(folder: str):
    waited = flaky.submit(fetch.submit(0), folder)
    add([waited])
    inner()
"""
WIDE = """
from runwright import flow, task

@task
def one(number):
    return number

@flow
def wide():
    for number in range(10_000):
        one(number)
"""
#: Does something for each frame; what each frame took in ms.
FRAMES = """async (chart, act) => {
  const acts = {
    scroll: () => { chart.scrollTop += 1000; },
    zoom: (step) => chart.dispatchEvent(new KeyboardEvent(
      'keydown', { key: step % 40 < 20 ? '+' : '-', bubbles: true })),
  };
  const frames = [];
  let before = await new Promise(requestAnimationFrame);
  for (let step = 0; step < 90; step++) {
    acts[act](step);
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
  }
  return frames;
}"""


def test_nested_runs_waits_and_dependencies_are_on_the_timeline(
    page: Any, site: Any, tmp_path: Path
) -> None:
    run = site.run(deploy_code(site, PIPELINE, "pipeline"), folder=str(tmp_path))
    site.until(lambda: site.state(run) == "COMPLETED", 40)
    page.goto(f"{home(site)}/runs/{run}")
    chart = page.get_by_role("application", name="When each of 4 tasks ran")
    said = page.locator("output")
    expect(chart).to_be_visible()
    # Four seconds of waiting would be nearly all of the axis: they are folded unasked.
    expect(page.get_by_label("Fold idle time")).to_be_checked()
    page.get_by_label("Fold idle time").uncheck()
    expect(page.get_by_label("Fold idle time")).to_be_visible()

    chart.focus()
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text(re.compile("fetch-0.*completed.*1 took its result"))
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text(re.compile("flaky-0.*2 tries.*took results of 1"))
    # The nested run is the last row; open, its own tasks follow.
    page.keyboard.press("End")
    [nested] = [each for each in site.ask("POST", "/flow_runs/filter", {}) if each["id"] != run]
    expect(said).to_contain_text(nested["name"])
    page.keyboard.press("Space")
    expect(said).to_contain_text("its 3 tasks below")
    page.keyboard.press("End")
    expect(said).to_contain_text(re.compile("add-0.*took results of 2"))
    assert Axe().run(page).violations_count == 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/task-runs/*")
    expect(page.get_by_role("heading", name="add-0")).to_be_visible()
    page.get_by_role("navigation", name="Flow run").get_by_role("link", name=nested["name"]).click()
    page.wait_for_url(f"**/runs/{nested['id']}")

    # By mouse: a press on a bar opens it.
    page.go_back()
    page.goto(f"{home(site)}/runs/{run}")
    chart.hover(position={"x": 300, "y": 32})
    expect(said).to_contain_text("fetch-0")
    chart.click(position={"x": 300, "y": 32})
    expect(page.get_by_role("heading", name="fetch-0")).to_be_visible()


@pytest.mark.timeout(150)
def test_ten_thousand_tasks_are_smooth_and_all_of_them_are_listed(page: Any, site: Any) -> None:
    run = site.run(deploy_code(site, WIDE, "wide"))
    site.until(lambda: site.state(run) == "COMPLETED", 60)
    page.goto(f"{home(site)}/runs/{run}")
    chart = page.get_by_role("application", name="When each of 10000 tasks ran")
    expect(chart).to_be_visible(timeout=30_000)
    chart.scroll_into_view_if_needed()
    for act in ("scroll", "zoom"):
        frames = sorted(chart.evaluate(FRAMES, act))
        # 16.7 ms are 60 frames a second. The machine has two cores for server, browser and test.
        assert frames[len(frames) // 2] < 20, (act, frames)
    chart.hover(position={"x": 300, "y": 60})
    expect(page.locator("output")).to_contain_text("completed")

    table = page.get_by_role("table", name="Tasks")
    expect(table).to_have_attribute("aria-rowcount", "10001")
    rows = page.get_by_role("region", name="List of tasks")
    rows.evaluate("list => list.scrollTo(0, list.scrollHeight)")
    expect(table.get_by_role("link", name="one-9999", exact=True)).to_be_visible()
    page.get_by_label("Task", exact=True).fill("one-777")
    expect(table).to_have_attribute("aria-rowcount", "12")
    page.get_by_role("group", name="State").get_by_role("button", name="Completed 11").click()
    page.get_by_label("Order").select_option("by name")
    expect(table.get_by_role("link").first).to_have_text("one-777")


def test_a_timeline_grows_while_its_run_goes_on_and_is_asked_for_no_more_when_it_has_ended(
    page: Any, site: Any, tmp_path: Path
) -> None:
    deployment = deploy_code(site, PIPELINE, "pipeline")
    asked: list[str] = []
    page.on("request", lambda sent: "graph-v2" in sent.url and asked.append(sent.url))
    run = site.run(deployment, folder=str(tmp_path))
    page.goto(f"{home(site)}/runs/{run}")
    # One task waits to be tried again: nothing moves but tasks.
    tasks = page.get_by_role("table", name="Tasks")
    expect(tasks).to_contain_text("AwaitingRetry", timeout=15_000)
    expect(page.get_by_role("application", name="When each of 2 tasks ran")).to_be_visible()
    expect(page.get_by_role("application", name="When each of 4 tasks ran")).to_be_visible(
        timeout=20_000
    )
    expect(page.locator("header").get_by_text("Completed")).to_be_visible(timeout=20_000)
    # While it ran, only what was new; then all of it, once.
    site.until(lambda: asked and "since" not in asked[-1])
    assert any("since=" in each for each in asked)
    known = len(asked)
    other = site.run(deployment, folder=str(tmp_path))
    site.until(lambda: site.state(other) == "COMPLETED", 40)
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="Completed")).to_have_count(4)
    assert len(asked) == known
