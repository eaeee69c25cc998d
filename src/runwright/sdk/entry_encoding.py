"""Encodes journal entries, whatever users' code has put into them.

Nothing that a user puts in may stop the journal: an entry that cannot be encoded as it is, or is
longer than a server takes, is mended (texts are made encodable and cut, values without a form are
named), and where even that does not help, a log record in its place says so.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from types import NoneType
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from runwright.api.journal import AnyEntry, FlowRunProposed, LogWritten
from runwright.clock import SystemClock
from runwright.core.clock import Clock
from runwright.core.states import NO_DETAILS, State
from runwright.core.texts import LONGEST_LOG_MESSAGE, encodable, message_of, shortened

#: Bytes of one encoded entry; a request may have twice as many.
MOST_ENTRY_BYTES = 4 * 1024 * 1024

#: The log in which the journal speaks of itself.
LOGGER = "runwright.journal"
_WARNING = 30
#: Digits of an integer: the interpreter writes and reads no more.
_MOST_DIGITS = 4_300
_UNREADABLE = (
    "Texts of this run hold characters that cannot be stored: lone surrogates, as of bytes that "
    "were decoded with errors='surrogateescape', or U+0000. Each is recorded as U+FFFD. This is "
    "said once a run."
)


class _Bounds(NamedTuple):
    text: int
    items: int
    depth: int


_GENEROUS = _Bounds(text=LONGEST_LOG_MESSAGE, items=1_000_000, depth=64)
_NARROW = _Bounds(text=2_000, items=50, depth=4)


class EntryEncoder:
    """Never raises. What it had to change it says in the log of the run."""

    def __init__(
        self,
        encode: Callable[[Any], bytes],
        *,
        tell: Callable[[LogWritten], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`tell` takes a log record of the journal's own."""
        self._encode = encode
        self._tell = tell
        self._clock = clock or SystemClock()
        self._has_told = False

    def __call__(self, entry: AnyEntry) -> bytes:
        """The entry, or what can be said in its place."""
        try:
            content = self._encode(entry)
        except UnicodeEncodeError as error:
            trouble: Exception | None = error
        except Exception as error:  # noqa: BLE001  # encoding meets users' objects
            trouble = error
        else:
            if len(content) <= MOST_ENTRY_BYTES:
                return content
            trouble = None
        return self._mended(entry, trouble)

    def _mended(self, entry: AnyEntry, trouble: Exception | None) -> bytes:
        if isinstance(trouble, UnicodeEncodeError):
            self._tell_once(entry)
        for bounds in (_GENEROUS, _NARROW):
            try:
                content = self._encode(_plain(entry, bounds, 0))
            except Exception as error:  # noqa: BLE001  # as above
                trouble = error
                continue
            if len(content) <= MOST_ENTRY_BYTES:
                return content
        return self._encode(self.note(entry, _why(trouble)))

    def note(self, entry: AnyEntry, why: str) -> AnyEntry:
        """What stands in the place of an entry that cannot be recorded.

        States are recorded in any case, by what is needed of them.
        """
        if isinstance(entry, FlowRunProposed):
            return bare(entry)
        return LogWritten(
            flow_run_id=_run_of(entry),
            timestamp=self._clock.now(),
            level=_WARNING,
            name=LOGGER,
            message=f"An entry of the journal ({_kind(entry)}) was left out: {why}",
        )

    def _tell_once(self, entry: AnyEntry) -> None:
        if self._has_told or self._tell is None:
            return
        self._has_told = True
        self._tell(
            LogWritten(
                flow_run_id=_run_of(entry),
                timestamp=self._clock.now(),
                level=_WARNING,
                name=LOGGER,
                message=_UNREADABLE,
            )
        )


def bare(entry: FlowRunProposed) -> FlowRunProposed:
    """The proposal with nothing that could be at fault."""
    state = entry.state
    message = None if state.message is None else message_of(state.message, _NARROW.text)
    return FlowRunProposed(
        flow_run_id=entry.flow_run_id,
        state=State(
            id=state.id,
            type=state.type,
            name=message_of(state.name, 200),
            timestamp=state.timestamp,
            message=message,
            state_details=NO_DETAILS,
        ),
    )


def _why(trouble: Exception | None) -> str:
    if trouble is None:
        return f"it is longer than {MOST_ENTRY_BYTES:,} bytes."
    return f"it cannot be encoded ({type(trouble).__name__}: {message_of(trouble, 500)})."


def _kind(entry: AnyEntry) -> str:
    return str(type(entry).__struct_config__.tag)


def _run_of(entry: Any) -> UUID:
    found = getattr(entry, "flow_run_id", None)
    if found is None and entry.run is not None:
        found = entry.run.flow_run_id
    return found or entry.state.state_details.flow_run_id or UUID(int=0)


#: What encodes as it is.
_PLAIN = frozenset({NoneType, bool, float, UUID, datetime})


def _plain(value: Any, bounds: _Bounds, depth: int) -> Any:  # noqa: PLR0911  # one for each kind
    """The value in plain types, with encodable texts, within the bounds.

    By the types alone: neither methods nor attributes of users' classes are called.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if issubclass(kind, str):
        return encodable(shortened(str.__str__(value), bounds.text))
    if issubclass(kind, int):
        return _integer(int.__int__(value))
    if issubclass(kind, bytes | bytearray) and len(value) <= bounds.text:
        return bytes(value)
    if depth > bounds.depth:
        return "..."
    if issubclass(kind, msgspec.Struct):
        return _struct(value, bounds, depth)
    if issubclass(kind, dict):
        pairs = islice(list(dict.items(value)), bounds.items)
        return {_key(name): _plain(item, bounds, depth + 1) for name, item in pairs}
    if kind in {list, tuple, set, frozenset}:
        items = [_plain(item, bounds, depth + 1) for item in islice(list(value), bounds.items)]
        if len(value) > bounds.items:
            items.append(f"... {len(value) - bounds.items:,} more")
        return items
    return type_name(kind)


def _struct(value: Any, bounds: _Bounds, depth: int) -> Any:
    names = type(value).__struct_fields__
    fields = {name: _plain(getattr(value, name), bounds, depth + 1) for name in names}
    return type(value)(**fields)


def _integer(value: int) -> int | str:
    # A digit has a little more than three bits.
    if value.bit_length() > 3 * _MOST_DIGITS:
        return f"<an integer of {value.bit_length():,} bits>"
    return value


def _key(name: Any) -> str:
    if issubclass(type(name), str):
        return encodable(str.__str__(name))
    if type(name) in {int, float, bool, NoneType, UUID}:
        return str(_integer(name) if type(name) is int else name)
    return type_name(type(name))


def type_name(kind: type) -> str:
    """What is recorded in place of a value without a form."""
    return f"<{kind.__module__}.{kind.__qualname__}>"
