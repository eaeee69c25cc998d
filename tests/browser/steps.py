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


def deploy_code(site: Any, code: str, flow: str) -> str:
    """A flow of this code in the pool `p`, and a worker for it."""
    (site.code / f"{flow}.py").write_text(code)
    site.cli("work-pool", "create", "p")
    entrypoint = f"{flow}.py:{flow}"
    site.cli("deploy", entrypoint, "--name", "d", "--pool", "p", "--source", str(site.code))
    site.start_worker("p")
    [deployment] = site.ask("POST", "/deployments/filter", {})
    return deployment["id"]
