"""A Postgres for one run of the bench, as it comes: durable."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.stage import free_port

_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@contextmanager
def postgres(environment: dict[str, str] | None = None) -> Iterator["Cluster | None"]:
    """None where its binaries are not installed.

    `environment` is what its server has besides ours.
    """
    if not _INSTALLED:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="rwbench", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    cluster = Cluster(_INSTALLED[-1].parent, folder, free_port())
    try:
        cluster.start(environment)
        yield cluster
    finally:
        cluster.run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


class Cluster:
    def __init__(self, binaries: Path, folder: Path, port: int) -> None:
        self.binaries, self.folder, self.port = binaries, folder, port

    def run(self, program: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
        user = {"user": "postgres"} if os.geteuid() == 0 else {}
        subprocess.run(
            [str(self.binaries / program), *arguments],
            cwd=self.folder,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | (environment or {}),
            **user,
        )

    def start(self, environment: dict[str, str] | None = None) -> None:
        data = str(self.folder / "data")
        self.run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8")
        options = f"-k {self.folder} -p {self.port} -c listen_addresses=127.0.0.1"
        command = ("-D", data, "-w", "-o", options, "-l", f"{self.folder}/log", "start")
        self.run("pg_ctl", *command, environment=environment)

    def crash(self) -> None:
        """As if the power had failed; it is up again afterwards."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "restart")

    def database(self) -> str:
        """The URL of a new database."""
        name = f"b{uuid.uuid4().hex}"
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        self.run("createdb", *where, name)
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"
