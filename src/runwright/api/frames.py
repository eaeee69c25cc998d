"""Frames between a flow process and its supervisor, on a socket pair.

Each frame is a 4-byte big-endian length and one of these Structs as MessagePack (see
`api/msgpack.py`). Entries go up, answers and orders come down. A flow process can also ask the
control plane something; its supervisor passes the request on with the execution's credential.
"""

from typing import Any

import msgspec

from runwright.api.journal import Answer, AnyEntry

#: Exit code of a flow process that can report nothing more.
JOURNAL_LOST = 74
#: Of entries gathered into one frame; a single entry may be larger, `MOST_ENTRY_BYTES` at most.
MOST_FRAME_BYTES = 1024 * 1024


class EntriesFrame(msgspec.Struct, frozen=True, tag="entries"):
    """Up: entries, numbered on from the last frame's."""

    first: int
    entries: list[AnyEntry]
    #: The flow waits: send these now, and answer with `AcknowledgedFrame` when they are stored.
    flush: bool = False


class AskFrame(msgspec.Struct, frozen=True, tag="ask"):
    """Up: one request to the control plane. `path` is below the API's root."""

    number: int
    method: str
    path: str
    body: Any = None


class LostFrame(msgspec.Struct, frozen=True, tag="lost"):
    """Up, and the last one: the flow can report nothing more. `cause` says why."""

    cause: str


class AcknowledgedFrame(msgspec.Struct, frozen=True, tag="acknowledged"):
    """Down: everything below `next` is stored (or spooled to disk while the server is away)."""

    next: int
    answers: list[Answer] = []
    spooled: bool = False


class ToldFrame(msgspec.Struct, frozen=True, tag="told"):
    """Down: the control plane's reply to the `AskFrame` of that number. Status 0: unreachable."""

    number: int
    status: int
    body: Any = None


class StopFrame(msgspec.Struct, frozen=True, tag="stop"):
    """Down: end now. SIGTERM follows. `reason`: "cancelled", "shutdown" or "lease_lost"."""

    reason: str


UpFrame = EntriesFrame | AskFrame | LostFrame
DownFrame = AcknowledgedFrame | ToldFrame | StopFrame
