"""Entries that wait for the control plane keep their order and numbers, on disk too."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from runwright.api.journal import AnyEntry, LogWritten
from runwright.sdk.backlog import Backlog
from runwright.sdk.spool_file import SpoolFile

RUN = uuid4()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def log(number):
    return LogWritten(flow_run_id=RUN, timestamp=NOW, level=20, name="x", message=str(number))


steps = st.lists(
    st.tuples(st.just("add"), st.integers(1, 20)) | st.tuples(st.just("send"), st.integers(1, 15)),
    max_size=30,
)


@given(steps, st.integers(1, 12))
def test_what_is_sent_is_what_was_added_in_order(moves, room):
    backlog = Backlog(most_in_memory=room)
    added, sent = 0, []
    for move, count in moves:
        if move == "add":
            for _ in range(count):
                assert backlog.add(log(added)) == added
                added += 1
        else:
            first, entries = backlog.batch(count)
            assert first == len(sent)
            assert len(entries) == min(count, added - first)
            # Only half of it arrives; the rest is sent again.
            arrived = (len(entries) + 1) // 2
            sent += [int(entry.message) for entry in entries[:arrived]]
            backlog.acknowledge(first + arrived)
        assert len(backlog) == added - len(sent)
        assert backlog.next_number == added
    assert sent == list(range(len(sent)))
    backlog.close()


def test_what_is_kept_can_be_read_again(tmp_path):
    backlog = Backlog(most_in_memory=3)
    for i in range(10):
        backlog.add(log(i))
    backlog.acknowledge(2)

    path = backlog.keep(tmp_path, RUN, uuid4(), 7, "http://x/api")
    backlog.close()

    header, *lines = path.read_bytes().splitlines()
    kept = msgspec.json.decode(header)
    assert (kept["first"], kept["token"], kept["api_url"]) == (2, 7, "http://x/api")
    entries = [msgspec.json.decode(line, type=AnyEntry) for line in lines]
    assert entries == [log(i) for i in range(2, 10)]


def test_a_journal_is_private_and_never_seen_unlocked(tmp_path):
    file = SpoolFile(tmp_path / "spool", RUN, uuid4())
    file.write([log(1)])
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "spool") == [file.path.name]  # noqa: PTH208
    file.discard()
    assert os.listdir(tmp_path / "spool") == []  # noqa: PTH208


FULL_DISK = """
import resource, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_sdk_backlog import *
file = SpoolFile(Path({home!r}), RUN, uuid4())
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
print(file.write([log(i) for i in range(100)]), file.error.strerror)
file.close()
"""


def test_a_full_disk_leaves_whole_lines_and_says_how_many(tmp_path):
    program = FULL_DISK.format(tests=str(Path(__file__).parent), home=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    count = int(done.stdout.split()[0])
    (path,) = tmp_path.iterdir()
    entries = [
        msgspec.json.decode(line, type=AnyEntry) for line in path.read_bytes().splitlines()[1:]
    ]
    assert 0 < count < 100
    assert [entry.message for entry in entries] == [str(i) for i in range(count)]
    assert "File too large" in done.stdout
