"""What a killed supervisor had written to disk while the control plane was away.

Beside each spilt journal lies a file that says whose it is, with the execution's credential. The
lock on the journal is held by its supervisor; a journal without a holder is delivered by a worker.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import msgspec

from runwright.api.journal import AnyEntry, FlowRunProposed, JournalAnswer, LogWritten
from runwright.clock import SystemClock
from runwright.errors import RunwrightError, ServerUnreachable
from runwright.sdk.entry_encoding import LOGGER, bare
from runwright.worker.backlog import OWNER_SUFFIX
from runwright.worker.control_plane import ControlPlane
from runwright.worker.journal_pump import MOST_BYTES, MOST_ENTRIES, encode_batch
from runwright.worker.refusals import Refusal, refusal_of

logger = logging.getLogger("runwright.worker")

BETWEEN_LOOKS_SECONDS = 60.0
BETWEEN_TRIES_SECONDS = 1.0
_OK = (200, 201)

#: Opens a connection as the holder of a credential.
Connect = Callable[[str], AbstractAsyncContextManager[ControlPlane]]


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose journal it is, and the number of the first entry in the file."""

    flow_run_id: UUID
    execution_id: UUID
    token: int
    credential: str
    first: int


class Leftovers:
    """The journals in one folder that nobody delivers any more."""

    def __init__(self, spool: Path, connect: Connect) -> None:
        self._spool = spool
        self._connect = connect

    async def watch(self) -> None:
        """Deliver what is there, now and every minute."""
        while True:
            for file in sorted(self._spool.glob("*.journal")):
                with contextlib.suppress(RunwrightError):
                    await self._deliver_if_left(file)
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)

    async def deliver(self, execution_id: UUID, *, patience: float) -> None:
        """Deliver what one execution has left, before its end is told, as soon as it is possible.

        `patience`: seconds to wait for the control plane.
        """
        file = self._spool / f"{execution_id}.journal"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not await self._deliver_if_left(file):  # noqa: ASYNC110  # of a server
                    await asyncio.sleep(BETWEEN_TRIES_SECONDS)

    async def _deliver_if_left(self, file: Path) -> bool:
        """Whether nothing is left to do: it was delivered or refused."""
        with _taken(file) as journal:
            owner = _owner_of(file)
            if owner is None:
                return True
            if journal is None:
                return False
            try:
                async with self._connect(owner.credential) as control_plane:
                    refusal = await _send(control_plane, owner, journal)
            except ServerUnreachable:
                return False
            if refusal is Refusal.TRY_LATER:
                return False
            if refusal is not None:
                logger.warning(
                    "What execution %s left unsent is not wanted any more (%s) and was deleted.",
                    owner.execution_id,
                    refusal.value,
                )
            _delete(file)
            return True


async def _send(control_plane: ControlPlane, owner: Owner, journal: BinaryIO) -> Refusal | None:
    path = f"/flow_runs/{owner.flow_run_id}/journal"
    number = owner.first
    for entries in _batches(journal):
        refusal = await _send_batch(control_plane, path, owner, number, entries)
        if refusal is not None:
            return refusal
        number += len(entries)
    return None


async def _send_batch(
    control_plane: ControlPlane, path: str, owner: Owner, number: int, entries: list[bytes]
) -> Refusal | None:
    """Send what will be taken; in the place of an entry that is refused, a note says so."""
    body = encode_batch(owner.token, owner.execution_id, number, entries)
    status, answer = await control_plane.send("POST", path, body)
    if status in _OK:
        has_all = msgspec.json.decode(answer, type=JournalAnswer).next >= number + len(entries)
        return None if has_all else Refusal.BAD_REQUEST
    refusal = refusal_of(status, answer)
    if refusal is not Refusal.BAD_REQUEST:
        return refusal
    if len(entries) > 1:
        half = len(entries) // 2
        first = await _send_batch(control_plane, path, owner, number, entries[:half])
        if first is not None:
            return first
        return await _send_batch(control_plane, path, owner, number + half, entries[half:])
    replacement = _in_place_of(entries[0], owner, answer)
    if replacement is None:
        return refusal
    return await _send_batch(control_plane, path, owner, number, [replacement])


def _in_place_of(content: bytes, owner: Owner, answer: bytes) -> bytes | None:
    """A state by what is needed of it, a note for anything else; None where that was refused."""
    try:
        entry: AnyEntry | None = msgspec.json.decode(content, type=AnyEntry)
    except (msgspec.MsgspecError, RecursionError):
        entry = None
    if isinstance(entry, FlowRunProposed):
        plain = bare(entry)
        return None if plain == entry else msgspec.json.encode(plain)
    if isinstance(entry, LogWritten) and entry.name == LOGGER:
        return None
    note = LogWritten(
        flow_run_id=owner.flow_run_id,
        timestamp=SystemClock().now(),
        level=logging.WARNING,
        name=LOGGER,
        message="An entry of the journal was left out: it was refused: "
        + answer[:500].decode(errors="replace"),
    )
    return msgspec.json.encode(note)


def _batches(journal: BinaryIO) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in journal:
        if not line.endswith(b"\n"):
            break  # cut off in the middle of a write
        batch.append(line[:-1])
        size += len(line)
        if len(batch) == MOST_ENTRIES or size > MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@contextlib.contextmanager
def _taken(file: Path) -> Iterator[BinaryIO | None]:
    """The journal, locked; None when its supervisor lives or it is gone."""
    try:
        journal = file.open("rb")
    except OSError:
        yield None
        return
    with journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
        else:
            yield journal


def _delete(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.with_suffix(OWNER_SUFFIX).unlink(missing_ok=True)


def _owner_of(file: Path) -> Owner | None:
    try:
        return msgspec.json.decode(file.with_suffix(OWNER_SUFFIX).read_bytes(), type=Owner)
    except (OSError, msgspec.DecodeError):
        return None


def write_owner(file: Path, owner: Owner) -> None:
    """Say whose the journal `file` is, readable by this user alone."""
    beside = file.with_suffix(OWNER_SUFFIX)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(msgspec.json.encode(owner))
