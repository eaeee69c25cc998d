"""The process that runs user code: started, watched and ended by its supervisor."""

import contextlib
import faulthandler
import gc
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import traceback
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import msgspec

from runwright.api.executions import ExecutionSpec
from runwright.worker import kernel
from runwright.worker.job import Job
from runwright.worker.launcher import LaunchFailed

#: Runs the flow of the spec, with its journal on the descriptor; the process's exit code.
RunFlow = Callable[[ExecutionSpec, int], int]

#: What no flow process inherits: the worker's credentials.
SECRET_VARIABLES = ("RUNWRIGHT_API_KEY", "RUNWRIGHT_EXECUTION")


@dataclass(frozen=True)
class FlowProcess:
    """A started flow process, which leads its own session and process group."""

    pid: int
    #: The supervisor's end of the journal.
    journal: socket.socket
    #: Standard output and error of the flow, to read.
    output: int


def start_flow(
    spec: ExecutionSpec, job: Job, run_flow: RunFlow, *, environ: Mapping[str, str]
) -> FlowProcess:
    """Start the flow of `spec`, by fork where the job allows it.

    Raises:
        LaunchFailed: the program of the job cannot be executed, or there is no room for a process.
    """
    # The supervisor speaks for the run. The flow, and what it starts, need no credential: not in
    # their environment, which every process of this user can read.
    spec = msgspec.structs.replace(spec, credential="")
    ours, theirs = socket.socketpair()
    output, output_of_flow = os.pipe()
    argv = job.argv(sys.executable, theirs.fileno())
    try:
        if argv is None and kernel.CAN_FORK:
            pid = _fork(spec, job, run_flow, (theirs.fileno(), output_of_flow))
        else:
            argv = argv or [sys.executable, "-m", "runwright.sdk.execution", str(theirs.fileno())]
            env = flow_environment(spec, job, environ, journal=theirs.fileno())
            pid = _spawn(argv, job, env, (theirs.fileno(), output_of_flow))
    except OSError as error:
        ours.close()
        os.close(output)
        raise LaunchFailed(f"its process could not be started: {error}") from error
    finally:
        theirs.close()
        os.close(output_of_flow)
    return FlowProcess(pid, ours, output)


def flow_environment(
    spec: ExecutionSpec, job: Job, environ: Mapping[str, str], *, journal: int
) -> dict[str, str]:
    """The variables of a flow process that is executed anew."""
    wanted = {name: value for name, value in environ.items() if name not in SECRET_VARIABLES}
    wanted["RUNWRIGHT_EXECUTION"] = msgspec.json.encode(spec).decode()
    wanted["RUNWRIGHT_JOURNAL_FD"] = str(journal)
    for name, value in job.env.items():
        if value is None:
            wanted.pop(name, None)
        else:
            wanted[name] = value
    return wanted


def _fork(spec: ExecutionSpec, job: Job, run_flow: RunFlow, fds: tuple[int, int]) -> int:
    supervisor = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_the_flow(spec, job, run_flow, fds, supervisor)
    return pid


def _be_the_flow(
    spec: ExecutionSpec, job: Job, run_flow: RunFlow, fds: tuple[int, int], supervisor: int
) -> NoReturn:
    """Everything that a fork has inherited and a fresh process would not have goes first."""
    journal, output = fds
    code = 70
    try:
        os.setsid()
        kernel.die_with_parent()
        if os.getppid() != supervisor:
            os._exit(code)  # it died before the kernel knew that we would like to follow
        kernel.name_process("rw-flow")
        kernel.default_signals()
        _redirect(output)
        kernel.close_files_but(journal)
        _fresh_interpreter(job)
        code = run_flow(spec, journal)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1 if leaving.code else 0
    except BaseException:  # noqa: BLE001  # the last frame of the process: nobody else can tell
        traceback.print_exc()
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(code)


def _redirect(output: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _fresh_interpreter(job: Job) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a crash loses less
    faulthandler.enable()
    # Processes that the flow spawns would otherwise import the zygote as their main module.
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv = ["runwright"]
    gc.unfreeze()
    gc.enable()
    logging.getLogger().handlers.clear()
    random.seed()
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()
    for name in SECRET_VARIABLES:
        os.environ.pop(name, None)
    for name, value in job.env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if job.working_dir is not None:
        os.chdir(job.working_dir)


def _spawn(argv: list[str], job: Job, env: dict[str, str], fds: tuple[int, int]) -> int:
    journal, output = fds
    process = subprocess.Popen(  # an argument vector, never a shell
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=env,
        cwd=job.working_dir,
        pass_fds=(journal,),
        start_new_session=True,
        preexec_fn=_in_spawned_child,  # noqa: PLW1509  # a supervisor has one thread
    )
    # The supervisor reaps by process id; nothing else of this object is needed.
    process.returncode = 0
    return process.pid


def _in_spawned_child() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    kernel.die_with_parent()
