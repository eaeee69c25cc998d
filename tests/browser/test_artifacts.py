"""What a flow has published, on the page of its run."""

from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.steps import home

REPORTS = """
from runwright import flow
from runwright.artifacts import (
    create_link_artifact, create_markdown_artifact, create_progress_artifact, create_table_artifact,
)

@flow
def reports():
    create_table_artifact([{"region": "north", "rows": 12}, {"region": "south"}], key="sums")
    create_progress_artifact(40, key="done")
    create_link_artifact("https://example.com/report", "the report", key="link")
    create_markdown_artifact(
        "<script>window.ran = 1</script> [x](javascript:window.ran=2)", key="odd"
    )
"""


def test_artifacts_are_shown_and_none_becomes_a_script(page: Any, site: Any) -> None:
    (site.code / "reports.py").write_text(REPORTS)
    site.cli("work-pool", "create", "p")
    site.cli(
        "deploy", "reports.py:reports", "--name", "d", "--pool", "p", "--source", str(site.code)
    )
    site.start_worker("p")
    [deployment] = site.ask("POST", "/deployments/filter", {})
    run = site.run(deployment["id"])
    site.until_state(run, "COMPLETED")
    page.goto(f"{home(site)}/runs/{run}")
    table = page.get_by_role("table", name="sums")
    expect(table.get_by_role("row").filter(has_text="north")).to_contain_text("12")
    expect(page.get_by_role("progressbar", name="done")).to_have_attribute("value", "40")
    link = page.get_by_role("link", name="the report")
    expect(link).to_have_attribute("href", "https://example.com/report")
    expect(page.get_by_text("[x](javascript:window.ran=2)")).to_be_visible()
    assert page.evaluate("window.ran") is None
