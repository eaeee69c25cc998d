"""Bodies of requests: read whole before anything is decided, within a time, a rate and a size.

A request that dawdles takes up nobody's place: it is counted among those under way only once its
body is there. Those that come without a key have few places to dawdle in, and the newest takes that
of the oldest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from runwright.api.limits import MAX_DEPTH, MAX_OPEN_BODY, MAX_PARTS, body_limit
from runwright.server.problems import Overloaded, Problem, Unprocessable

#: How long a body may take: so many seconds, and one more for so many bytes that have come.
_PATIENCE, _BYTES_A_SECOND = 10.0, 16 * 1024
_LOOK_EVERY = 1.0
#: Bodies that are being read: of strangers, and of all.
_MOST_STRANGERS, _MOST_READ = 64, 4_096
#: Bytes of bodies that are held at a time.
_MOST_HELD = 128 * 1024 * 1024
#: Quotation marks up to which the depth of what has odd brackets in its texts is counted.
_MOST_MARKS = 400_000
#: Below so many bytes a body cannot have too many parts.
_SMALL = 64 * 1024

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class TooSlow(Problem):
    """The body did not come in time."""

    status = 408
    code = "body_too_slow"


class _Reading:
    __slots__ = ("begun", "is_ended", "size", "task")

    def __init__(self, task: "asyncio.Task[Any] | None", begun: float) -> None:
        self.task = task
        self.begun = begun
        self.size = 0
        self.is_ended = False

    def is_overdue(self, now: float) -> bool:
        return now > self.begun + _PATIENCE + self.size / _BYTES_A_SECOND

    def end(self) -> None:
        if self.task is not None and not self.is_ended:
            self.is_ended = True
            self.task.cancel()


class Intake:
    """Reads bodies, and ends the reading of those that dawdle."""

    def __init__(self) -> None:
        #: In the order they began.
        self._strangers: dict[_Reading, None] = {}
        self._others: dict[_Reading, None] = {}
        self._held = 0
        self._is_watching = False

    async def read(
        self, receive: Receive, path: str, declared: int, *, is_stranger: bool, is_vital: bool
    ) -> bytes:
        """The body of a request. `declared`: the length that its head gives; 0 for none.

        Raises:
            TooSlow: it did not come in time.
            Problem: 413, it is too large; 400, the sender went away.
            Unprocessable: it has too many parts, or is nested too deeply.
            Overloaded: too much is being read for now.
        """
        most = MAX_OPEN_BODY if is_stranger else body_limit(path)
        if declared > most:
            raise too_large(most)
        loop = asyncio.get_running_loop()
        among, most_among = (
            (self._strangers, _MOST_STRANGERS) if is_stranger else (self._others, _MOST_READ)
        )
        reading = _Reading(asyncio.current_task(loop), loop.time())
        among[reading] = None
        if len(among) > most_among:
            oldest = next(iter(among))
            del among[oldest]
            oldest.end()
        if not self._is_watching:
            self._is_watching = True
            loop.call_later(_LOOK_EVERY, self._watch, loop)
        try:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                # As most are: there at once, and not held beside others.
                content = message.get("body", b"")
                if len(content) > most:
                    raise too_large(most)
            else:
                content = await self._gather(message, receive, reading, most, is_vital=is_vital)
        except asyncio.CancelledError:
            if not reading.is_ended:
                raise
            assert reading.task is not None  # noqa: S101  # it was cancelled
            reading.task.uncancel()
            raise TooSlow(
                "The body of the request did not come in time. Nothing was done: send it again."
            ) from None
        finally:
            among.pop(reading, None)
            self._held -= reading.size
        check_parts(content)
        return content

    async def _gather(
        self,
        message: Mapping[str, Any],
        receive: Receive,
        reading: _Reading,
        most: int,
        *,
        is_vital: bool,
    ) -> bytes:
        parts: list[bytes] = []
        while True:
            if message["type"] == "http.disconnect":
                raise Problem("The body of the request did not come whole.", code="incomplete_body")
            part: bytes = message.get("body", b"")
            if part:
                reading.size += len(part)
                self._held += len(part)
                parts.append(part)
                if reading.size > most:
                    raise too_large(most)
                if self._held > _MOST_HELD and not is_vital:
                    raise Overloaded(
                        "The control plane reads more bodies of requests than it has room for. "
                        "Nothing of this one was done: send it again after the pause in "
                        "Retry-After."
                    )
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for each in (*self._strangers, *self._others):
            if each.is_overdue(now):
                each.end()
        self._is_watching = bool(self._strangers or self._others)
        if self._is_watching:
            loop.call_later(_LOOK_EVERY, self._watch, loop)


def too_large(most: int) -> Problem:
    """The refusal of a body of more bytes than it may have."""
    return Problem(
        f"The body of the request is too large: at most {most:,} bytes are taken here.",
        code="too_large",
        status=413,
    )


def check_parts(content: bytes) -> None:
    """Refuse JSON of too many parts, or nested too deeply: reading it would take too long.

    What stands in texts is counted too, where it looks like a part.

    Raises:
        Problem: 413, too many parts.
        Unprocessable: nested too deeply.
    """
    opened = content.count(b"[") + content.count(b"{")
    if opened <= MAX_DEPTH:
        return
    if len(content) > _SMALL and opened + content.count(b'":') > MAX_PARTS:
        raise Problem(
            f"The body of the request has more than {MAX_PARTS:,} lists, objects and members of "
            "objects. Send less at a time.",
            code="too_large",
            status=413,
        )
    if _depth_exceeds(content):
        raise Unprocessable(
            f"The body of the request is nested too deeply: more than {MAX_DEPTH} lists and "
            "objects inside one another.",
            code="too_deep",
        )


_NO_BRACKETS = bytes(each for each in range(256) if each not in b"[]{}")


def _depth_exceeds(content: bytes) -> bool:
    """Whether lists and objects are nested deeper than allowed.

    Pairs of brackets with nothing inside are taken away, round by round; what is left after as many
    rounds is deeper. Brackets in texts may leave something too: then it is counted one by one.
    """
    rest = content.translate(None, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        fewer = rest.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(rest):
            break
        rest = fewer
    if not rest:
        return False
    return content.count(b'"') > _MOST_MARKS or _counted_depth(content) > MAX_DEPTH


def _counted_depth(content: bytes) -> int:
    """How deep it is, without what stands in texts."""
    deepest = depth = 0
    # The odd parts between quotation marks are texts, where no mark is written as \".
    plain = content.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    for part in plain:
        for byte in part.translate(None, _NO_BRACKETS):
            depth += 1 if byte in b"[{" else -1
            deepest = max(deepest, depth)
    return deepest
