"""Code from a tag of a repository, with a package beside the flows' folder and one elsewhere."""

import subprocess
from pathlib import Path

from tests.acceptance.worker.conftest import Site
from tests.hostile.runs.conftest import POOL, SECONDS

FLOW = """
import common.texts, words
from runwright import flow

@flow(log_prints=True)
def etl():
    print(common.texts.VERSION, words.WORD)
"""


def _repository(folder: Path) -> str:
    for name, content in {
        "flows/etl.py": FLOW,
        "common/__init__.py": "",
        "common/texts.py": "VERSION = 'first'\n",
        "src/words.py": "WORD = 'word'\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("tag", "v1")
    (folder / "common/texts.py").write_text("VERSION = 'second'\n")
    git("commit", "-q", "-am", "two")
    return f"file://{folder}"


def test_a_tag_and_folders_of_a_repository(server: Site, tmp_path: Path) -> None:
    url = _repository(tmp_path / "project")
    named = ("flows/etl.py:etl", "--name", "tagged", "--pool", POOL)
    refused = server.cli("deploy", *named, "--source", f"{url}@v1")
    assert refused.returncode != 0
    assert "No module named 'words'" in refused.stderr
    assert "--python-path" in "".join(refused.stderr.split("\n"))
    both = server.cli("deploy", *named, "--source", f"{url}@v1", "--branch", "main")
    assert "two are given" in both.stderr
    alone = server.cli("deploy", *named, "--branch", "main")
    assert "--source" in alone.stderr

    for way, said in ((["--source", f"{url}@v1"], "first"), (["--source", url], "second")):
        done = server.cli("deploy", *named, *way, "--python-path", "src")
        assert done.returncode == 0, done.stderr
        [deployment] = server.ask(
            "POST", "/deployments/filter", {"deployments": {"name": {"any_": ["tagged"]}}}
        )
        run = server.run(deployment["id"])
        server.until(
            lambda run=run: server.ask("GET", f"/flow_runs/{run}")["end_time"] is not None, SECONDS
        )
        assert f"{said} word" in server.logs(run)
