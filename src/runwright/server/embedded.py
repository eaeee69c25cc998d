"""The control plane inside the command line, for when no server runs on this machine."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any, Self, cast

from runwright.clock import SystemClock, new_id
from runwright.errors import ConfigurationError
from runwright.private_files import narrow_home
from runwright.server.app import create_app
from runwright.server.database import opened
from runwright.server.keys import LOCAL_ADMIN
from runwright.server.spool import SpoolReader
from runwright.server.wiring import Wiring
from runwright.settings import Settings


class EmbeddedControlPlane:
    """Answers requests as the server would, as an administrator. A context manager.

    Raises:
        DatabaseInUse: on entering, when a server owns the database after all, or other commands
            did for long.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        try:
            self._loop.run_until_complete(self._open())
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._loop.run_until_complete(self._stack.aclose())
        finally:
            self._loop.close()

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body of the answer. `path` is below /api and may have a query."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        if isinstance(content, str):
            content = content.encode()
        return self._loop.run_until_complete(self._dispatch(method, path, content))

    async def _open(self) -> None:
        url = self._settings.database_url
        if url is None:
            raise ConfigurationError("database_url is not set.")
        narrow_home(self._settings.home)
        storage = await self._stack.enter_async_context(opened(url, "command"))
        wiring = Wiring(storage, SystemClock(), new_id, self._settings)
        self._app = create_app(wiring)
        await SpoolReader(wiring, self._settings.home / "spool").one_pass()

    async def _dispatch(self, method: str, path: str, content: bytes) -> tuple[int, bytes]:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": f"/api{path}",
            "raw_path": f"/api{path}".encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
            "state": {},
            "runwright.principal": LOCAL_ADMIN,
        }
        messages: list[dict[str, Any]] = []
        unread = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return unread.pop() if unread else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            messages.append(message)

        await self._app(cast("Any", scope), cast("Any", receive), send)
        return messages[0]["status"], b"".join(m.get("body", b"") for m in messages[1:])
