"""Every test of this tier runs on SQLite and on Postgres."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import create_database

from runwright.storage import migrations
from runwright.storage.engine import open_storage


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/runwright.db"
    folder = request.getfixturevalue("postgres")
    return create_database(folder)


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
