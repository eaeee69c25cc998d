"""No text becomes more than a text: a corpus of payloads in every field, on every screen."""

from typing import Any
from urllib.parse import quote, urlsplit

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.payloads import PAYLOADS, Planter
from tests.browser.steps import home

SCREENS = (
    "dashboard", "runs", "flows", "deployments", "pools", "automations", "events", "variables",
    "limits", "settings",
)  # fmt: skip
#: More would take long and show nothing new.
MOST_DETAILS = 40
WATCH = """
  window.violations = [];
  addEventListener('securitypolicyviolation', (e) =>
    window.violations.push(`${e.violatedDirective}: ${e.blockedURI}`));
"""
#: What acted, what the policy had to stop, and what no text may become.
TROUBLES = """() => {
  document.querySelectorAll('details').forEach((each) => (each.open = true));
  const odd = [
    'script', 'iframe', 'object', 'embed', 'base', 'meta', 'link', 'style', 'animate', 'mglyph',
    '[onerror]', '[onload]', '[onclick]', '[onfocus]', '[onmouseover]', '[ontoggle]', '[onbegin]',
    'form[action]', '[formaction]', '#content #content', 'img:not([src^="data:image/"])',
  ].flatMap((each) => [...document.querySelectorAll(`#root ${each}`)].map((e) => e.outerHTML));
  const links = [...document.querySelectorAll('#root a')]
    .filter((each) => each.href && !/^(https?|mailto):/.test(each.href)).map((each) => each.href);
  const acted = window.pwned ? [`pwned ${window.pwned}`] : [];
  return [...odd, ...links, ...window.violations, ...acted];
}"""


@pytest.mark.timeout(240)
def test_no_text_becomes_more_than_a_text(page: Any, site: Any) -> None:
    planter = Planter(site)
    runs = [planter.everywhere(number, text) for number, text in enumerate(PAYLOADS)]
    for kind in ("variable", "automation", "key", "event", "view", "run", "log", "state"):
        assert planter.taken[kind] == len(PAYLOADS), (kind, planter.taken)
    for kind in (
        "flow's name",
        "limit",
        "pool's name",
        "queue's name",
        "deployment's name",
        "task",
        "worker",
    ):
        assert planter.taken[kind] > 0, (kind, planter.taken)
    page.add_init_script(WATCH)
    reader = Reader(page)
    details: set[str] = set()
    for screen in SCREENS:
        reader.open(f"{home(site)}/{screen}")
        links = page.evaluate("[...document.querySelectorAll('main a')].map((a) => a.href)")
        details |= {each for each in links if each.startswith(home(site))}
    seen = [each for each in sorted(details) if "/runs" not in urlsplit(each).path]
    for address in seen[:MOST_DETAILS]:
        reader.open(address)
    for run, text in zip(runs, PAYLOADS, strict=True):
        reader.open(f"{home(site)}/runs/{run}")
        expect(page.locator("li .markdown").first).to_be_visible()
        expect(page.get_by_role("log")).to_contain_text(text[:8].strip("\u202e"))
        reader.judge(text)
    for text in PAYLOADS[::4]:
        word = quote(text, safe="")
        query = f"name={word}&flow={word}&state={word}&before={word}"
        reader.open(f"{home(site)}/runs?{query}#log-{word}")
        for path in (word, f"runs/{word}", f"sign-in#token={word}"):
            reader.open(f"{home(site)}/{path}")
    reader.open(f"{home(site)}/deployments")
    page.get_by_role("button", name="Run", exact=True).first.click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    reader.judge("the form of a run")
    reader.open(f"{home(site)}/runs")
    page.get_by_role("button", name=f"Views: {len(PAYLOADS)}").click()
    reader.judge("kept searches")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Go to").fill("window.pwned")
    expect(page.get_by_role("option").first).to_be_visible()
    reader.judge("the palette")
    assert reader.troubles == []


class Reader:
    """Opens screens, and notes what is more than a text there."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self.troubles: list[Any] = []

    def open(self, address: str) -> None:
        self._page.goto(address)
        expect(self._page.get_by_role("heading", level=1)).to_be_visible()
        loading = self._page.get_by_role("status").filter(has_text="Loading")
        expect(loading).to_have_count(0)
        self.judge(address)

    def judge(self, where: str) -> None:
        if found := self._page.evaluate(TROUBLES):
            self.troubles.append((where, found))


def test_and_if_one_did_the_policy_would_not_let_it_act(chromium: Any, site: Any) -> None:
    page = chromium.new_page()
    page.goto(home(site))
    refused = page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); return window.ran === undefined; }"
    )
    page.close()
    assert refused
