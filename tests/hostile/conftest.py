"""A real server, on either database, as somebody hostile meets it."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.acceptance.worker.conftest import Site
from tests.postgres import create_database

from runwright.credentials import key_for


@dataclass(frozen=True)
class Reply:
    """An answer of any status."""

    status: int
    headers: HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content) if self.content else None


@dataclass(frozen=True)
class Execution:
    """A claimed run in the hands of a flow process that speaks for itself."""

    site: "HostileSite"
    spec: dict[str, Any]

    @property
    def run(self) -> str:
        return self.spec["flow_run_id"]

    @property
    def credential(self) -> str:
        return self.spec["credential"]

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """A request with the credential of this execution."""
        return self.site.send(method, path, body, key=self.credential)

    def journal(self, *entries: dict[str, Any], first: int = 0) -> Reply:
        """One batch; see `runwright.api.journal` for the kinds of entries."""
        body = {
            "token": self.spec["token"],
            "execution_id": self.spec["execution_id"],
            "first": first,
            "entries": list(entries),
        }
        return self.ask("POST", f"/flow_runs/{self.run}/journal", body)


class HostileSite(Site):
    """A server in a home of its own, keys of chosen scopes, and executions without a worker."""

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = "",
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        seconds: float = 15,
    ) -> Reply:
        """One request; a refusal is an answer too. `key`: "" means the admin key, None no key."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        secret = key_for(self.home, self.url) if key == "" else key
        if secret is not None:
            sent["Authorization"] = f"Bearer {secret}"
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, data=content, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read())

    def make_key(self, *scopes: str, **asked: Any) -> str:
        """The secret of a new user key; `kind="worker", work_pool_name=...` makes a worker's."""
        body = {"name": f"k-{uuid4().hex[:8]}", "kind": "user", **asked}
        if scopes:
            body["scopes"] = list(scopes)
        return self.ask("POST", "/keys/", body)["secret"]

    def worker_key(self, pool: str) -> str:
        """The key of a worker of a pool, which is made where it is missing."""
        with contextlib.suppress(urllib.error.HTTPError):
            self.ask("POST", "/work_pools/", {"name": pool, "type": "process"})
        return self.make_key(kind="worker", work_pool_name=pool)

    def sync(self, pool: str, key: str, instance: str, **asked: Any) -> Reply:
        """One poll of a worker."""
        body = {"worker_name": "w", "free": 0, "wait_ms": 0, **asked}
        return self.send("POST", f"/work_pools/{pool}/workers/{instance}/sync", body, key=key)

    def claim(self, pool: str, key: str, instance: str | None = None) -> Execution:
        """Claim the next due run of a pool, as its worker would."""
        reply = self.sync(pool, key, instance or str(uuid4()), free=1, wait_ms=5000)
        assert reply.status == 200, reply.content
        (claimed,) = reply.json["claimed"]
        return Execution(self, claimed["spec"])

    def execution(self, pool: str, flow: str = "hello", **parameters: Any) -> Execution:
        """A new run of a deployment in a pool, claimed and Running."""
        key = self.worker_key(pool)
        self.run(self.deploy(flow, pool), **parameters)
        claimed = self.claim(pool, key)
        state = {"id": str(uuid4()), "type": "RUNNING", "name": "Running", "timestamp": now()}
        reply = claimed.journal({"kind": "flow_state", "flow_run_id": claimed.run, "state": state})
        assert reply.status == 200, reply.content
        return claimed


def now() -> str:
    """The instant as the wire has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


Opened = Callable[[str], HostileSite]


@pytest.fixture
def more_environment() -> dict[str, str]:
    """Variables for the server and its workers, for modules that want other ones."""
    return {}


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind: for what SQL decides."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/hostile.db"
    return create_database(request.getfixturevalue("postgres"))


def _serve(home: Path, code: Path, environment: dict[str, str]) -> Iterator[HostileSite]:
    (code / "flows.py").write_text(
        "from runwright import flow\n\n@flow\ndef hello(name: str = 'you'):\n    return name\n"
    )
    place = HostileSite(home, code)
    place.env |= environment
    try:
        place.start_server()
        yield place
    finally:
        place.close()


@pytest.fixture
def site(
    home_of_its_own: Path, tmp_path: Path, more_environment: dict[str, str]
) -> Iterator[HostileSite]:
    """A real server on SQLite: for what does not depend on the database."""
    yield from _serve(home_of_its_own, tmp_path, more_environment)


@pytest.fixture
def site_on_both(
    home_of_its_own: Path, tmp_path: Path, more_environment: dict[str, str], database_url: str
) -> Iterator[HostileSite]:
    """A real server on SQLite, and one on Postgres."""
    environment = {"RUNWRIGHT_DATABASE_URL": database_url} | more_environment
    yield from _serve(home_of_its_own, tmp_path, environment)
