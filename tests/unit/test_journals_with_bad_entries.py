"""Journals on disk: an entry that is refused is left out with a note, and the rest arrives."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from runwright.api.journal import (
    ArtifactMade,
    FlowRunProposed,
    FlowRunStarted,
    JournalAnswer,
    JournalBatch,
    LogWritten,
)
from runwright.core.states import State, StateType
from runwright.sdk.leftovers import deliver_leftovers
from runwright.sdk.spool_file import SpoolFile
from runwright.server import spool
from runwright.server.problems import Unprocessable
from runwright.worker.leftovers import Leftovers, Owner, write_owner

RUN, EXECUTION = uuid4(), uuid4()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = "http://127.0.0.1:1/api"


def log(message):
    return LogWritten(flow_run_id=RUN, timestamp=NOW, level=20, name="x", message=message)


ENTRIES = [
    FlowRunStarted(flow_run_id=RUN, flow_name="etl", timestamp=NOW),
    *(log(f"line {i}") for i in range(20)),
    ArtifactMade(id=uuid4(), flow_run_id=RUN, timestamp=NOW, type="bad"),
    log("after"),
    FlowRunProposed(
        flow_run_id=RUN,
        state=State(id=uuid4(), type=StateType.COMPLETED, name="Completed", timestamp=NOW),
    ),
]


class Taking:
    """Takes entries in, but no artifact."""

    def __init__(self):
        self.taken = []

    def take(self, batch):
        if any(isinstance(entry, ArtifactMade) for entry in batch.entries):
            raise Unprocessable("no artifacts today")
        assert batch.first == len(self.taken)
        self.taken += batch.entries
        return JournalAnswer(token=1, next=len(self.taken), lease_ttl_ms=60_000, renew_in_ms=20_000)

    def check(self):
        assert len(self.taken) == len(ENTRIES)
        logs = [entry for entry in self.taken if isinstance(entry, LogWritten)]
        (note,) = [entry for entry in logs if entry.name == "runwright.journal"]
        assert "no artifacts today" in note.message
        assert [entry for entry in self.taken if entry is not note] == [
            entry for entry in ENTRIES if not isinstance(entry, ArtifactMade)
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    file = SpoolFile(folder, RUN, EXECUTION, first=0, token=0, api_url=URL)
    file.write(ENTRIES)
    file.close()
    return folder


def test_what_an_sdk_kept_is_delivered(folder: Path):
    server = Taking()

    async def post(_run, batch):
        try:
            return 200, msgspec.json.encode(server.take(batch))
        except Unprocessable as problem:
            return 422, json.dumps({"detail": problem.detail}).encode()

    asyncio.run(deliver_leftovers(folder, URL, post))

    server.check()
    assert not list(folder.iterdir())


def test_what_a_run_without_a_server_wrote_is_taken_in(folder: Path, monkeypatch):
    server = Taking()

    async def append(_wiring, _run, batch):
        return server.take(batch)

    async def end(*_):
        return None

    monkeypatch.setattr(spool, "append", append)
    monkeypatch.setattr(spool, "end", end)
    asyncio.run(spool.SpoolReader(None, folder).one_pass())

    server.check()
    assert not list(folder.iterdir())


def test_a_line_that_cannot_be_read_is_left_out(folder: Path, monkeypatch):
    (file,) = folder.iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    lines[3] = b'{"kind": "no such kind"}\n'
    lines = [line for line in lines if b'"bad"' not in line]
    file.write_bytes(b"".join(lines))
    server = Taking()

    async def append(_wiring, _run, batch):
        return server.take(batch)

    async def end(*_):
        return None

    monkeypatch.setattr(spool, "append", append)
    monkeypatch.setattr(spool, "end", end)
    asyncio.run(spool.SpoolReader(None, folder).one_pass())

    assert len(server.taken) == len(ENTRIES) - 1
    assert "it cannot be read" in server.taken[2].message


def test_what_a_killed_supervisor_left_is_delivered(tmp_path: Path):
    server = Taking()
    spool_folder = tmp_path / "left"
    spool_folder.mkdir()
    file = spool_folder / f"{EXECUTION}.journal"
    file.write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in ENTRIES))
    write_owner(
        file,
        Owner(flow_run_id=RUN, execution_id=EXECUTION, token=1, credential="x", first=0),
    )

    class ControlPlane:
        async def send(self, _method, _path, body, **_):
            batch = msgspec.json.decode(body, type=JournalBatch)
            try:
                return 200, msgspec.json.encode(server.take(batch))
            except Unprocessable as problem:
                return 422, json.dumps({"detail": problem.detail}).encode()

    @contextlib.asynccontextmanager
    async def connect(_credential):
        yield ControlPlane()

    asyncio.run(Leftovers(spool_folder, connect).deliver(EXECUTION, patience=5))

    server.check()
    assert not list(spool_folder.iterdir())
