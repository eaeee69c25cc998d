"""A websocket on a bare TCP connection: it reads when it is told to, and not before."""

import base64
import json
import os
import socket
import struct
from typing import Any


class RawWebsocket:
    """Connected, and allowed in. `buffer`: how many bytes the system may take before it is read."""

    def __init__(self, port: int, path: str, key: str, *, buffer: int | None = None) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(20)
        if buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._socket.connect(("127.0.0.1", port))
        self._read = self._socket.makefile("rb")
        nonce = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: prefect\r\n\r\n".encode()
        )
        assert b" 101 " in self._read.readline()
        while self._read.readline() != b"\r\n":
            pass
        self.send({"type": "auth", "token": key})
        assert self.receive() == {"type": "auth_success"}

    @property
    def port(self) -> int:
        """Its own end."""
        return int(self._socket.getsockname()[1])

    def send(self, frame: Any) -> None:
        content, mask = json.dumps(frame).encode(), os.urandom(4)
        size = len(content)
        head = bytes([0x81, 0x80 | size]) if size < 126 else struct.pack(">BBH", 0x81, 0xFE, size)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(content))
        self._socket.sendall(head + mask + masked)

    def receive(self) -> Any:
        """The next frame; None where it was closed, or nothing came for 20 s."""
        try:
            head = self._read.read(2)
            if len(head) < 2 or head[0] & 0x0F == 0x08:
                return None
            size = head[1] & 0x7F
            if size >= 126:
                form = ">H" if size == 126 else ">Q"
                (size,) = struct.unpack(form, self._read.read(struct.calcsize(form)))
            return json.loads(self._read.read(size))
        except OSError:
            return None

    def close(self) -> None:
        """Go without a word."""
        self._read.close()
        self._socket.close()
