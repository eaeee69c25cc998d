"""Pictures for the README, of a morning's work: `PICTURES=1 make browser`."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from tests.browser.steps import home

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"
MORNING = """
import os, time
from runwright import flow, get_run_logger, task

@task
def fetch(region):
    time.sleep(0.3)
    return region

@task(retries=1)
def clean(region):
    time.sleep(0.2)
    return region

@task
def load(rows):
    time.sleep(0.5)

@flow
def orders(folder: str = "."):
    logger = get_run_logger()
    for region in ("north", "south", "east", "west"):
        logger.info("fetching %s", region)
        found = [fetch.submit(f"{region} {part}") for part in range(3)]
        cleaned = [clean.submit(each) for each in found]
        if region == "south":
            logger.warning("\\x1b[33m12 rows of south have no price\\x1b[0m")
        load(cleaned)
    time.sleep(10)
    open(os.path.join(folder, "pid"), "w").write(str(os.getpid()))
    time.sleep(20 if not os.path.exists(os.path.join(folder, "again")) else 0)
    logger.info("4 regions loaded")
"""


@pytest.mark.skipif(not os.environ.get("PICTURES"), reason="takes pictures: PICTURES=1")
@pytest.mark.timeout(180)
def test_a_morning(page: Any, site: Any, tmp_path: Path) -> None:
    (site.code / "morning.py").write_text(MORNING)
    site.cli("work-pool", "create", "etl")
    site.cli("work-pool", "create", "gpu")
    for name, pool, cron in (
        ("hourly", "etl", "0 * * * *"),
        ("training", "gpu", "30 6 * * MON-FRI"),
    ):
        made = site.cli(
            "deploy", "morning.py:orders", "--name", name, "--pool", pool,
            "--source", str(site.code), "--cron", cron, "--timezone", "Europe/Berlin",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
    site.start_worker("etl", "--name", "etl-1")
    found = site.ask("POST", "/deployments/filter", {"sort": "NAME_ASC"})
    hourly, training = (each["id"] for each in found)
    site.run(training)
    run = site.run(hourly, retries=1, folder=str(tmp_path))
    site.until((tmp_path / "pid").exists, 60)
    (tmp_path / "again").touch()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    site.until(lambda: site.state(run) == "CRASHED", 20)
    site.until(
        lambda: site.ask("POST", "/flow_runs/count",
                         {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}), 60,
    )  # fmt: skip
    for theme in ("light", "dark"):
        page.evaluate(f"localStorage.setItem('theme', '{theme}')")
        for name, address in (("runs", "runs"), ("run", f"runs/{run}")):
            page.goto(f"{home(site)}/{address}")
            expect(page.get_by_role("heading").first).to_be_visible()
            page.wait_for_timeout(1500)
            page.set_viewport_size({"width": 1280, "height": 620 if name == "runs" else 1290})
            page.wait_for_timeout(300)
            page.screenshot(path=PICTURES / f"{name}-{theme}.png")
