"""A websocket's client end on a plain socket: it sends what browsers would, and what none would."""

import base64
import contextlib
import json
import os
import socket
import struct
from typing import Any, Self

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Websocket:
    """One handshake with a server of this machine, and what follows. A context manager.

    `status` is that of the answer: 101 where the server agreed.
    """

    def __init__(self, port: int, path: str, *, seconds: float = 15, **headers: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        sent = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "prefect",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        self._rest = b""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        #: Why the server closed it, once it has.
        self.closed: tuple[int, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, frame: Any) -> None:
        """One message, as JSON."""
        content, mask = json.dumps(frame).encode(), os.urandom(4)
        head = bytes([0x80 | _TEXT])
        if len(content) < 126:
            head += bytes([0x80 | len(content)])
        else:
            head += bytes([0x80 | 126]) + struct.pack("!H", len(content))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(content))
        self._socket.sendall(head + mask + masked)

    def pour(self, megabytes: int) -> int:
        """Parts of one endless message, as long as somebody takes them; how many megabytes did."""
        part = bytes([_TEXT, 0x80 | 127]) + struct.pack("!Q", 1 << 20) + bytes(4) + b"a" * (1 << 20)
        self._socket.settimeout(0.2)
        for number in range(megabytes):
            try:
                self._socket.sendall(part if number == 0 else b"\x00" + part[1:])
            except OSError:
                return number
        return megabytes

    def receive(self) -> Any:
        """The next message; None once the server has closed."""
        while True:
            kind, content = self._frame()
            if kind == _CLOSE:
                code = struct.unpack("!H", content[:2])[0] if content else 1005
                self.closed = code, content[2:].decode()
                return None
            if kind not in {_PING, _PONG}:
                return json.loads(content)

    def auth(self, token: str | None) -> Any:
        """The first frame of every stream, and its answer."""
        self.send({"type": "auth", "token": token})
        return self.receive()

    def until_closed(self) -> tuple[int, str]:
        """Code and reason of the server's close; what it said before is dropped."""
        while self.receive() is not None:
            pass
        assert self.closed is not None
        return self.closed

    def _frame(self) -> tuple[int, bytes]:
        try:
            first, second = self._take(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack("!H", self._take(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._take(8))[0]
            return first & 0x0F, self._take(size)
        except ConnectionError:
            return _CLOSE, b""

    def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            more = self._socket.recv(65_536)
            if not more:
                raise ConnectionResetError
            self._rest += more
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            more = self._socket.recv(65_536)
            if not more:
                break
            self._rest += more
        head, _, self._rest = self._rest.partition(end)
        return head

    def rest(self) -> bytes:
        """Whatever comes until the server closes: the body of a refusal."""
        with contextlib.suppress(TimeoutError):
            while more := self._socket.recv(65_536):
                self._rest += more
        return self._rest
