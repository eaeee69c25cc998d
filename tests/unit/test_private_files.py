"""What is written is for its owner alone, whatever the umask is."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from runwright.credentials import keep_key
from runwright.private_files import narrow_home, open_private, private_folder
from runwright.sdk.result_stores.local import LocalResultStorage
from runwright.sdk.spool_file import SpoolFile
from runwright.server.vault import Vault
from runwright.storage.migrations import upgrade


@pytest.fixture(params=[0o000, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o777], indirect=True)
@pytest.mark.usefixtures("umask")
def test_folders_and_files_are_made_private(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "b")
    with open_private(folder / "file") as file:
        file.write("x")
    assert [mode(each) for each in (folder.parent, folder, folder / "file")] == [
        0o700, 0o700, 0o600,
    ]  # fmt: skip


@pytest.mark.usefixtures("umask")
def test_all_that_the_planes_write_is_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    upgrade(f"sqlite:///{home}/data/runwright.db")
    keep_key(home, "http://here", "secret")
    Vault(home / "keys" / "blocks").add_key()
    SpoolFile(home / "spool", uuid4(), uuid4()).close()
    LocalResultStorage(home / "results").write("key", b"result")

    found = {each: mode(each) for each in (home, *home.rglob("*"))}
    assert len(found) >= 12
    wrong = {
        each: oct(bits)
        for each, bits in found.items()
        if bits != (0o700 if each.is_dir() else 0o600)
    }
    assert not wrong


def test_what_was_left_open_is_narrowed_and_shared_folders_are_left_alone(tmp_path: Path) -> None:
    home, spool = tmp_path / "home", tmp_path / "home" / "spool"
    spool.mkdir(parents=True)
    shared = tmp_path / "shared"
    shared.mkdir()
    files = [home / "credentials.toml", home / "runwright.db", spool / "x.journal"]
    for each in files:
        each.touch()
        each.chmod(0o664)
    home.chmod(0o755)
    spool.chmod(0o775)
    shared.chmod(0o1777)

    narrow_home(home, shared)

    assert [mode(each) for each in files] == [0o600] * 3
    assert (mode(home), mode(spool), mode(shared)) == (0o700, 0o700, 0o1777)
