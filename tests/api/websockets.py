"""A websocket to the application in this process."""

import asyncio
import json


class Socket:
    """The client's end. Use inside the loop of the `api` fixture.

    `room`: so many frames may lie there unread before a send waits; 0 is any number.
    """

    def __init__(self, app, path, *, room=0):
        self.to_server = asyncio.Queue()
        self.from_server = asyncio.Queue(room)
        self.scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "subprotocols": ["prefect"],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 1),
            "state": {},
        }
        self.app = app

    async def __aenter__(self):
        self.to_server.put_nowait({"type": "websocket.connect"})
        self.serving = asyncio.create_task(
            self.app(self.scope, self.to_server.get, self.from_server.put)
        )
        accepted = await self._next()
        assert (accepted["type"], accepted["subprotocol"]) == ("websocket.accept", "prefect")
        return self

    async def __aexit__(self, *_):
        self.to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.serving, 10)

    async def auth(self, token):
        await self.send({"type": "auth", "token": token})
        return await self.receive()

    async def send(self, frame):
        text = frame if isinstance(frame, str) else json.dumps(frame)
        await self.to_server.put({"type": "websocket.receive", "text": text})

    async def receive(self):
        """The next frame; the code where it was closed."""
        message = await self._next()
        if message["type"] == "websocket.close":
            return message["code"]
        return json.loads(message.get("text") or message["bytes"])

    async def closing(self):
        """The frame by which the server closes."""
        message = await self._next()
        assert message["type"] == "websocket.close", message
        return message

    async def _next(self):
        return await asyncio.wait_for(self.from_server.get(), 10)
