"""The file under the storage: removed, replaced, cut, with several names, with a log that grew."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from runwright.errors import DatabaseError
from runwright.server.backup import back_up, restore
from runwright.server.database import DatabaseInUse, opened, take_lock
from runwright.storage import migrations
from runwright.storage.engine import Storage
from runwright.storage.errors import StorageLost
from runwright.storage.runs import flow_named
from runwright.storage.sqlite import SqliteStorage
from runwright.storage.sqlite_connection import LARGEST_LOG
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow

_names = Prepared(select(flow.c.name).order_by(flow.c.name))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "runwright.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


def run(file: Path, body: Callable[[SqliteStorage], Any]) -> None:
    async def go() -> None:
        storage = SqliteStorage(str(file))
        await storage.start()
        try:
            async with asyncio.timeout(30):
                await body(storage)
        finally:
            await storage.stop()

    asyncio.run(go())


async def until(condition: Callable[[], Any]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def keep(storage: Storage, name: str) -> None:
    await storage.jot(lambda tx: flow_named(tx, name, uuid4()))


async def names(storage: Storage) -> list[str]:
    return await storage.read(lambda tx: tx.execute(_names).scalars())


def moved(file: Path) -> None:
    file.rename(file.with_name("elsewhere.db"))


def folder_moved(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def replaced(file: Path) -> None:
    copy = file.with_name("copy.db")
    shutil.copyfile(file, copy)
    copy.replace(file)


def cut(file: Path) -> None:
    os.truncate(file, 0)


def cut_a_little(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 4096)


def log_removed(file: Path) -> None:
    file.with_name(f"{file.name}-wal").unlink()


def restored(file: Path) -> None:
    other = file.with_name("other.db")
    migrations.upgrade(f"sqlite:///{other}")
    other.replace(file)


@pytest.mark.parametrize(
    "harm", [Path.unlink, moved, folder_moved, replaced, restored, cut, cut_a_little, log_removed]
)
def test_no_write_is_answered_that_went_into_a_file_that_is_gone(
    harm: Callable[[Path], None], file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(storage: SqliteStorage) -> None:
        await keep(storage, "before")
        harm(file)
        for _ in range(3):  # the first is refused already: nobody needs to have looked before
            with pytest.raises(StorageLost, match=r"while the server had it open.*Stop the server"):
                await keep(storage, "after")
        with pytest.raises(StorageLost):
            await names(storage)

    run(file, body)
    assert len([each for each in caplog.records if each.levelname == "ERROR"]) == 1


def test_it_is_noticed_within_a_second_where_nobody_writes(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(storage: SqliteStorage) -> None:
        moved(file)
        begun = time.monotonic()
        await until(lambda: caplog.records)
        assert time.monotonic() - begun < 5  # half a second, on a machine that has time
        with pytest.raises(StorageLost):
            await names(storage)
        file.with_name("elsewhere.db").rename(file)
        await until(lambda: len(caplog.records) == 2)
        await keep(storage, "again")
        assert await names(storage) == ["again"]

    run(file, body)


def test_another_database_copied_over_it_is_noticed(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = file.with_name("other.db")
    migrations.upgrade(f"sqlite:///{other}")
    run(other, lambda storage: keep(storage, "other"))

    async def body(storage: SqliteStorage) -> None:
        await keep(storage, "mine")
        shutil.copyfile(other, file)  # the same file, with other content
        await until(lambda: caplog.records)
        for _ in range(3):  # to have been refused once is no way in
            with pytest.raises(StorageLost, match=r"overwritten|was cut"):
                await keep(storage, "after")

    run(file, body)


def test_a_clean_stop_keeps_what_was_in_a_log_that_has_no_name(file: Path) -> None:
    async def body(storage: SqliteStorage) -> None:
        await keep(storage, "before")
        log_removed(file)

    run(file, body)
    with sqlite3.connect(file) as there:
        assert there.execute("SELECT name FROM flow").fetchall() == [("before",)]


def test_vacuum_from_outside_is_no_harm(file: Path) -> None:
    async def body(storage: SqliteStorage) -> None:
        with sqlite3.connect(file) as outside:
            outside.execute("CREATE TABLE filling (x)")
            outside.execute("INSERT INTO filling VALUES (zeroblob(3000000))")
            outside.commit()
            outside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            await keep(storage, "large")
            outside.execute("DROP TABLE filling")
            outside.commit()
            outside.execute("VACUUM")
            outside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await keep(storage, "small")
        assert await names(storage) == ["large", "small"]

    run(file, body)


def link_hard(file: Path, other: Path) -> None:
    other.hardlink_to(file)


def link_soft(file: Path, other: Path) -> None:
    other.symlink_to(file)


@pytest.mark.parametrize("link", [link_hard, link_soft])
def test_two_names_of_one_file_have_one_owner(
    link: Callable[[Path, Path], None], file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "another-name.db"
    link(file, other)
    lock = take_lock(f"sqlite:///{file}", "server")
    assert lock is not None
    with pytest.raises(DatabaseInUse, match="in use by a server, process"):
        take_lock(f"sqlite:///{other}", "server", patience=5)
    lock.close()
    again = take_lock(f"sqlite:///{other}", "server", patience=5)
    assert again is not None
    again.close()


def test_a_relative_path_is_the_same_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = take_lock(f"sqlite:///{file}", "server")
    monkeypatch.chdir(file.parent)
    with pytest.raises(DatabaseInUse):
        take_lock(f"sqlite:///{file.name}", "command", patience=0)
    assert lock is not None
    lock.close()


def test_a_log_beside_another_name_is_not_left_behind(file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{file}"

    async def remembered() -> None:
        async with opened(url, "server"):
            pass

    asyncio.run(remembered())
    other = tmp_path / "another-name.db"
    other.hardlink_to(file)
    log = file.with_name(f"{file.name}-wal")
    log.write_bytes(b"what a server that was killed has left")

    with pytest.raises(DatabaseError, match=r"was last used as .* would be lost"):
        take_lock(f"sqlite:///{other}", "server")
    copied = tmp_path / "copied.db"
    shutil.copyfile(file, copied)
    lock = take_lock(f"sqlite:///{copied}", "server")
    assert lock is not None
    lock.close()


def test_restore_leaves_no_log_of_the_database_before(file: Path, tmp_path: Path) -> None:
    run(file, lambda storage: keep(storage, "kept"))
    back_up(f"sqlite:///{file}", tmp_path / "copy")
    log = file.with_name(f"{file.name}-wal")
    file.unlink()
    log.write_bytes(b"of a database that is gone")

    lock = take_lock(f"sqlite:///{file}", "command")
    assert restore(f"sqlite:///{file}", tmp_path / "copy") is None
    assert lock is not None
    lock.close()
    assert not log.exists()
    assert file.with_name(f"{file.name}.before-1-wal").exists()


def test_a_log_that_a_long_reader_made_grow_is_cut_when_the_reader_has_gone(file: Path) -> None:
    log = file.with_name(f"{file.name}-wal")

    async def body(storage: SqliteStorage) -> None:
        await keep(storage, "first")
        reader = sqlite3.connect(file, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM flow").fetchone()
        large = text(
            "INSERT INTO configuration VALUES (:name, '\"' || hex(zeroblob(500000)) || '\"')"
        )
        number = 0
        while log.stat().st_size < 2 * LARGEST_LOG:
            number += 1
            await storage.write(lambda tx, n=number: tx.execute(large, {"name": f"n{n}"}).rowcount)
        reader.execute("COMMIT")
        reader.close()
        await until(lambda: not log.stat().st_size)  # nobody writes any more
        await keep(storage, "last")
        assert await names(storage) == ["first", "last"]

    run(file, body)
