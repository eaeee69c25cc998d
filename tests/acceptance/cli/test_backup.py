"""A database is copied while its server writes, and put back when it is lost."""

import threading


def test_a_copy_made_while_the_server_writes_can_be_opened(rw, tmp_path):
    rw.ok("work-pool", "create", "before")
    is_over = threading.Event()

    def write():
        number = 0
        while not is_over.is_set():
            rw.ok("work-pool", "create", f"during-{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        rw.ok("db", "backup", str(tmp_path / "copy.db"))
    finally:
        is_over.set()
        writer.join()

    elsewhere = f"sqlite:///{tmp_path}/runwright.db"
    rw.ok("db", "restore", str(tmp_path / "copy.db"), "--database-url", elsewhere, "--yes")
    assert "up to date" in rw.ok("db", "current", "--database-url", elsewhere).out


def test_what_is_restored_is_what_was_copied(alone, tmp_path):
    copy = str(tmp_path / "copy.db")
    alone.ok("work-pool", "create", "kept")
    alone.ok("db", "backup", copy)
    alone.ok("work-pool", "create", "later")

    done = alone.ok("db", "restore", copy, "--yes")

    assert "is kept as" in done.out
    left = {each["name"] for each in alone.ok("work-pool", "ls", "-o", "json").json}
    assert left == {"kept"}


def test_what_is_no_backup_changes_nothing(alone, tmp_path):
    alone.ok("work-pool", "create", "kept")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database" * 1000)

    refused = alone("db", "restore", str(broken), "--yes")

    assert refused.code != 0
    assert "no database of a control plane" in refused.err
    assert "kept" in alone.ok("work-pool", "ls").out


def test_a_file_that_exists_is_not_written_over(alone, tmp_path):
    alone.ok("work-pool", "create", "kept")
    precious = tmp_path / "precious"
    precious.write_text("mine")

    refused = alone("db", "backup", str(precious))

    assert refused.code != 0
    assert "exists already" in refused.err
    assert precious.read_text() == "mine"


def test_a_server_that_runs_is_not_restored_under_its_feet(rw, tmp_path):
    copy = str(tmp_path / "copy.db")
    rw.ok("db", "backup", copy)

    refused = rw("db", "restore", copy, "--yes")

    assert refused.code != 0
    assert "in use by a server" in refused.err
