"""Every test of this tier runs on SQLite and on Postgres."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from runwright.storage import migrations
from runwright.storage.engine import open_storage

BINARIES = Path("/usr/lib/postgresql/15/bin")


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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/runwright.db"
    folder = request.getfixturevalue("postgres")
    name = f"t{uuid4().hex}"
    subprocess.run([BINARIES / "createdb", "-h", folder, "-U", "postgres", name], check=True)
    return f"postgresql://postgres@/{name}?host={folder}"


@pytest.fixture
def on_storage(database_url: str) -> Callable[[Callable[[Any], Coroutine[Any, Any, Any]]], Any]:
    """Runs an async test body with an open, migrated storage."""
    migrations.upgrade(database_url)

    def run(body: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        async def go() -> Any:
            storage = open_storage(database_url)
            await storage.start()
            try:
                return await body(storage)
            finally:
                await storage.stop()

        return asyncio.run(go())

    return run
