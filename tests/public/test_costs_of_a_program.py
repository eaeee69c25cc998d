"""What a program costs that uses the SDK: modules, bytes and requests, which no machine changes."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

#: Modules beyond those of a bare Python. It may fall; to raise it takes a reason.
MOST_MODULES = 135
#: Of the journal, for a no-op task run from Pending to Completed.
MOST_BYTES_A_TASK = 1000
#: For a flow of a thousand tasks against a server.
MOST_REQUESTS = 4
#: Not for `import runwright`: a flow that runs by hand needs none of them.
TOO_HEAVY = ("sqlalchemy", "litestar", "alembic", "granian", "aiohttp", "asyncpg", "pydantic")
MANY = """
from runwright import flow, task

@task
def nothing(number):
    return number

@flow
def many():
    nothing.map(range(1000)).result()

if __name__ == "__main__":
    many()
"""


def run(code: str, home: Path, **variables: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RUNWRIGHT_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | {"RUNWRIGHT_HOME": str(home)} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_modules_that_the_import_loads(tmp_path):
    code = (
        "import sys; before = set(sys.modules); from runwright import flow, task;"
        "import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = json.loads(run(code, tmp_path))
    assert [name for name in loaded if name.partition(".")[0] in TOO_HEAVY] == []
    assert len(loaded) <= MOST_MODULES


def test_bytes_of_the_journal_for_a_task(tmp_path):
    run(MANY, tmp_path)
    written = sum(path.stat().st_size for path in (tmp_path / "spool").rglob("*"))
    assert written / 1000 <= MOST_BYTES_A_TASK


class Counter(threading.Thread):
    """Stands before a server and counts the requests that pass."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port, self.requests, self.bytes = port, 0, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._port))
            for source, target, counts in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pass_on, args=(source, target, counts), daemon=True
                ).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        while data := source.recv(65536):
            if counts:
                self.requests += data.count(b" HTTP/1.1\r\n")
                self.bytes += len(data)
            target.sendall(data)
        target.close()


@pytest.fixture
def server(tmp_path):
    """The port of a server whose home is `tmp_path`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RUNWRIGHT_")}
    env = kept | {"RUNWRIGHT_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "runwright.cli.main", "server"]
    begin = [*command, "start", "--background", "--port", "0"]
    subprocess.run(begin, env=env, check=True, timeout=60, capture_output=True)
    told = subprocess.run(
        [*command, "status", "-o", "json"], env=env, check=True, capture_output=True, text=True
    )
    yield json.loads(told.stdout)["url"]
    subprocess.run([*command, "stop"], env=env, check=True, timeout=60, capture_output=True)


def test_requests_and_bytes_of_a_flow_of_a_thousand_tasks(server, tmp_path):
    from urllib.parse import urlsplit

    from runwright.credentials import key_for

    counter = Counter(urlsplit(server).port or 0)
    counter.start()
    run(
        MANY,
        tmp_path / "other",
        RUNWRIGHT_API_URL=f"http://127.0.0.1:{counter.port}/api",
        RUNWRIGHT_API_KEY=key_for(tmp_path, server) or "",
    )
    assert 2 <= counter.requests <= MOST_REQUESTS
    assert counter.bytes / 1000 <= MOST_BYTES_A_TASK
