"""What a flow has published, on the page of its run."""

from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.steps import home
from tests.browser.test_run_page import in_both_themes

REPORTS = """
from runwright import flow
from runwright.artifacts import (
    create_image_artifact, create_link_artifact, create_markdown_artifact,
    create_progress_artifact, create_table_artifact,
)

SVG = b'''<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10" onload="window.ran = 3">
<script>window.ran = 4; parent.window.ran = 5</script><rect width="20" height="10"/></svg>'''

@flow
def reports():
    create_table_artifact([{"region": "north", "rows": 12}, {"region": "south"}], key="sums")
    create_image_artifact(SVG, key="plot")
    create_image_artifact(image_url="https://example.com/far.png", key="far")
    create_progress_artifact(40, key="done")
    create_link_artifact("https://example.com/report", "the report", key="link")
    create_markdown_artifact(
        "[x](javascript:window.ran=2) <script>window.ran = 1</script>", key="odd"
    )
    create_markdown_artifact(
        "# Prices\\n\\n| region | price |\\n|---|---|\\n| north | 12 |\\n\\n- [x] checked\\n\\n"
        "```python\\nprint(1)\\n```\\n[docs](https://example.com/docs) ![far](https://example.com/a.png)",
        key="notes",
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
    plot = page.get_by_role("img", name="plot")
    assert plot.evaluate("image => image.decode().then(() => image.naturalWidth)") == 20
    far = page.locator("li").filter(has_text="far.png")
    assert far.locator("img").count() == 0
    odd = page.locator("li").filter(has_text="odd")
    expect(odd.get_by_text("x", exact=True)).to_be_visible()
    expect(odd.get_by_role("link")).to_have_count(0)
    assert page.evaluate("window.ran") is None
    notes = page.locator("li").filter(has_text="notes")
    expect(notes.get_by_role("heading", name="Prices", level=3)).to_be_visible()
    expect(notes.get_by_role("cell", name="12")).to_be_visible()
    expect(notes.get_by_role("link", name="docs")).to_have_attribute("rel", "noopener noreferrer")
    # A picture from elsewhere is a link: to load it would tell somebody who looks.
    expect(notes.get_by_role("link", name="picture: far")).to_be_visible()
    assert notes.locator("img").count() == 0
    in_both_themes(page)
