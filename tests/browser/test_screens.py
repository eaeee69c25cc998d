"""What a person sees and does, in a real browser."""

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser.steps import deploy, home, start

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"
FORM = """
from typing import Annotated, Literal
from pydantic import Field
from runwright import flow

@flow
def form(
    count: Annotated[int, Field(le=100)],
    stops: list[str],
    colour: Literal["red", "blue"] = "red",
    note: str = "",
):
    pass
"""


def test_without_a_session_one_is_asked_to_sign_in_and_a_key_will_do(
    chromium: Any, site: Any
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{home(site)}/runs")
    expect(page.get_by_label("Key")).to_be_visible()
    page.get_by_label("Key").fill("rwk_user_000000000000_" + "x" * 43)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not known here")
    made = site.cli("key", "create", "mine").stdout.split()[-1]
    page.get_by_label("Key").fill(made)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/runs")
    [cookie] = context.cookies()
    assert cookie["httpOnly"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key")).to_be_visible()
    page.goto(f"{home(site)}/runs")
    expect(page.get_by_label("Key")).to_be_visible()
    context.close()


def test_a_run_is_watched_live_from_the_button_to_its_end(page: Any, site: Any) -> None:
    expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    deploy(site, "hello")
    start(page, site, "hello/p", name="browser")
    expect(page.get_by_role("heading", name="Why it is not running")).to_be_visible()
    expect(page.get_by_text("No worker of work pool 'p' is online")).to_be_visible()
    site.start_worker("p")
    # Nothing is loaded anew: the page is told.
    expect(page.locator("header").get_by_text("Completed")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("log")).to_contain_text("hello browser")
    assert page.title().startswith("✓")
    page.get_by_label("Level").select_option("error")
    expect(page.get_by_text("0 of")).to_be_visible()
    page.goto(f"{home(site)}/pools/p")
    expect(page.get_by_role("table", name="Workers of p")).to_be_visible()


def test_a_run_is_cancelled_and_run_again_by_pressing(page: Any, site: Any, tmp_path: Path) -> None:
    deploy(site, "held")
    site.start_worker("p")
    start(page, site, "held/p", folder=str(tmp_path))
    expect(page.locator("header").get_by_text("Running")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    asked = page.get_by_role("alertdialog")
    expect(asked).to_contain_text("SIGTERM")
    asked.get_by_role("button", name="Yes, cancel").click()
    expect(page.locator("header").get_by_text("Cancelled")).to_be_visible()
    (tmp_path / "go").touch()
    page.get_by_role("button", name="Run again").click()
    page.get_by_role("link", name="attempt 2").first.click()
    expect(page.locator("header").get_by_text("Completed")).to_be_visible()
    expect(page.get_by_role("navigation", name="Attempts")).to_contain_text("attempt 1")


def test_how_the_machine_did_stands_beside_the_run(page: Any, site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("held", "p")
    site.start_worker("p")
    run = site.run(deployment, folder=str(tmp_path))
    site.until_state(run, "RUNNING")
    for place in (f"runs/{run}", "pools/p"):
        page.goto(f"{home(site)}/{place}")
        figure = page.get_by_role("figure").first
        expect(figure).to_contain_text("Memory")
        expect(figure.get_by_role("img")).to_be_visible()
    # What the run itself takes is there with the reading after the next, ten seconds later.
    readings = f"/flow_runs/{run}/host_readings"
    site.until(lambda: "run_memory_bytes" in site.ask("GET", readings)[-1], 30)
    (tmp_path / "go").touch()
    site.until_state(run, "COMPLETED")
    page.goto(f"{home(site)}/runs/{run}")
    figure = page.get_by_role("figure")
    expect(figure).to_contain_text("Disk")
    expect(figure).to_contain_text(re.compile(r"Memory of the run \d+ MiB"))
    # What is under the pointer is said in place of the latest.
    expect(figure.locator("canvas")).to_be_visible()
    figure.get_by_role("img").hover(position={"x": 600, "y": 40})
    expect(figure).to_contain_text(re.compile(r" at \d\d:\d\d:\d\d"))


def test_a_crash_says_why(page: Any, site: Any, tmp_path: Path) -> None:
    deployment = site.deploy("held", "p")
    site.start_worker("p")
    run = site.run(deployment, folder=str(tmp_path))
    pid = tmp_path / run
    site.until(pid.exists)
    page.goto(f"{home(site)}/runs/{run}")
    expect(page.locator("header").get_by_text("Running")).to_be_visible()
    os.kill(int(pid.read_text()), signal.SIGKILL)
    expect(page.get_by_role("heading", name="Why it crashed")).to_be_visible()
    expect(page.get_by_text("was killed by signal 9").first).to_be_visible()


def test_parameters_that_do_not_fit_are_told_in_the_form(page: Any, site: Any) -> None:
    (site.code / "form.py").write_text(FORM)
    site.cli("work-pool", "create", "p")
    site.cli("deploy", "form.py:form", "--name", "d", "--pool", "p", "--source", str(site.code))
    start(page, site, "form/d", count="many", stops="Lyon")
    expect(page.get_by_text("It is no whole number.")).to_be_visible()
    expect(page.get_by_text("It is no JSON")).to_be_visible()
    page.get_by_label("count").fill("7000")
    page.get_by_label("stops").fill('["Lyon"]')
    page.get_by_role("button", name="Start").click()
    # What only the control plane can judge, in its own words.
    expect(page.get_by_role("alert")).to_contain_text("count")
    page.get_by_label("count").fill("7")
    page.get_by_label("colour").select_option("blue")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/runs/*")
    [run] = site.ask("POST", "/flow_runs/filter", {})
    assert run["parameters"] == {"count": 7, "stops": ["Lyon"], "colour": "blue"}


def test_the_dashboard_shows_what_failed_first_and_by_keys_one_goes_on(
    page: Any, site: Any, tmp_path: Path
) -> None:
    deployment = site.deploy("held", "p")
    site.start_worker("p")
    run = site.run(deployment, folder=str(tmp_path / "absent"))
    page.goto(f"{home(site)}/dashboard")
    failed = page.locator("section").filter(has_text="Failed and crashed")
    expect(failed.get_by_role("listitem")).to_have_count(1, timeout=20_000)
    expect(page.get_by_role("list", name="In all")).to_contain_text("Failed")
    expect(page.get_by_role("table", name="Work pools")).to_contain_text("Ready")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/pools")
    page.go_back()
    page.keyboard.press("Control+k")
    [found] = site.ask("POST", "/flow_runs/filter", {})
    page.get_by_role("combobox", name="Go to").fill(found["name"])
    expect(page.get_by_role("option").filter(has_text=found["name"])).to_be_visible()
    assert Axe().run(page).violations_count == 0
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{run}")
    page.go_back()
    failed.get_by_role("listitem").get_by_role("link").click()
    page.wait_for_url(f"**/runs/{run}")


def test_rows_are_chosen_and_opened_by_keys(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "p")
    for name in ("first", "second"):
        site.ask("POST", f"/deployments/{deployment}/create_flow_run", {"name": name})
    page.goto(f"{home(site)}/runs")
    expect(page.get_by_role("link", name="first")).to_be_visible()
    for key in ("j", "j", "j", "k", "j"):
        page.keyboard.press(key)
    expect(page.get_by_role("link", name="first")).to_be_focused()
    plain = page.locator("#favicon").get_attribute("href")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="first")).to_be_visible()
    expect(page.locator("#favicon")).to_have_attribute("href", re.compile("^data:image/svg"))
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("g v")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("v")
    page.wait_for_url("**/variables")
    assert page.evaluate("document.querySelector('#favicon').href").endswith(plain)


def test_what_is_filtered_is_in_the_address(page: Any, site: Any) -> None:
    deployment = site.deploy("hello", "p")
    for name in ("first", "second"):
        site.ask("POST", f"/deployments/{deployment}/create_flow_run", {"name": name})
    page.goto(f"{home(site)}/runs")
    page.get_by_label("Name").fill("sec")
    expect(page.get_by_role("link", name="second")).to_be_visible()
    expect(page.get_by_role("link", name="first")).to_have_count(0)
    assert "name=sec" in page.url
    page.reload()
    expect(page.get_by_role("link", name="second")).to_be_visible()
    page.goto(f'{home(site)}/runs?not=["SCHEDULED"]')
    expect(page.get_by_text("No run is like this")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_screen_can_be_used_by_everybody(
    page: Any, site: Any, theme: str, tmp_path: Path
) -> None:
    deployment = site.deploy("hello", "p")
    held = site.deploy("held", "held")
    site.start_worker("p")
    runs = [site.run(deployment, name=f"number {n}") for n in range(3)]
    site.until_state(runs[-1], "COMPLETED")
    site.run(held, folder=str(tmp_path))
    page.evaluate(f"localStorage.setItem('theme', '{theme}')")
    screens = (
        "dashboard", "runs", f"runs/{runs[-1]}", "flows", "deployments", "pools", "automations",
        "events", "variables", "limits", "settings",
    )  # fmt: skip
    for screen in screens:
        page.goto(f"{home(site)}/{screen}")
        expect(page.get_by_role("heading").first).to_be_visible()
        page.wait_for_load_state("load")
        page.wait_for_timeout(300)  # what comes after the heading
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        if os.environ.get("PICTURES"):
            name = screen.partition("/")[0] if "/" not in screen else "run"
            page.screenshot(path=PICTURES / f"{name}-{theme}.png")
