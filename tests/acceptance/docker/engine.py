"""The Docker engine of this machine, started where nobody has; and a registry beside it."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from tests.acceptance.docker.base_image import import_base_image

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]
PYTHON_IMAGE = "runwright-tests-python:1"
#: Runwright's own image, of deploy/Dockerfile.
IMAGE = "runwright-tests:1"
_PID = Path("/var/run/docker.pid")


def run(*command: str | Path, seconds: float = 300, check: bool = True) -> str:
    """The output of a command."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout.strip()


def logs_of(container: str) -> str:
    """What it has printed, on both of its outputs."""
    words = ["docker", "logs", container]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def until(condition: Callable[[], T], seconds: float = 60, what: str = "it") -> T:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)  # noqa: TID251  # real processes
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")


def answers() -> bool:
    """Whether there is an engine."""
    return (
        subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False).returncode
        == 0
    )


def start_engine() -> None:
    """Start one, unless there is one. One of ours keeps running: others may use it."""
    if answers():
        return
    if shutil.which("dockerd") is None or os.geteuid() != 0:
        message = "no Docker engine answers, and none can be started here"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    # What a killed one has left keeps the next one from starting.
    Path("/var/run/docker/containerd/containerd.pid").unlink(missing_ok=True)
    _PID.unlink(missing_ok=True)
    with Path("/var/log/dockerd.log").open("ab") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--storage-driver=overlay2"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    daemon.returncode = 0  # it goes on without us
    until(answers, 60, "the engine")


def stop_engine() -> None:
    """End the engine, as when its machine is shut down."""
    os.kill(int(_PID.read_text()), signal.SIGTERM)
    until(lambda: not _PID.exists(), 60, "the engine's end")


def make_python_image() -> None:
    """The base image, unless it is there."""
    if not run("docker", "images", "-q", PYTHON_IMAGE):
        base = os.environ.get("RUNWRIGHT_TEST_BASE_IMAGE")
        if base:
            run("docker", "pull", base)
            run("docker", "tag", base, PYTHON_IMAGE)
        else:
            import_base_image(PYTHON_IMAGE)


def build_images() -> None:
    """The base image, and Runwright's own from the Dockerfile that users have."""
    make_python_image()
    run(
        "docker", "build", "-f", ROOT / "deploy" / "Dockerfile",
        "--build-arg", f"PYTHON_IMAGE={PYTHON_IMAGE}", "-t", IMAGE, ROOT, seconds=600,
    )  # fmt: skip


@contextmanager
def registry(folder: Path, accounts: str = "") -> Iterator[str]:
    """`host:port` of a registry of images; Debian's package docker-registry.

    `accounts`: who may sign in, as lines of an htpasswd file; without any, everybody may do all.
    """
    program = shutil.which("docker-registry")
    if program is None:
        message = "docker-registry is not installed"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "registry.yaml"
    settings.write_text(
        "version: 0.1\nlog: {level: error}\nstorage:\n"
        f"  filesystem: {{rootdirectory: {folder}/images}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\n"
    )
    if accounts:
        (folder / "htpasswd").write_text(accounts)
        with settings.open("a") as more:
            more.write(f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}\n")
    with (folder / "registry.log").open("wb") as log:
        serving = subprocess.Popen([program, "serve", settings], stdout=log, stderr=log)
    try:
        until(lambda: _listens(port), 20, "the registry")
        yield f"localhost:{port}"
    finally:
        serving.terminate()
        serving.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
