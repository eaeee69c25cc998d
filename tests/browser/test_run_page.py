"""The page of one run: what can be done with it, why it ended badly, and what to do then."""

import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser.steps import deploy, home, start

BROKEN = """
from runwright import flow, get_run_logger

def deeper():
    raise ValueError("12 rows of south have no price")

@flow
def broken(note: str = "it's $HOME"):
    for number in range(200):
        get_run_logger().info("line %d", number)
    deeper()
"""


def no_violation(page: Any) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def in_both_themes(page: Any) -> None:
    """With whatever is open."""
    root = "document.documentElement.dataset.theme"
    for theme in ("light", "dark"):
        page.evaluate(f"{root} = '{theme}'")
        no_violation(page)


def test_a_crash_says_what_to_do_and_what_opens_is_closed_by_keys(
    page: Any, site: Any, tmp_path: Path
) -> None:
    deploy(site, "held")
    site.start_worker("p")
    start(page, site, "held/p", folder=str(tmp_path))
    page.wait_for_url("**/runs/*")
    run = page.url.rpartition("/")[2]
    os.kill(site.flow_pid(tmp_path, run), signal.SIGKILL)
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Why it crashed"))
    expect(card).to_contain_text("SIGKILL came from outside")
    expect(card.get_by_label("What to do")).to_contain_text("journalctl --dmesg")
    expect(page.locator("main header").get_by_text("It was killed.")).to_be_visible()
    expect(page.get_by_role("link", name="held", exact=True)).to_be_visible()
    in_both_themes(page)

    _copy_as_a_command(page, tmp_path)
    _run_again_with_another_folder(page, tmp_path)
    _delete(page)


def _copy_as_a_command(page: Any, tmp_path: Path) -> None:
    copy = page.get_by_role("button", name="Copy as command")
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Inspect")).to_be_focused()
    in_both_themes(page)
    page.keyboard.press("Escape")
    expect(copy).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Run with these parameters").press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert shlex.split(copied) == [
        "runwright", "deployment", "run", "held/p", "--param", f"folder={tmp_path}",
    ]  # fmt: skip


def _run_again_with_another_folder(page: Any, tmp_path: Path) -> None:
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Run with changed parameters").click()
    form = page.get_by_role("dialog", name="Run p again")
    expect(form.get_by_label("folder")).to_have_value(str(tmp_path))
    no_violation(page)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/go").touch()
    form.get_by_label("folder").fill(str(tmp_path / "other"))
    form.get_by_role("button", name="Start").click()
    expect(page.locator("main header").get_by_text("Completed")).to_be_visible()
    expect(form).to_have_count(0)


def _delete(page: Any) -> None:
    address = page.url
    more = page.get_by_role("button", name="More")
    asked = page.get_by_role("alertdialog")
    more.click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(asked.get_by_role("button", name="No")).to_be_focused()
    in_both_themes(page)
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(more).to_be_focused()
    more.click()
    page.get_by_role("menuitem", name="Delete").click()
    asked.get_by_role("button", name="Yes, delete").click()
    page.wait_for_url("**/runs")
    page.goto(address)
    expect(page.get_by_role("link", name="All runs")).to_be_visible()


def test_a_failure_shows_its_traceback_and_leads_to_it_in_the_log(page: Any, site: Any) -> None:
    (site.code / "broken.py").write_text(BROKEN)
    site.cli("work-pool", "create", "p")
    site.cli("deploy", "broken.py:broken", "--name", "d", "--pool", "p", "--source", str(site.code))
    site.start_worker("p")
    start(page, site, "broken/d")
    expect(page.get_by_role("heading", name="Why it failed")).to_be_visible(timeout=30_000)
    error = page.get_by_label("The error in its log")
    expect(error).to_contain_text("in deeper")
    expect(error).to_contain_text("ValueError: 12 rows of south have no price")
    page.get_by_role("link", name="Show it in the log").click()
    line = page.get_by_role("log").locator("[aria-current=location]")
    expect(line).to_contain_text("Traceback")
    in_both_themes(page)
    # What is copied does the same in a shell, whatever the parameters are.
    deployment = site.ask("POST", "/deployments/filter", {})[0]["id"]
    odd = {"note": 'it\'s $HOME; `id` "x" \\ 😀'}
    run = site.run(deployment, **odd)
    page.goto(f"{home(site)}/runs/{run}")
    page.get_by_role("button", name="Copy as command").click()
    page.get_by_role("menuitem", name="Run with these parameters").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    told = subprocess.run(
        ["/bin/sh", "-c", copied.replace("runwright", "printf '%s\\0'", 1)],
        capture_output=True, text=True, check=True, timeout=10,
    ).stdout  # fmt: skip
    assert told.split("\0")[-2] == f"note={odd['note']}"


def test_of_a_machine_that_is_gone_the_page_says_when_it_was_heard_last(
    page: Any, site: Any, tmp_path: Path
) -> None:
    deployment = site.deploy("held", "p")
    worker = site.start_worker("p")
    run = site.run(deployment, folder=str(tmp_path))
    site.until(lambda: site.logs(run))
    page.goto(f"{home(site)}/runs/{run}")
    for process in (worker, *worker.children(recursive=True)):
        process.kill()
    expect(page.get_by_text("Nothing was heard of it any more.").last).to_be_visible(timeout=30_000)
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Why it crashed"))
    expect(card).to_contain_text("Last heard of")
    expect(card).to_contain_text("Flow run started (flow 'held').")
    expect(card.get_by_role("link", name="Work pool p")).to_be_visible()


def test_a_running_run_is_paused_its_process_goes_and_a_worker_begins_it_again(
    page: Any, site: Any, tmp_path: Path
) -> None:
    deployment = site.deploy("held", "p")
    site.start_worker("p")
    run = site.run(deployment, folder=str(tmp_path))
    pid = site.flow_pid(tmp_path, run)
    page.goto(f"{home(site)}/runs/{run}")
    page.get_by_role("button", name="Pause").click()
    asked = page.get_by_role("alertdialog")
    expect(asked).to_contain_text("from its first line")
    asked.get_by_role("button", name="Yes, pause").click()
    header = page.locator("main header")
    expect(header.get_by_text("Suspended")).to_be_visible()
    site.until(lambda: not psutil.pid_exists(pid))
    expect(header.get_by_role("button", name="Pause")).to_have_count(0)
    (tmp_path / "go").touch()
    header.get_by_role("button", name="Resume").click()
    expect(header.get_by_text("Completed")).to_be_visible(timeout=30_000)


def test_a_server_that_goes_away_is_said_to_and_the_page_goes_on_when_it_returns(
    page: Any, site: Any
) -> None:
    deployment = site.deploy("hello", "p")
    run = site.run(deployment)
    page.goto(f"{home(site)}/runs/{run}")
    expect(page.get_by_role("heading", name="Why it is not running")).to_be_visible()
    site.stop_server()
    expect(page.get_by_role("alert")).to_contain_text("The server has not answered since")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.set_viewport_size({"width": 700, "height": 900})
    site.start_server()
    site.ask("PATCH", f"/flow_runs/{run}", {"name": "renamed meanwhile"})
    expect(page.get_by_role("heading", name="renamed meanwhile")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("alert")).to_have_count(0)
    # In a narrow window nothing is cut off, and the screens are in a menu.
    wide = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wide
    page.get_by_role("button", name="Screens").click()
    page.get_by_role("menuitem", name="Variables").click()
    page.wait_for_url("**/variables")
    no_violation(page)
