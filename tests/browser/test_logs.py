"""Reading a log: coloured, in one's own order, and taken elsewhere."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.steps import home

LOUD = r"""
from runwright import flow, get_run_logger

@flow
def loud():
    logger = get_run_logger()
    for number in range(400):
        logger.info("line %d", number)
    logger.warning("\x1b[31mhot\x1b[0m and " + "long " * 100)
    logger.error("one\ntwo\nthree")
    logger.info("after")
"""


@pytest.fixture
def loud(page: Any, site: Any) -> Any:
    """The log of a run that has said much."""
    (site.code / "loud.py").write_text(LOUD)
    site.cli("work-pool", "create", "p")
    site.cli("deploy", "loud.py:loud", "--name", "d", "--pool", "p", "--source", str(site.code))
    site.start_worker("p")
    [deployment] = site.ask("POST", "/deployments/filter", {})
    run = site.run(deployment["id"])
    site.until_state(run, "COMPLETED")
    page.goto(f"{home(site)}/runs/{run}")
    return page.get_by_role("log")


def test_a_log_is_read_from_its_end_in_its_colours(page: Any, loud: Any) -> None:
    log = loud
    # The end is shown; the three lines of the error stand above what came after it.
    last = log.get_by_text("after", exact=True)
    expect(last).to_be_visible()
    error = log.get_by_text("three").bounding_box()
    assert error["y"] + error["height"] <= last.bounding_box()["y"] + 1
    hot = log.get_by_text("hot", exact=True)
    expect(hot).to_have_class("text-bad")
    narrow = log.evaluate("box => box.scrollWidth > box.clientWidth")
    page.get_by_label("Wrap").check()
    expect(last).to_be_visible()
    assert narrow
    assert not log.evaluate("box => box.scrollWidth > box.clientWidth")


def test_a_log_is_copied_and_kept(page: Any, loud: Any, tmp_path: Path) -> None:
    page.get_by_label("Text").fill("line 7")
    expect(page.get_by_text("11 of")).to_be_visible()
    log = page.locator("section").filter(has=loud)
    log.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(copied) == 11
    assert copied[0].endswith("INFO     line 7")
    page.get_by_label("Text").fill("")
    with page.expect_download() as told:
        page.get_by_role("button", name="Download").click()
    told.value.save_as(tmp_path / "log")
    kept = (tmp_path / "log").read_text()
    assert kept.count(" line ") == 400
    assert "\x1b" not in kept


def test_a_line_has_an_address(page: Any, site: Any, loud: Any) -> None:
    page.get_by_label("Text").fill("line 123")
    loud.get_by_title("Link to this line").click()
    address = page.url
    assert "#log-" in address
    page.goto(f"{home(site)}/runs")
    page.goto(address)
    linked = page.locator('[aria-current="location"]')
    expect(linked).to_contain_text("line 123")
    expect(linked).to_be_in_viewport()
