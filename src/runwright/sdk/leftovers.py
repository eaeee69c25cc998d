"""Delivers what earlier runs by hand could not, because the server was away when they ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import msgspec

from runwright.api.journal import AnyEntry, JournalAnswer, JournalBatch

_log = logging.getLogger("runwright.recording")

#: Posts a batch for a run: the HTTP status and the body.
Post = Callable[[UUID, JournalBatch], Awaitable[tuple[int, bytes]]]

_BATCH = 2_000
_OK, _CONFLICT = 200, 409


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
    while done < len(lines):
        entries = [decode(line) for line in lines[done : done + _BATCH]]
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
        if status != _OK:
            return
        done = msgspec.json.decode(content, type=JournalAnswer).next - header.first
    await asyncio.to_thread(path.unlink, missing_ok=True)
