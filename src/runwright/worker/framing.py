"""Length-prefixed MessagePack on a stream socket: 4 bytes, big-endian, then one Struct."""

from typing import Any, Generic, TypeVar

import msgspec

from runwright.api import msgpack

T = TypeVar("T")

#: Longer frames are a broken or hostile peer, not a message: the stream is given up.
LONGEST_FRAME_BYTES = 64 * 1024 * 1024


class BrokenStream(Exception):
    """The bytes on a socket are not frames."""


def pack(message: msgspec.Struct) -> bytes:
    """One message as it travels."""
    body = msgpack.encode(message)
    return len(body).to_bytes(4, "big") + body


class FrameReader(Generic[T]):
    """Turns received bytes into messages. What is cut off at the end is never delivered."""

    def __init__(self, message_type: Any) -> None:  # a union is no `type`
        self._decoder: msgspec.msgpack.Decoder[T] = msgpack.decoder(message_type)
        self._buffer = bytearray()

    def feed(self, received: bytes) -> list[T]:
        """The messages that are complete now.

        Raises:
            BrokenStream: these are not frames of the expected types.
        """
        buffer = self._buffer
        buffer += received
        messages: list[T] = []
        start = 0
        while len(buffer) - start >= 4:  # noqa: PLR2004  # the length prefix
            length = int.from_bytes(buffer[start : start + 4], "big")
            if length > LONGEST_FRAME_BYTES:
                raise BrokenStream(f"a frame claims to have {length} bytes")
            end = start + 4 + length
            if len(buffer) < end:
                break
            try:
                messages.append(self._decoder.decode(memoryview(buffer)[start + 4 : end]))
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise BrokenStream(f"a frame cannot be read: {error}") from error
            start = end
        if start:
            del buffer[:start]
        return messages
