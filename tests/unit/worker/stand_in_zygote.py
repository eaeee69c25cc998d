# ruff: noqa: T201
"""A zygote whose flows are simple programs that speak the journal, without the SDK."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from runwright.api.executions import ExecutionSpec
from runwright.api.frames import (
    AcknowledgedFrame,
    AskFrame,
    DownFrame,
    EntriesFrame,
    StopFrame,
    ToldFrame,
)
from runwright.api.journal import AnyEntry, FlowRunProposed, LogWritten
from runwright.clock import new_id
from runwright.core.states import State, StateType
from runwright.worker import zygote
from runwright.worker.framing import FrameReader, pack


class Line:
    def __init__(self, spec: ExecutionSpec, fd: int) -> None:
        self.spec = spec
        self.socket = socket.socket(fileno=fd)
        self.frames: FrameReader[DownFrame] = FrameReader(DownFrame)
        self.received: deque[DownFrame] = deque()
        self.number = 0
        self.stop_reason = ""

    def send(self, entry: AnyEntry, *, flush: bool = False) -> None:
        self.socket.sendall(pack(EntriesFrame(self.number, [entry], flush)))
        self.number += 1

    def log(self, message: str, *, flush: bool = False) -> bool:
        self.send(
            LogWritten(
                flow_run_id=self.spec.flow_run_id,
                timestamp=datetime.now(UTC),  # noqa: TID251
                level=20,
                name="flow",
                message=message,
            ),
            flush=flush,
        )
        return flush and self.wait().spooled

    def propose(self, type_: StateType) -> None:
        state = State(
            id=new_id(),
            type=type_,
            name=type_.title(),
            timestamp=datetime.now(UTC),  # noqa: TID251
        )
        self.send(FlowRunProposed(flow_run_id=self.spec.flow_run_id, state=state), flush=True)
        while not self.wait().answers:
            pass

    def wait(self) -> AcknowledgedFrame:
        while True:
            frame = self.next()
            if isinstance(frame, AcknowledgedFrame) and frame.next >= self.number:
                return frame

    def next(self) -> DownFrame:
        while not self.received:
            self.received.extend(self.frames.feed(self.socket.recv(1 << 16)))
        frame = self.received.popleft()
        if isinstance(frame, StopFrame):
            self.stop_reason = frame.reason
        return frame


def run_flow(spec: ExecutionSpec, fd: int) -> int:
    line = Line(spec, fd)
    do = spec.parameters["do"]
    if do == "never_start":
        threading.Event().wait()
    line.propose(StateType.RUNNING)
    print("started", flush=True)
    code = globals()[do](line, spec.parameters)
    if code is None:
        line.propose(StateType.COMPLETED)
    return code or 0


def complete(line: Line, parameters: dict) -> None:
    """Nothing to do."""


def kill_itself(line: Line, parameters: dict) -> None:
    for number in range(100):
        line.log(f"line {number}")
        print(f"printed {number}")
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_stop(line: Line, parameters: dict) -> int:
    """End by SIGTERM, after the word why has come."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    line.log("ready")
    while not line.stop_reason:
        line.next()
    signal.sigwait({signal.SIGTERM})
    print(f"stopped because {line.stop_reason}")
    return 3


def stubborn(line: Line, parameters: dict) -> None:
    """Ignore SIGTERM, and have children: one in the group, one in a session of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    children = [
        subprocess.Popen(["sleep", "600"], start_new_session=alone).pid for alone in (False, True)
    ]
    Path(parameters["file"]).write_text(json.dumps([os.getpid(), os.getppid(), *children]))
    line.log("ready")
    threading.Event().wait()


def look_around(line: Line, parameters: dict) -> None:
    parent = Path(f"/proc/{os.getppid()}/environ").read_bytes()
    own = Path("/proc/self/environ").read_bytes()
    seen = {
        "environ": dict(os.environ),
        "initial": (own + b"\0" + parent).decode(),
        "open": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "cwd": os.getcwd(),  # noqa: PTH109
    }
    Path(parameters["file"]).write_text(json.dumps(seen))


def hold_the_lock(line: Line, parameters: dict) -> None:
    """Keep the interpreter's lock until the file is there; nothing else in here can run."""
    sys.setswitchinterval(1000)
    while not os.path.exists(parameters["file"]):  # noqa: PTH110
        pass


def log_until(line: Line, parameters: dict) -> None:
    """Log, flushing each line, until the file is there; say whether lines went to disk."""
    spooled = number = 0
    while not Path(parameters["file"]).exists():
        spooled += line.log(f"line {number}", flush=True)
        number += 1
        if spooled == 20:
            Path(parameters["spooled"]).touch()
    Path(parameters["count"]).write_text(str(number))


def ask(line: Line, parameters: dict) -> None:
    line.socket.sendall(pack(AskFrame(7, "POST", "/work_pools/", {"name": "asked"})))
    while not isinstance(told := line.next(), ToldFrame):
        pass
    Path(parameters["file"]).write_text(json.dumps([told.number, told.status]))


if __name__ == "__main__":
    zygote.main(sys.argv[1:], run_flow)
