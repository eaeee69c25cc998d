"""Runs by hand without a server: takes their journals from disk into the database.

Each `<home>/spool/<execution id>.journal` has a line that says whose it is, then an entry a line.
Its writer locks the file for as long as it lives; the lock is its lease.
"""

import asyncio
import fcntl
import logging
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.journal import (
    AnyEntry,
    FlowRunProposed,
    FlowRunStarted,
    JournalAnswer,
    JournalBatch,
    LogWritten,
)
from runwright.clock import SystemClock
from runwright.errors import ApiProblem
from runwright.server.problems import Problem
from runwright.server.wiring import Wiring

log = logging.getLogger("runwright.server")

_MOST_ENTRIES = 2_000
#: Of the file, read at a time.
_MOST_BYTES = 8 * 1024 * 1024
#: An entry is at fault, or several together are too much.
_MALFORMED = frozenset({400, 413, 422})
#: The log in which notes about the journal stand.
_NOTES = "runwright.journal"
_entry = msgspec.json.Decoder(AnyEntry)


class Header(msgspec.Struct, frozen=True):
    """The first line of a journal."""

    root: UUID
    execution_id: UUID
    version: int = 1
    first: int = 0
    token: int = 0


class _Journal:
    """What is known of one file between two passes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Header | None = None
        self.offset = 0
        self.next = 0
        self.token = 0

    def read(self) -> tuple[list[AnyEntry], int]:
        """Complete lines after what was taken in, and the offset behind them."""
        entries: list[AnyEntry] = []
        with self.path.open("rb") as file:
            file.seek(self.offset)
            offset = self.offset
            for line in file:
                if not line.endswith(b"\n"):
                    break
                if self.header is None:
                    self.header = msgspec.json.decode(line, type=Header)
                    self.next = self.header.first
                    self.token = self.header.token
                else:
                    entries.append(self._decoded(line, self.header))
                offset += len(line)
                if len(entries) >= _MOST_ENTRIES or offset - self.offset > _MOST_BYTES:
                    break
        return entries, offset

    def _decoded(self, line: bytes, header: Header) -> AnyEntry:
        try:
            return _entry.decode(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            return _note(header.root, f"it cannot be read: {error}")

    def is_free(self) -> bool:
        """Whether its writer is gone."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True


def _may_be_left_out(entry: AnyEntry) -> bool:
    """States of flow runs may not, nor may a note that was refused itself."""
    if isinstance(entry, LogWritten):
        return entry.name != _NOTES
    return not isinstance(entry, FlowRunStarted | FlowRunProposed)


def _note(root: UUID, why: str) -> LogWritten:
    return LogWritten(
        flow_run_id=root,
        timestamp=SystemClock().now(),
        level=logging.WARNING,
        name=_NOTES,
        message=f"An entry of the journal was left out: {why}",
    )


class SpoolReader:
    """Takes in what scripts wrote; one pass looks at every file once."""

    name = "spool"

    def __init__(self, wiring: Wiring, directory: Path) -> None:
        self._wiring = wiring
        self._directory = directory
        self._known: dict[Path, _Journal] = {}
        self._refused: set[Path] = set()

    async def one_pass(self) -> int:
        """Take in what is new; how many entries that was."""
        if not self._directory.is_dir():
            return 0
        taken = 0
        for path in sorted(self._directory.glob("*.journal")):
            if path in self._refused:
                continue
            journal = self._known.setdefault(path, _Journal(path))
            try:
                taken += await self._take_in(journal)
            except FileNotFoundError:
                self._known.pop(path, None)
            except (msgspec.MsgspecError, ApiProblem, Problem) as error:
                # Kept for people to look at; the others go on.
                self._refused.add(path)
                self._known.pop(path, None)
                log.error("the journal %s cannot be taken in: %s", path, error)  # noqa: TRY400
        return taken

    async def _take_in(self, journal: _Journal) -> int:
        is_free = await asyncio.to_thread(
            journal.is_free
        )  # asked before reading: nothing is missed
        taken = 0
        while True:
            begun_at = journal.offset
            entries, offset = await asyncio.to_thread(journal.read)
            header = journal.header
            if header is None:
                if is_free:
                    journal.path.unlink(missing_ok=True)
                return 0
            if entries or not is_free:
                await self._append(journal, header, entries)
                journal.offset = offset
                journal.next += len(entries)
                taken += len(entries)
            if len(entries) < _MOST_ENTRIES and offset - begun_at <= _MOST_BYTES:
                break
        if is_free:
            await self._end(journal, header)
            journal.path.unlink(missing_ok=True)
            self._known.pop(journal.path, None)
        return taken

    async def _append(self, journal: _Journal, header: Header, entries: list[AnyEntry]) -> None:
        if not entries and journal.next == 0:
            return
        await self._append_from(journal, header, journal.next, entries)

    async def _append_from(
        self, journal: _Journal, header: Header, first: int, entries: list[AnyEntry]
    ) -> None:
        """Append what can be; in the place of an entry that is refused, a note says so."""
        batch = JournalBatch(
            token=journal.token, execution_id=header.execution_id, first=first, entries=entries
        )
        try:
            answer = await append(self._wiring, header.root, batch)
        except Problem as problem:
            if problem.status not in _MALFORMED:
                raise
            if len(entries) > 1:
                half = len(entries) // 2
                await self._append_from(journal, header, first, entries[:half])
                await self._append_from(journal, header, first + half, entries[half:])
                return
            if not entries or not _may_be_left_out(entries[0]):
                raise
            note = _note(header.root, f"it was refused: {problem.detail}")
            await self._append_from(journal, header, first, [note])
            return
        journal.token = answer.token

    async def _end(self, journal: _Journal, header: Header) -> None:
        await end(
            self._wiring,
            header.root,
            journal.token,
            header.execution_id,
            "the script ended without saying how the run went",
        )


async def append(wiring: Wiring, run_id: UUID, batch: JournalBatch) -> JournalAnswer:
    """Append through the use case that the HTTP interface has, too."""
    from runwright.server.api.executions import append_decided

    return await append_decided(wiring, run_id, batch)


async def end(wiring: Wiring, run_id: UUID, token: int, execution_id: UUID, reason: str) -> Any:
    """Say that the process of a run is gone; a run that ended already stays as it is."""
    from runwright.server.api.executions import report_exit

    return await report_exit(wiring, run_id, token, execution_id, reason)
