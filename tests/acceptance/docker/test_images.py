"""Code shipped as images: built, pushed, deployed, replaced and gone back to."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.docker.engine import IMAGE, run

DEPLOY = """
import sys
from pipeline import pipeline
from runwright import DockerImage
pipeline.deploy("nightly", work_pool_name="boxes", build=True, push=True,
                image=DockerImage(name=sys.argv[1], tag=sys.argv[2], base_image=sys.argv[3]))
"""
FLOW = """
from runwright import flow, get_run_logger

@flow(retries=1)
def pipeline(name: str = "you"):
    get_run_logger().info("code of {version} for %s", name)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's directory, with what must not get into an image."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("msgspec\n")
    (folder / ".env").write_text("PASSWORD=hunter2\n")
    (folder / ".git").mkdir()
    return folder


def ship(plant: Any, project: Path, name: str, version: str) -> None:
    """Write the flow's code of a version, build it, push it and point the deployment at it."""
    (project / "pipeline.py").write_text(FLOW.format(version=version))
    environment = {**plant.variables(), "RUNWRIGHT_HOME": str(plant.home)}
    words = [f"{key}={value}" for key, value in environment.items()]
    run("env", "-C", project, *words, sys.executable, "-c", DEPLOY, name, version, IMAGE)


def test_a_new_image_runs_the_new_code_and_going_back_runs_the_old(
    plant: Any, registry: str, project: Path
) -> None:
    plant.pool("boxes")
    plant.start_worker("boxes", RUNWRIGHT_WORKER_POLICY=plant.policy())
    name = f"{registry}/team/proj"

    def ran() -> tuple[str, int, str]:
        out = plant.cli("deployment", "run", "pipeline/nightly", "--watch")
        [run_] = plant.ask("POST", "/flow_runs/filter", {"sort": "ID_DESC", "limit": 1})
        assert run_["state_type"] == "COMPLETED", out
        said = next(line for line in plant.lines(run_["id"]) if line.startswith("code of"))
        return said, run_["deployment_version_number"], run_["image_digest"]

    ship(plant, project, name, "v1.0.0")
    run("docker", "rmi", f"{name}:v1.0.0")  # the worker pulls it
    said, number, old_digest = ran()
    assert (said, number) == ("code of v1.0.0 for you", 1)
    assert old_digest.startswith(f"{name}@sha256:")

    ship(plant, project, name, "v1.1.0")
    said, number, digest = ran()
    assert (said, number) == ("code of v1.1.0 for you", 2)
    assert digest != old_digest

    told = plant.cli("deployment", "versions", "pipeline/nightly")
    assert f"{name}:v1.1.0" in told
    assert f"{name}:v1.0.0" in told
    assert "now version 3" in plant.cli("deployment", "rollback", "pipeline/nightly", "--to", "1")
    assert ran() == ("code of v1.0.0 for you", 3, old_digest)
    assert "no version 9" in plant.cli(
        "deployment", "rollback", "pipeline/nightly", "--to", "9", check=False
    )

    image = f"{name}:v1.1.0"
    user, where = run(
        "docker", "inspect", "-f", "{{.Config.User}} {{.Config.WorkingDir}}", image
    ).split()
    assert (user, where) == ("10001:10001", "/app")
    inside = run("docker", "run", "--rm", "--entrypoint", "ls", image, "-A", "/app").split()
    assert sorted(inside) == ["pipeline.py", "requirements.txt"]


def test_each_way_to_fail_says_what_to_do(plant: Any, project: Path) -> None:
    plant.pool("boxes")
    (project / "pipeline.py").write_text(FLOW.format(version="v1"))

    def refused(*options: str, **variables: str) -> str:
        words = [f"{key}={value}" for key, value in {**plant.variables(), **variables}.items()]
        command = (
            "env", "-C", project, *words, sys.executable, "-m", "runwright.cli.main", "deploy",
            "pipeline.py:pipeline", "--name", "x", "--pool", "boxes", *options,
        )  # fmt: skip
        with pytest.raises(RuntimeError) as caught:
            run(*command)
        return str(caught.value)

    assert "No Docker engine answers" in refused(
        "--image", "proj:1", DOCKER_HOST="unix:///nowhere.sock"
    )
    assert "cannot be started here" in refused("--image", "proj:1", PATH="/nowhere")
    assert "cannot name an image" in refused("--image", "Proj:1")
    (project / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN false\n")
    (project / "with_file.py").write_text(
        "from pipeline import pipeline\nfrom runwright import DockerImage\n"
        "pipeline.deploy('x', work_pool_name='boxes', image=DockerImage(name='proj', "
        "dockerfile='Dockerfile'))\n"
    )
    words = [f"{key}={value}" for key, value in plant.variables().items()]
    with pytest.raises(RuntimeError, match="at the line `RUN false`"):
        run("env", "-C", project, *words, sys.executable, "with_file.py")
    (project / "Dockerfile").write_text(f"FROM {IMAGE}\n")
    (project / "with_file.py").write_text(
        "from pipeline import pipeline\nfrom runwright import DockerImage\n"
        "pipeline.deploy('x', work_pool_name='boxes', image=DockerImage(name='localhost:9/proj', "
        "tag='1', dockerfile='Dockerfile'))\n"
    )
    with pytest.raises(RuntimeError, match="The registry does not answer"):
        run("env", "-C", project, *words, sys.executable, "with_file.py")
    assert plant.ask("POST", "/deployments/count", {}) == 0
