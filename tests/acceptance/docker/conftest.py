"""A server on every address, a Docker pool with its worker, and a registry."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.docker import engine
from tests.acceptance.docker.plant import Plant


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "acceptance/docker" in str(item.path):
            item.add_marker(pytest.mark.docker)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def images() -> None:
    """The engine is up and has Runwright's image."""
    engine.start_engine()
    engine.build_images()


@pytest.fixture(scope="module")
def registry(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty registry."""
    del images
    with engine.registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def plant(images: None, tmp_path: Path) -> Iterator[Plant]:
    """A server and what is needed to run a worker; everything of it is gone afterwards."""
    del images
    made = Plant(tmp_path)
    made.start_server()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def project(tmp_path: Path) -> Any:
    """A user's directory with a flow whose code says which version it is."""
    folder = tmp_path / "project"
    folder.mkdir()

    def write(version: str) -> Path:
        (folder / "pipeline.py").write_text(
            "from runwright import flow, get_run_logger\n\n"
            "@flow(retries=1)\n"
            "def pipeline(name: str = 'you'):\n"
            f"    get_run_logger().info('code of {version} for %s', name)\n"
            f"    return '{version}'\n"
        )
        return folder

    return write
