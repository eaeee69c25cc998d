"""A claimed run in a process of its own, with the supervisor's end of the socket in the test."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from runwright.api.executions import ExecutionSpec
from runwright.api.frames import AcknowledgedFrame, StopFrame, UpFrame
from runwright.api.journal import Answer, FlowRunPatched, FlowRunProposed, LogWritten
from runwright.api.states import AbortDetails, AcceptDetails, OrchestrationResult, RejectDetails
from runwright.clock import SystemClock
from runwright.core.states import State, StateDetails, StateType

FLOWS = """
    import os, sys, threading
    from pathlib import Path
    Path("imported").touch()
    from runwright import flow, get_run_logger

    @flow
    def double(n: int, note: str = "none"):
        print("in", Path.cwd())
        return n * 2

    @flow
    def fails():
        raise ValueError("no luck")

    @flow
    def waits():
        get_run_logger().info("waiting")
        threading.Event().wait(30)
"""


class Supervisor:
    """Answers frames by `decide(entry)` until the flow's process hangs up."""

    def __init__(self, spec, decide):
        self.end, theirs = socket.socketpair()
        self.stream = self.end.makefile("rb")
        self.decide = decide
        self.entries = []
        self.proposed = []
        environment = {**os.environ, "RUNWRIGHT_EXECUTION": msgspec.json.encode(spec).decode()}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "runwright.sdk.execution", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def serve(self, until=None):
        while (until is None or not until()) and (size := self.stream.read(4)):
            content = self.stream.read(int.from_bytes(size, "big"))
            self.take(msgspec.msgpack.decode(content, type=UpFrame))

    def take(self, frame):
        answers = []
        for i, entry in enumerate(frame.entries):
            self.entries.append(entry)
            if isinstance(entry, FlowRunProposed):
                self.proposed.append(entry.state)
                answers.append(Answer(number=frame.first + i, result=self.decide(entry)))
        if answers or frame.flush:
            self.send(AcknowledgedFrame(next=len(self.entries), answers=answers))

    def send(self, frame):
        content = msgspec.msgpack.encode(frame)
        self.end.sendall(len(content).to_bytes(4, "big") + content)

    def finish(self):
        self.serve()
        output, _ = self.process.communicate(timeout=20)
        self.output = output
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.stream.close()
        self.end.close()


def accept(entry):
    return OrchestrationResult(state=entry.state, status="ACCEPT", details=AcceptDetails())


@pytest.fixture
def run(tmp_path):
    started = []

    def run(flow, parameters=None, decide=accept, **fields):
        (tmp_path / "claimed_flows.py").write_text(textwrap.dedent(FLOWS))
        values = {
            "flow_run_id": uuid4(),
            "flow_run_name": "brisk-otter",
            "flow_id": uuid4(),
            "flow_name": flow,
            "token": 1,
            "execution_id": uuid4(),
            "credential": "rwx_x",
            "parameters": parameters or {},
            "entrypoint": f"claimed_flows.py:{flow}",
            "path": str(tmp_path),
        }
        started.append(Supervisor(ExecutionSpec(**{**values, **fields}), decide))
        return started[-1]

    yield run
    for supervisor in started:
        supervisor.close()


def kinds(supervisor):
    return [state.type for state in supervisor.proposed]


def test_a_flow_runs_where_its_code_is(run, tmp_path):
    supervisor = run("double", {"n": "21"})

    assert supervisor.finish() == 0
    assert kinds(supervisor) == [StateType.RUNNING, StateType.COMPLETED]
    assert f"in {tmp_path}" in supervisor.output
    (patched,) = [entry for entry in supervisor.entries if isinstance(entry, FlowRunPatched)]
    assert patched.shown_parameters == {"n": 21, "note": "none"}


def test_a_flow_that_fails_says_so_and_the_process_ends_well(run):
    supervisor = run("fails")
    assert supervisor.finish() == 0
    assert kinds(supervisor) == [StateType.RUNNING, StateType.FAILED]
    assert "no luck" in supervisor.proposed[-1].message


@pytest.mark.parametrize("is_running", [False, True])
def test_without_a_yes_no_user_code_is_loaded(run, tmp_path, is_running):
    def abort(entry):
        state = entry.state if is_running else None  # Running by another process
        return OrchestrationResult(state=state, status="ABORT", details=AbortDetails(reason="late"))

    supervisor = run("double", {"n": 1}, decide=abort)
    assert supervisor.finish() == 0
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"entrypoint": "gone.py:f"}, "There is no file"),
        ({"entrypoint": "claimed_flows.py:other"}, "There is no flow 'other'"),
        ({"entrypoint": None}, "names no entrypoint"),
        ({"path": "/no/such/directory"}, "which this machine does not have"),
        ({"parameters": {"n": "many"}}, "n: Input should be a valid integer"),
        ({"pull_steps": [{"os.system": {}}]}, "There is no pull step"),
    ],
)
def test_what_cannot_begin_fails_with_its_reason(run, fields, says):
    supervisor = run("double", **{"parameters": {"n": 1}, **fields})

    assert supervisor.finish() == 0
    assert kinds(supervisor) == [StateType.RUNNING, StateType.FAILED]
    assert says in supervisor.proposed[-1].message
    assert says in supervisor.output
    (log,) = [entry for entry in supervisor.entries if isinstance(entry, LogWritten)]
    assert says in log.message


def test_an_import_error_is_logged_with_its_lines(run, tmp_path):
    (tmp_path / "broken.py").write_text("x = 1\nimport no_such_package_at_all\n")
    supervisor = run("f", entrypoint="broken.py:f")

    assert supervisor.finish() == 0
    (log,) = [entry for entry in supervisor.entries if isinstance(entry, LogWritten)]
    assert 'broken.py", line 2' in log.message
    assert "No module named 'no_such_package_at_all'" in supervisor.proposed[-1].message


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=1)])
def test_a_retry_granted_to_what_could_not_begin_begins_again(run, tmp_path, ahead):
    """The missing file appears before the retry, whatever the control plane's clock says."""

    def retry_once(entry):
        if entry.state.type is not StateType.FAILED:
            return accept(entry)
        (tmp_path / "late.py").write_text("from runwright import flow\n@flow\ndef f(): ...\n")
        state = State(
            id=uuid4(),
            type=StateType.SCHEDULED,
            name="AwaitingRetry",
            timestamp=SystemClock().now() + ahead,
            state_details=StateDetails(scheduled_time=SystemClock().now() + ahead),
        )
        details = RejectDetails(reason="retry")
        return OrchestrationResult(state=state, status="REJECT", details=details)

    supervisor = run("f", entrypoint="late.py:f", decide=retry_once)
    assert supervisor.finish() == 0
    assert [kind.value for kind in kinds(supervisor)] == [
        "RUNNING", "FAILED", "RUNNING", "COMPLETED",
    ]  # fmt: skip


def test_sigterm_ends_a_waiting_flow(run):
    supervisor = run("waits")
    waiting = "waiting"
    supervisor.serve(
        until=lambda: any(getattr(e, "message", None) == waiting for e in supervisor.entries)
    )
    supervisor.send(StopFrame(reason="shutdown"))
    supervisor.process.send_signal(signal.SIGTERM)
    assert supervisor.finish() == 143
    assert StateType.FAILED not in kinds(supervisor)


def test_by_hand_it_says_what_it_is():
    done = subprocess.run(
        [sys.executable, "-m", "runwright.sdk.execution"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path.cwd(),
    )
    assert done.returncode == 2
    assert "started by a Runwright worker" in done.stderr
