"""A Postgres of the tests' own, where its binaries are installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

_VERSIONS = Path("/usr/lib/postgresql").glob("*/bin/initdb")
#: Of the newest version that is installed.
BINARIES = max(_VERSIONS, key=lambda path: float(path.parts[4]), default=Path("/none/x")).parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A Postgres of our own; what it says on a socket in its directory."""
    if not (BINARIES / "initdb").exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs Postgres: {BINARIES} is missing.")
        pytest.skip("Postgres is not installed.")
    folder = Path(tempfile.mkdtemp(prefix="rwpg", dir="/tmp"))
    as_user: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres")

    def run(*args: str | Path) -> None:
        subprocess.run(args, check=True, capture_output=True, cwd=folder, **as_user)

    run(BINARIES / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    subprocess.run(
        [
            BINARIES / "pg_ctl",
            "-D",
            folder / "data",
            "-w",
            "-o",
            options,
            "-l",
            folder / "log",
            "start",
        ],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        **as_user,
    )
    yield str(folder)
    run(BINARIES / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def create_database(folder: str, *, template: str | None = None) -> str:
    """The URL of a new database: an empty one, or like `template`."""
    name = f"t{uuid4().hex}"
    like = [] if template is None else ["-T", template]
    subprocess.run([BINARIES / "createdb", "-h", folder, "-U", "postgres", *like, name], check=True)
    return f"postgresql://postgres@/{name}?host={folder}"
