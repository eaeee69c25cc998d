"""A network between two programs that can be cut, go silent, or lose what comes back."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine
from typing import Any, Literal

Mode = Literal["open", "cut", "silent", "deaf"]

_loop = asyncio.new_event_loop()
threading.Thread(target=_loop.run_forever, name="proxies", daemon=True).start()


def _do(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run_coroutine_threadsafe(work, _loop).result(10)


class Proxy:
    """Listens on `port`, and passes each connection on to one of the targets that is there.

    Modes: `open`; `cut`, connections are closed and refused; `silent`, nothing passes and nothing
    is closed; `deaf`, requests arrive and their answers are lost with their connections.
    """

    def __init__(self, targets: list[int], seed: int) -> None:
        self._targets = targets
        self._chance = random.Random(seed)
        self._mode: Mode = "open"
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()
        self._server = _do(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def set(self, mode: Mode) -> None:
        """From now on behave like that."""
        _do(self._set(mode))

    def close(self) -> None:
        """Listen no more."""
        self.set("cut")
        _do(self._close())

    async def _close(self) -> None:
        self._server.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._pass, "127.0.0.1", 0)

    async def _set(self, mode: Mode) -> None:
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode == "cut":
            for writer in tuple(self._writers):
                writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there = None if self._mode == "cut" else await self._connect()
            if there is None:
                return
            self._writers.add(there[1])
            up = asyncio.create_task(self._copy(reader, there[1], is_answer=False))
            down = asyncio.create_task(self._copy(there[0], writer, is_answer=True))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            up.cancel()
            down.cancel()
            self._writers.discard(there[1])
            there[1].transport.abort()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for port in self._chance.sample(self._targets, len(self._targets)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                while self._mode == "silent":
                    await self._changed.wait()
                if self._mode == "deaf" and is_answer:
                    return
                writer.write(data)
                await writer.drain()
