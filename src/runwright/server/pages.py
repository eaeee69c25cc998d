"""Pages of rows as answers: gathered where they are small, streamed part by part where not.

Clients page by numbers of rows, so a page is never cut: all rows that were on it when it was asked
for are sent, however large they are, but for those that are deleted meanwhile.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from litestar import Response
from litestar.response import Stream
from litestar.response.base import ASGIResponse

from runwright.api.filters import PageQuery, Paging, Query
from runwright.api.limits import KIB, MAX_PAGE, MAX_PART
from runwright.server.wiring import Wiring
from runwright.storage.engine import Transaction
from runwright.storage.queries import (
    Page,
    Part,
    Resource,
    head_of_page,
    parts_of,
    read_part,
    rows_of_page,
    send_one_within,
    send_within,
)

T = TypeVar("T")
#: Bytes that are handed on at once.
PIECE = 16 * KIB
_JSON = "application/json"
_EMPTY = b'"results":[]'
_encode = msgspec.json.Encoder().encode
#: From rows to what is sent of them, in the same order.
Shape = Callable[[Transaction, list[T]], list[Any]]


def _as_they_are(_: Transaction, rows: list[T]) -> list[T]:
    return rows


@dataclass(frozen=True)
class Asked(Generic[T]):
    """Which rows are asked for, and what is sent of them."""

    resource: Resource[T]
    query: Paging
    shape: Shape[T] = _as_they_are
    #: What the conditions of the resource itself have to be told.
    parameters: Mapping[str, Any] | None = None

    def gathered(self, tx: Transaction) -> bytes | None:
        """The list as JSON; None where it is too large for one piece."""
        rows = send_within(tx, self.resource, self.query, MAX_PAGE, self.parameters)
        return None if rows is None else _encode(self.shape(tx, rows))

    def parts(self, tx: Transaction) -> list[Part]:
        """What the list consists of, where it is too large."""
        return parts_of(tx, self.resource, self.query, MAX_PART, self.parameters)

    def part(self, tx: Transaction, part: Part) -> bytes:
        """One part of the list, as a list."""
        rows = read_part(tx, self.resource, part, self.parameters)
        return _encode(self.shape(tx, rows))


async def many(
    wiring: Wiring, resource: Resource[T], query: Paging, shape: Shape[T] = _as_they_are
) -> Response[Any]:
    """The list that a `/filter` asks for."""
    asked = Asked(resource, query, shape)
    content = await wiring.storage.read(asked.gathered)
    if content is not None:
        return Response(content, media_type=_JSON)
    return await streamed(wiring, asked)


async def one_page(
    wiring: Wiring,
    resource: Resource[T],
    query: PageQuery,
    kind: Callable[..., Any],
    shape: Shape[T] = _as_they_are,
) -> Response[Any]:
    """The page that a `/paginate` asks for. `kind` makes its body of the members of a `Page`."""
    asked = Asked(resource, rows_of_page(query), shape)

    def read(tx: Transaction) -> tuple[bytes, bytes | None]:
        head = head_of_page(tx, resource, query)
        members = {name: getattr(head, name) for name in Page.__dataclass_fields__}
        return _encode(kind(**members)), asked.gathered(tx) if head.count else b"[]"

    head, content = await wiring.storage.read(read)
    before, after = head.split(_EMPTY, 1)
    before += b'"results":'
    if content is not None:
        return Response(before + content + after, media_type=_JSON)
    return await streamed(wiring, asked, before, after)


async def one(
    wiring: Wiring, resource: Resource[T], id_: UUID, shape: Shape[T] = _as_they_are
) -> Response[Any] | None:
    """The one with that id, if there is one."""

    def read(tx: Transaction) -> bytes | int | None:
        found = send_one_within(tx, resource, id_, MAX_PAGE)
        if found is None or isinstance(found, int):
            return found
        return b"".join(map(_encode, shape(tx, [found.row])))

    content = await wiring.storage.read(read)
    if content is None:
        return None
    if isinstance(content, bytes):
        return Response(content, media_type=_JSON)
    asked = Asked(resource, Query(), shape)
    return await _stream(_content(wiring, asked, [Part([id_], content)], b"", b""))


async def streamed(
    wiring: Wiring, asked: Asked[T], before: bytes = b"", after: bytes = b""
) -> "StreamedPage":
    """The list in parts; each is read when the reader has taken the one before.

    Raises:
        Busy: there is no room for the first part.
    """
    parts = await wiring.storage.read(asked.parts)
    return await _stream(_content(wiring, asked, parts, before + b"[", b"]" + after))


async def _stream(content: AsyncGenerator[bytes]) -> "StreamedPage":
    first = await anext(content)  # so that there is an answer if this fails
    return StreamedPage(_continued(first, content))


async def _content(
    wiring: Wiring, asked: Asked[T], parts: list[Part], start: bytes, end: bytes
) -> AsyncGenerator[bytes]:
    """In small pieces: whoever passes one on may keep it for longer than the part has its room."""
    for part in parts:
        async with wiring.answers.of(part.weight):
            members = await wiring.storage.read(lambda tx, part=part: asked.part(tx, part))
            if len(members) > len(b"[]"):
                yield start + members[1 : min(PIECE, len(members) - 1)]
                start = b","
                for at in range(PIECE, len(members) - 1, PIECE):
                    yield members[at : min(at + PIECE, len(members) - 1)]
            del members
    yield (b"" if start == b"," else start) + end


async def _continued(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for each in rest:
            yield each


class StreamedPage(Stream):
    """A page that is read while it is sent; whatever happens to its reader, its room is freed."""

    def __init__(self, content: AsyncGenerator[bytes]) -> None:
        super().__init__(content, media_type=_JSON)
        self.generator = content

    def to_asgi_response(self, *positional: Any, **named: Any) -> ASGIResponse:
        return _Closing(super().to_asgi_response(*positional, **named), self.generator)


class _Closing(ASGIResponse):
    """Sends a stream, and closes it, taken or not."""

    __slots__ = ("_generator", "_stream")

    def __init__(self, stream: ASGIResponse, generator: AsyncGenerator[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._generator = generator

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._stream(scope, receive, send)
        finally:
            await self._generator.aclose()
