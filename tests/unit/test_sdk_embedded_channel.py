"""The journal file that a run by hand leaves when there is no server."""

import asyncio
import fcntl
import logging
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID, uuid4

import msgspec
import pytest

from runwright.api.journal import AnyEntry, FlowRunProposed, FlowRunStarted, LogWritten
from runwright.core.states import State, StateType
from runwright.errors import ServerUnreachable
from runwright.sdk import local_start
from runwright.sdk.channels.embedded import EmbeddedChannel
from runwright.sdk.journal import open_channel

RUN = uuid4()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STARTED = FlowRunStarted(flow_run_id=RUN, flow_name="etl", timestamp=NOW, retries=1)


def log(message):
    return LogWritten(flow_run_id=RUN, timestamp=NOW, level=20, name="x", message=message)


def proposed(kind):
    state = State(id=uuid4(), type=kind, name=kind.capitalize(), timestamp=NOW)
    return FlowRunProposed(flow_run_id=RUN, state=state)


@pytest.fixture
def settings(tmp_path):
    return SimpleNamespace(home=tmp_path, api_url=None)


@pytest.fixture
def channel(settings):
    channel = open_channel(settings, RUN, new_id=uuid4)
    yield channel
    channel.close()


def journal(settings):
    (path,) = (settings.home / "spool").iterdir()
    header, *lines = path.read_bytes().splitlines()
    return msgspec.json.decode(header), [msgspec.json.decode(x, type=AnyEntry) for x in lines]


def is_locked(settings):
    (path,) = (settings.home / "spool").iterdir()
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_the_journal_says_whose_it_is_and_what_was_decided(settings, channel):
    channel.emit(STARTED)
    assert channel.propose(proposed(StateType.RUNNING)).status == "ACCEPT"
    channel.emit(log("one"))
    retry = channel.propose(proposed(StateType.FAILED))
    again = channel.propose(proposed(StateType.RUNNING))
    failed = channel.propose(proposed(StateType.FAILED))

    header, entries = journal(settings)
    assert header["root"] == str(RUN)
    assert UUID(header["execution_id"]) == channel.execution_id
    assert header["version"] == 1
    assert retry.status == "REJECT"
    assert again.status == "ACCEPT"
    assert failed.status == "ACCEPT"
    states = [entry.state.name for entry in entries if isinstance(entry, FlowRunProposed)]
    assert states[1] == retry.state.name == "AwaitingRetry"
    assert [states[0], states[-1]] == ["Running", "Failed"]
    assert entries[0] == STARTED
    assert entries[2] == log("one")


def test_nothing_follows_the_end(settings, channel):
    channel.emit(STARTED)
    channel.propose(proposed(StateType.RUNNING))
    channel.propose(proposed(StateType.COMPLETED))
    refused = channel.propose(proposed(StateType.RUNNING))
    assert refused.status != "ACCEPT"
    assert refused.state.type is StateType.COMPLETED


def test_the_file_is_locked_for_as_long_as_its_writer_lives(settings, channel):
    channel.emit(STARTED)
    channel.flush()
    assert is_locked(settings)
    channel.close()
    assert not is_locked(settings)


def test_entries_reach_the_file_without_anybody_waiting(settings, channel):
    channel.emit(STARTED)
    written = channel._outbox._thread
    assert written is not None
    channel.close()  # ends the thread after it has written
    assert journal(settings)[1] == [STARTED]


def test_it_works_in_an_event_loop(settings, channel):
    async def main():
        channel.emit(STARTED)
        await channel.propose_async(proposed(StateType.RUNNING))
        return await channel.propose_async(proposed(StateType.COMPLETED))

    assert asyncio.run(main()).status == "ACCEPT"


def test_a_question_without_a_server_says_what_to_do(channel, monkeypatch):
    refuses = [sys.executable, "-c", "import sys; sys.exit('no disk')"]
    monkeypatch.setattr(local_start, "_COMMAND", refuses)
    with pytest.raises(ServerUnreachable, match=r"no disk Start one with .* RUNWRIGHT_API_URL"):
        channel.ask("POST", "/variables/", {"name": "x", "value": 1})


def test_a_directory_that_cannot_be_written_costs_only_the_record(tmp_path, caplog):
    (tmp_path / "spool").write_text("a file in the way")
    with caplog.at_level(logging.WARNING):
        channel = EmbeddedChannel(SimpleNamespace(home=tmp_path), RUN, uuid4())
        channel.emit(STARTED)
        assert channel.propose(proposed(StateType.RUNNING)).status == "ACCEPT"
        assert channel.propose(proposed(StateType.COMPLETED)).status == "ACCEPT"
        channel.close()
    assert f"Cannot write the record of flow run {RUN}" in caplog.text
    assert "RUNWRIGHT_HOME" in caplog.text


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 128 KiB."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(where)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system here")
    yield where
    subprocess.run(["umount", str(where)], check=True)


def test_a_full_disk_costs_logs_but_neither_the_run_nor_its_end(small_disk, caplog):
    channel = EmbeddedChannel(SimpleNamespace(home=small_disk), RUN, uuid4())
    channel.emit(STARTED)
    channel.propose(proposed(StateType.RUNNING))
    for i in range(5000):
        channel.emit(log(f"line {i}"))
    assert channel.propose(proposed(StateType.COMPLETED)).status == "ACCEPT"
    channel.close()

    _, entries = journal(SimpleNamespace(home=small_disk))
    logs = [entry for entry in entries if isinstance(entry, LogWritten)]
    assert entries[-1].state.type is StateType.COMPLETED
    assert 0 < len(logs) < 5000
    assert logs == [log(f"line {i}") for i in range(len(logs))]
    assert "No space left on device" in caplog.text
    assert "The run goes on, but its record will lack entries" in caplog.text
    assert f"lacks {5000 - len(logs)} entries" in caplog.text
