"""What `runwright init compose` writes, run by docker-compose: Postgres, a server, two workers."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.docker import engine
from tests.acceptance.docker.engine import IMAGE, logs_of, run, until
from tests.acceptance.docker.plant import FLOWS, Plant

POSTGRES = "runwright-tests-postgres:1"
_SERVER_BINARIES = Path("/usr/lib/postgresql")


@pytest.fixture(scope="module")
def postgres_image(images: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image of this machine's Postgres, where none can be pulled."""
    del images
    given = os.environ.get("RUNWRIGHT_TEST_POSTGRES_IMAGE")
    if given:
        return given
    if not run("docker", "images", "-q", POSTGRES):
        _make_postgres(tmp_path_factory.mktemp("postgres"))
    return POSTGRES


def _make_postgres(folder: Path) -> None:
    binaries = max(_SERVER_BINARIES.glob("*/bin"))
    root = folder / "root"
    (root / "opt").mkdir(parents=True)
    shutil.copytree(binaries, root / str(binaries).lstrip("/"))
    for part in ("lib", "share"):
        for place in (binaries.parent / part, Path("/usr/share/postgresql", binaries.parent.name)):
            if place.is_dir():
                shutil.copytree(place, root / str(place).lstrip("/"), dirs_exist_ok=True)
    shutil.copytree("/usr/share/zoneinfo", root / "usr/share/zoneinfo", symlinks=True)
    programs = [*binaries.iterdir(), *(binaries.parent / "lib").glob("*.so")]
    linked = run("ldd", *programs, check=False)
    words = {word.rstrip(":") for word in linked.split() if ".so" in word}
    for word in sorted(words):
        if not word.startswith("/") or word.startswith(str(binaries.parent)):
            continue
        target = root / word.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy(os.path.realpath(word), target)
    (root / "entry.sh").write_text(
        "#!/bin/sh\nset -e\n"
        f"export PATH={binaries}:$PATH LC_ALL=C\n"
        "D=/var/lib/postgresql/data\n"
        "chown 999:999 $D\n"
        "if [ ! -s $D/PG_VERSION ]; then\n"
        "  cat $POSTGRES_PASSWORD_FILE > /tmp/password; chown 999 /tmp/password\n"
        '  su postgres -c "initdb -D $D -U $POSTGRES_USER --pwfile=/tmp/password -A'
        ' scram-sha-256"\n'
        "  echo 'host all all all scram-sha-256' >> $D/pg_hba.conf\n"
        '  echo "CREATE DATABASE $POSTGRES_DB"'
        ' | su postgres -c "postgres --single -D $D postgres"\n'
        "fi\n"
        "exec su postgres -c \"exec postgres -D $D -c listen_addresses='*' -k /tmp\"\n"
    )
    (root / "entry.sh").chmod(0o755)
    (folder / "Dockerfile").write_text(
        f"FROM {engine.PYTHON_IMAGE}\n"
        "COPY root /\n"
        "RUN echo 'postgres:x:999:999::/tmp:/bin/sh' >> /etc/passwd"
        " && echo 'postgres:x:999:' >> /etc/group && mkdir -p /var/lib/postgresql/data\n"
        f"ENV PATH={binaries}:/bin:/usr/bin PGHOST=/tmp\n"
        'CMD ["/entry.sh"]\n'
    )
    run("docker", "build", "-t", POSTGRES, folder)


class Site(Plant):
    """The composed services, and a client of theirs."""

    def __init__(self, folder: Path, postgres: str) -> None:
        super().__init__(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.files = folder / "site"
        self.cli_alone("init", "compose", str(self.files), "--image", IMAGE)
        settings = (self.files / ".env").read_text().replace("4300", str(self.port))
        (self.files / ".env").write_text(f"{settings}POSTGRES_IMAGE={postgres}\n")
        policy = (self.files / "worker-policy.toml").read_text()
        (self.files / "worker-policy.toml").write_text(
            policy.replace("mounts = []", f'mounts = ["{self.code}"]')
        )
        self.key = (self.files / "secrets" / "admin_key").read_text()

    def cli_alone(self, *arguments: str) -> None:
        self.environment.pop("RUNWRIGHT_API_URL", None)
        self.cli(*arguments)

    def compose(self, *words: str) -> str:
        return run("env", "-C", self.files, "docker-compose", *words, seconds=240)

    def service(self, name: str) -> str:
        return self.compose("ps", "-q", name)

    def pid(self, name: str) -> int:
        return int(run("docker", "inspect", "-f", "{{.State.Pid}}", self.service(name)))

    def containers(self, *, running: bool = False) -> list[str]:
        every = () if running else ("-a",)
        label = "label=io.runwright.api=http://server:4300/api"
        return run("docker", "ps", "-q", "--no-trunc", *every, "--filter", label).split()

    def close(self) -> None:
        left = self.containers()
        self.compose("stop", "-t", "5")
        if left:
            run("docker", "rm", "-f", *left)
        self.compose("down", "-v", "-t", "5")


@pytest.fixture
def site(postgres_image: str, tmp_path: Path) -> Iterator[Site]:
    """Everything is up and answers."""
    made = Site(tmp_path, postgres_image)
    try:
        made.compose("up", "-d")
        until(made.is_up, 90, "the composed server")
        yield made
    except BaseException:
        for name in ("postgres", "server", "cpu-worker"):
            print(name, logs_of(made.service(name))[-3000:])  # noqa: T201
        raise
    finally:
        made.close()


def test_services_come_back_by_themselves_and_no_run_is_lost(site: Any) -> None:
    assert FLOWS
    cpu, gpu = (site.deploy("held", pool, retries=2) for pool in ("cpu", "gpu"))
    quick = site.run(site.deploy("hello", "gpu"))
    assert site.await_state(quick, "COMPLETED", "CRASHED", seconds=60)["worker_name"] == "gpu"

    # The worker's container is killed: Docker starts it again, and its flow goes on.
    run_id = site.run(cpu, parameters={"seconds": 12})
    container = site.container_of(run_id)
    until(lambda: "begun" in logs_of(container), 60, "the flow to begin")
    before = site.pid("cpu-worker")
    run("kill", "-9", str(before))
    until(lambda: site.pid("cpu-worker") not in {0, before}, 60, "the worker to be back")
    ended = site.await_state(run_id, "COMPLETED", "CRASHED", "FAILED", seconds=60)
    assert (ended["state_type"], ended["attempt"]) == ("COMPLETED", 1)
    until(lambda: not site.containers(), 60, "the adopted container to be removed")

    # The server and the database are killed: the run notices nothing.
    run_id = site.run(gpu, parameters={"seconds": 15})
    container = site.container_of(run_id)
    until(lambda: "begun" in logs_of(container), 60, "the flow to begin")
    for name in ("server", "postgres"):
        run("kill", "-9", str(site.pid(name)))
    until(site.is_up, 60, "the server to be back")
    ended = site.await_state(run_id, "COMPLETED", "CRASHED", "FAILED", seconds=90)
    assert (ended["state_type"], ended["attempt"]) == ("COMPLETED", 1)

    # The machine is started again: everything comes back, and the run is run again.
    run_id = site.run(cpu, parameters={"seconds": 20})
    container = site.container_of(run_id)
    until(lambda: "begun" in logs_of(container), 60, "the flow to begin")
    engine.stop_engine()
    engine.start_engine()
    until(site.is_up, 120, "the server to be back")
    crashed = site.await_state(run_id, "CRASHED", seconds=120)
    assert crashed["attempt"] == 1
    second = until(lambda: site.attempts(run_id)[1:], 30, "the next attempt")[0]
    assert site.await_state(second["id"], "COMPLETED", "CRASHED", seconds=120)["state_type"] == (
        "COMPLETED"
    )


def test_every_service_is_healthy_and_has_no_port_open_to_the_network(site: Any) -> None:
    def health() -> dict[str, str]:
        names = ("postgres", "server", "cpu-worker", "gpu-worker")
        form = "{{.State.Health.Status}}"
        return {name: run("docker", "inspect", "-f", form, site.service(name)) for name in names}

    until(lambda: set(health().values()) == {"healthy"}, 90, f"health: {health()}")
    ports = run("docker", "ps", "--format", "{{.Ports}}")
    assert "0.0.0.0" not in ports
    for pool in ("cpu", "gpu"):
        listening = run("docker", "exec", site.service(f"{pool}-worker"), "cat", "/proc/net/tcp")
        open_ports = [row.split()[1] for row in listening.splitlines() if " 0A " in row]
        # Loopback alone (0100007F): the health check, and Docker's own name server.
        assert all(address.startswith(("0100007F", "0B00007F")) for address in open_ports)
    started = time.monotonic()
    site.compose("stop", "-t", "60")
    assert time.monotonic() - started < 40
    assert subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
