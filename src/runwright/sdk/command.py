"""Runs a program that knows nothing of Runwright as a flow run: its exit code is the outcome.

`python -m runwright.sdk.command FD PROGRAM [ARGUMENT...]` is started by a worker for a job with a
`command`. The program finds the run's id and parameters (JSON) in RUNWRIGHT_FLOW_RUN_ID and
RUNWRIGHT_PARAMETERS. What it writes to standard output and error is the log of the run.
"""

import logging
import os
import resource
import shlex
import signal
import subprocess
import sys
from functools import partial

import msgspec

from runwright.api.executions import ExecutionSpec
from runwright.api.journal import LogWritten
from runwright.clock import SystemClock
from runwright.core.effects import RunStopped
from runwright.core.states import StateName, StateType
from runwright.errors import FlowError
from runwright.sdk.channels.supervised import SupervisedChannel
from runwright.sdk.command_output import CommandOutput
from runwright.sdk.execution import (
    DONE,
    is_granted,
    is_to_be_tried_again,
    propose,
    spec_of_environment,
    supervised,
)

#: Exit codes of what could not be executed, as shells have them.
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126

_clock = SystemClock()


class _CommandFailed(FlowError):
    """It ended with another code than 0, or could not be executed."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def run_command(program: list[str], spec: ExecutionSpec, channel: SupervisedChannel) -> int:
    """Run `program` as the run of `spec`, again as long as the control plane says so.

    Returns the exit code of its last process, or the negative number of the signal that ended it.
    """
    while is_granted(spec, channel):
        try:
            _execute(program, spec, channel)
        except _Stopped as stopped:
            if stopped.reason != "cancelled":
                raise
            message = "The run was cancelled."
            propose(spec, channel, StateType.CANCELLED, StateName.CANCELLED, message)
            return stopped.code
        except _CommandFailed as error:
            if is_to_be_tried_again(spec, channel, error):
                continue
            return error.code
        propose(spec, channel, StateType.COMPLETED, StateName.COMPLETED, None)
        return DONE
    return DONE


class _Stopped(RunStopped):
    """The run was stopped, and its program has ended."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


def _execute(program: list[str], spec: ExecutionSpec, channel: SupervisedChannel) -> None:
    variables = {
        # Its lines arrive when they are written, not all at the end.
        "PYTHONUNBUFFERED": os.environ.get("PYTHONUNBUFFERED", "1"),
        "RUNWRIGHT_FLOW_RUN_ID": str(spec.flow_run_id),
        "RUNWRIGHT_PARAMETERS": msgspec.json.encode(spec.parameters).decode(),
    }
    output = CommandOutput(partial(_log, spec, channel))
    try:
        code = _ended(program, {**os.environ, **variables}, output)
    except OSError as error:
        message = f"The command {shlex.join(program)!r} cannot be run: {error}."
        is_missing = isinstance(error, FileNotFoundError)
        raise _CommandFailed(message, _NOT_FOUND if is_missing else _NOT_EXECUTABLE) from error
    finally:
        output.finish()
    if code:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise _CommandFailed(f"The command {shlex.join(program)!r} ended with {how}.", code)


def _ended(program: list[str], env: dict[str, str], output: CommandOutput) -> int:
    """Run the program to its end."""
    try:
        process = subprocess.Popen(  # never a shell
            program, env=env, stdout=output.stdout, stderr=output.stderr
        )
    finally:
        output.has_started()
    try:
        return process.wait()
    except RunStopped as stop:
        process.terminate()
        # As long as the supervisor lets it.
        raise _Stopped(stop.reason, process.wait()) from stop


def _log(spec: ExecutionSpec, channel: SupervisedChannel, name: str, text: str) -> None:
    """Both streams at INFO: many programs tell of ordinary progress on standard error."""
    channel.emit(
        LogWritten(
            flow_run_id=spec.flow_run_id,
            timestamp=_clock.now(),
            level=logging.INFO,
            name=name,
            message=text,
        )
    )


def _end_as(code: int) -> int:
    """End as the program did: the report of this process's end tells of the program's."""
    if code >= 0:
        return code
    # Not a second core file of a process that did not crash.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code  # a signal that does not end it


def main() -> int:
    """Run what the command line says; the spec is in RUNWRIGHT_EXECUTION."""
    spec = spec_of_environment()
    fd, *program = sys.argv[1:] or [""]
    if spec is None or not fd.isdecimal() or not program:
        sys.stderr.write("This program is started by a Runwright worker. It is no use by hand.\n")
        return 2
    return _end_as(supervised(spec, int(fd), partial(run_command, program)))


if __name__ == "__main__":
    sys.exit(main())
