"""What a flow's threads ask of the control plane, carried out by the loop of another thread."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any

from runwright.sdk.channel import Told

Ask = Callable[[str, str, Any], Awaitable[Told]]


class Questions:
    """Every question gets an answer or an error, even one asked while the loop ends."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ask: Ask, closed: Callable[[], Exception]
    ) -> None:
        """`ask` runs in the loop; `closed` makes the error of questions that come too late."""
        self._loop = loop
        self._ask = ask
        self._closed = closed
        self._open: set[Future[Told]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_ending = False
        self._has_ended = False

    def put(self, method: str, path: str, body: Any) -> Future[Told]:
        """Ask from any thread."""
        future: Future[Told] = Future()
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        if not self._has_ended:
            with contextlib.suppress(RuntimeError):  # the loop closed just now
                self._loop.call_soon_threadsafe(self._begin, future, method, path, body)
        if self._has_ended:
            self.drop()
        return future

    async def end(self) -> None:
        """In the loop: break off what is being asked, and begin nothing more."""
        self._is_ending = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop(self) -> None:
        """Once the loop is closed: nothing that was put remains without an answer."""
        self._has_ended = True
        for future in list(self._open):
            with contextlib.suppress(InvalidStateError):  # another thread came by here
                future.set_exception(self._closed())

    def _begin(self, future: Future[Told], method: str, path: str, body: Any) -> None:
        if not self._is_ending and future.set_running_or_notify_cancel():
            task = self._loop.create_task(self._answer(future, method, path, body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, future: Future[Told], method: str, path: str, body: Any) -> None:
        try:
            told = await self._ask(method, path, body)
        except asyncio.CancelledError:
            future.set_exception(self._closed())
            raise
        except Exception as error:  # noqa: BLE001  # it belongs to who asked
            future.set_exception(error)
        else:
            future.set_result(told)
