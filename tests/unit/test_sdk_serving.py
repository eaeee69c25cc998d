"""Serving: a pool of its own, a worker as a child, and schedules that are paused at the end."""

import signal
import subprocess
import sys
from uuid import uuid4

import msgspec
import pytest

from runwright import flow
from runwright.api.deployments import Deployment
from runwright.api.flows import Flow as FlowOnWire
from runwright.errors import ApiProblem, ConfigurationError, FlowError
from runwright.sdk import serving
from runwright.sdk.journal import Told


@flow
def one(n: int = 1): ...


@flow
def two(): ...


@pytest.fixture
def control_plane(monkeypatch):
    """What was asked of it, and the commands of workers."""
    asked, commands = [], []

    def ask(method, path, body):
        asked.append((method, path, body))
        if path == "/work_pools/":
            return Told(409, {"detail": "it is there"})
        ids = {"id": uuid4(), "created": None, "updated": None}
        if path == "/flows/":
            return Told(200, msgspec.to_builtins(FlowOnWire(**ids, name="x")))
        if path == "/deployments/":
            return Told(201, msgspec.to_builtins(Deployment(**ids, name="x", flow_id=uuid4())))
        return Told(200, None)

    monkeypatch.setattr(serving, "default_ask", lambda: ask)
    monkeypatch.setattr(serving, "run_worker", lambda command, _: commands.append(command) or 0)
    return asked, commands


def paths(asked, method="POST"):
    return [path for verb, path, _ in asked if verb == method]


def test_deployments_get_a_pool_and_a_worker_and_are_paused_at_the_end(control_plane, capsys):
    asked, commands = control_plane
    serving.serve(one.to_deployment("a", cron="0 9 * * *"), two.to_deployment("b"), limit=3)

    deployed = [body for _, path, body in asked if path == "/deployments/"]
    assert [body.work_pool_name for body in deployed] == ["serve:one:a+1"] * 2
    (command,) = commands
    assert command[command.index("--pool") + 1] == "serve:one:a+1"
    assert command[command.index("--limit") + 1] == "3"
    assert sum(path.endswith("/pause_deployment") for path in paths(asked)) == 2
    assert "  one/a\n  two/b\n" in capsys.readouterr().out


def test_a_flow_serves_itself(control_plane):
    asked, _ = control_plane
    one.serve("mine", interval=60, parameters={"n": 2}, pause_on_shutdown=False)
    (body,) = [body for _, path, body in asked if path == "/deployments/"]
    assert (body.name, body.parameters, body.work_pool_name) == ("mine", {"n": 2}, "serve:one:mine")
    assert not any(path.endswith("/pause_deployment") for path in paths(asked))


def test_a_worker_that_fails_is_told(control_plane, monkeypatch):
    monkeypatch.setattr(serving, "run_worker", lambda *_: 3)
    with pytest.raises(ConfigurationError, match="'one/a' ended with exit code 3"):
        serving.serve(one.to_deployment("a"))


def test_a_pool_that_cannot_be_made_is_told(monkeypatch):
    monkeypatch.setattr(serving, "default_ask", lambda: lambda *_: Told(403, {"detail": "no"}))
    with pytest.raises(ApiProblem, match="the work pool 'serve:one:a'"):
        serving.serve(one.to_deployment("a"))


def test_nothing_to_serve_is_refused():
    with pytest.raises(FlowError, match="at least one deployment"):
        serving.serve()


WORKER = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("worker stops", flush=True), sys.exit(0)))
print("worker runs", flush=True)
while True:
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_worker_once(number):
    program = (
        "import sys\nfrom runwright.sdk.serving import run_worker\n"
        f"code = run_worker([sys.executable, '-c', {WORKER!r}])\n"
        "print('ended with', code)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline() == "worker runs\n"
        process.send_signal(number)
        output, _ = process.communicate(timeout=20)
    assert output == "worker stops\nended with 0\n"
