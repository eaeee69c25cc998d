"""What many of these tests do."""

from typing import Any


def home(site: Any) -> str:
    return site.url.removesuffix("/api")


def start(page: Any, site: Any, deployment: str, **parameters: str) -> None:
    """Press Run in the list of deployments, and fill in the form that its schema makes."""
    page.goto(f"{home(site)}/deployments")
    row = page.get_by_role("row").filter(has_text=deployment)
    row.get_by_role("button", name="Run").click()
    for name, text in parameters.items():
        page.get_by_label(name).fill(text)
    page.get_by_role("button", name="Start").click()


def deploy(site: Any, flow: str) -> None:
    """From the command line, which tells the flow's parameters."""
    site.cli("work-pool", "create", "p")
    site.cli("deploy", f"flows.py:{flow}", "--name", "p", "--pool", "p", "--source", str(site.code))
