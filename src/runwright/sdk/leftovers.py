"""Delivers what earlier runs by hand could not, because the server was away when they ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import msgspec

from runwright.api.journal import (
    AnyEntry,
    FlowRunProposed,
    JournalAnswer,
    JournalBatch,
    LogWritten,
)
from runwright.clock import SystemClock
from runwright.sdk.entry_encoding import LOGGER, bare

_log = logging.getLogger("runwright.recording")

#: Posts a batch for a run: the HTTP status and the body.
Post = Callable[[UUID, JournalBatch], Awaitable[tuple[int, bytes]]]

_BATCH = 2_000
#: Bytes of a batch, where more than one entry is in it.
_MOST_BYTES = 2 * 1024 * 1024
_OK, _CONFLICT = 200, 409
#: An entry is at fault, or several together are too much.
_MALFORMED = frozenset({400, 413, 422})


class _Header(msgspec.Struct, frozen=True):
    root: UUID
    execution_id: UUID
    token: int
    first: int
    api_url: str


async def deliver_leftovers(directory: Path, api_url: str, post: Post) -> None:
    """Send the journals in `directory` that are for `api_url`, and delete those that arrived."""
    for path in await asyncio.to_thread(_journals, directory):
        try:
            await _deliver(path, api_url, post)
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("The kept journal %s cannot be read and stays there: %s", path, error)


def _journals(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.journal"))


async def _deliver(path: Path, api_url: str, post: Post) -> None:
    decode = msgspec.json.Decoder(AnyEntry).decode
    first_line, *lines = (await asyncio.to_thread(path.read_bytes)).splitlines()
    header = msgspec.json.decode(first_line, type=_Header)
    if header.api_url != api_url:
        return
    done = 0
    most = _BATCH
    while done < len(lines):
        entries = [decode(line) for line in _fitting(lines[done : done + most])]
        batch = JournalBatch(
            token=header.token,
            execution_id=header.execution_id,
            first=header.first + done,
            entries=entries,
        )
        status, content = await post(header.root, batch)
        if status == _CONFLICT:
            _log.warning(
                "Flow run %s was given up by the control plane before its last %d entries came.",
                header.root,
                len(lines) - done,
            )
            break
        if status in _MALFORMED and len(entries) > 1:
            most = len(entries) // 2
            continue
        if status in _MALFORMED and (replacement := _note(header.root, entries[0], content)):
            lines[done] = replacement
            continue
        if status != _OK:
            return  # it stays, for another time or to be looked at
        most = min(_BATCH, most * 2)
        done = msgspec.json.decode(content, type=JournalAnswer).next - header.first
    await asyncio.to_thread(path.unlink, missing_ok=True)


def _fitting(lines: list[bytes]) -> list[bytes]:
    """As many of them as go into one request, at least one."""
    size = 0
    for count, line in enumerate(lines):
        size += len(line)
        if count and size > _MOST_BYTES:
            return lines[:count]
    return lines


def _note(root: UUID, entry: AnyEntry, content: bytes) -> bytes:
    """What takes the place of an entry that was refused; empty where nothing can."""
    if isinstance(entry, FlowRunProposed):
        plain = bare(entry)
        return b"" if plain == entry else msgspec.json.encode(plain)
    if isinstance(entry, LogWritten) and entry.name == LOGGER:
        return b""  # the note itself was refused
    note = LogWritten(
        flow_run_id=root,
        timestamp=SystemClock().now(),
        level=logging.WARNING,
        name=LOGGER,
        message="An entry of the journal was left out: it was refused: "
        + content[:500].decode(errors="replace"),
    )
    return msgspec.json.encode(note)
