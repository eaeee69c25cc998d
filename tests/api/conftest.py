"""The application in this process, on a real database, spoken to as ASGI."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from tests.postgres import create_database

from runwright.api.keys import Key
from runwright.clock import SystemClock, new_id
from runwright.server.app import create_app
from runwright.server.keys import ALL_SCOPES, hash_secret, new_key
from runwright.server.wiring import Wiring
from runwright.settings import load_settings
from runwright.storage import migrations
from runwright.storage.api_keys import add_key
from runwright.storage.engine import Storage, open_storage
from runwright.storage.tables import metadata


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content) if self.content else None


class Api:
    """Sends requests to the application, by default as an administrator."""

    def __init__(self, loop: asyncio.AbstractEventLoop, app: Any, wiring: Wiring) -> None:
        self.loop, self.app, self.wiring = loop, app, wiring
        self.key: str | None = None

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, 30))

    def make_key(self, *, kind: str = "user", scopes: Any = ALL_SCOPES, **more: Any) -> str:
        key_id = new_id()
        secret = new_key(kind, key_id)
        pool = more.pop("work_pool_id", None)
        key = Key(
            id=key_id,
            name="test",
            kind=kind,  # type: ignore[arg-type]
            created=self.wiring.clock.now(),
            scopes=sorted(scopes),
            **more,
        )
        self.run(
            self.wiring.storage.write(
                lambda tx: add_key(tx, key, secret_hash=hash_secret(secret), work_pool_id=pool)
            )
        )
        return secret

    def forget_keys(self) -> None:
        """What was found out of keys a moment ago is looked up again."""
        layer = self.app
        while not hasattr(layer, "_authenticator"):
            layer = layer._behind
        layer._authenticator.forget()

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = "",
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        return self.run(self.send_async(method, path, body, key=key, raw=raw, headers=headers))

    async def send_async(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = "",
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        sent = {"host": "localhost", "content-type": "application/json", **(headers or {})}
        if key == "":
            key = self.key
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 1),
            "state": {},
        }
        messages: list[dict[str, Any]] = []
        asked = False
        is_answered = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                if messages:  # it goes away during a wait, and not during an answer
                    await is_answered.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                is_answered.set()

        await self.app(scope, receive, send)
        answered = {k.decode().lower(): v.decode() for k, v in messages[0]["headers"]}
        return Reply(
            messages[0]["status"], answered, b"".join(m.get("body", b"") for m in messages[1:])
        )

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.send(method, path, body)
        assert 200 <= reply.status < 300, (method, path, reply.status, reply.content)
        return reply.json


Opened = Callable[[str], Api]


@pytest.fixture
def more_settings() -> dict[str, str]:
    """Variables of the settings, for modules that want other ones."""
    return {}


@pytest.fixture
def open_api(tmp_path: Path, more_settings: dict[str, str]) -> Iterator[Opened]:
    """Opens the application on the database of a URL whose tables are made already."""
    loop = asyncio.new_event_loop()
    opened: list[Storage] = []

    def opener(url: str) -> Api:
        storage = open_storage(url)
        loop.run_until_complete(storage.start())
        opened.append(storage)
        usual = {"RUNWRIGHT_HOME": str(tmp_path), "RUNWRIGHT_DATABASE_URL": url}
        settings = load_settings(usual | more_settings)
        wiring = Wiring(storage, SystemClock(), new_id, settings)
        api = Api(loop, create_app(wiring), wiring)
        api.key = api.make_key()
        return api

    yield opener
    for storage in opened:
        loop.run_until_complete(storage.stop())
    loop.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest is left to SQLite, but in `make test-all`."""
    for item in items:
        if "test_every_operator_of_a_filter[postgresql" in item.nodeid:
            item.add_marker("slow")


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """A database with all tables, to be copied."""
    url = create_database(postgres)
    migrations.upgrade(url)
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that has the tables and nothing in them."""
    if request.param == "postgresql":
        template = request.getfixturevalue("template")
        return create_database(request.getfixturevalue("postgres"), template=template)
    url = f"sqlite:///{tmp_path / 'test.db'}"
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    return url


@pytest.fixture
def api(open_api: Opened, database_url: str) -> Api:
    """The application on a fresh database of each kind."""
    return open_api(database_url)
