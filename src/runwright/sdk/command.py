"""Runs a program that knows nothing of Runwright as a flow run: its exit code is the outcome.

`python -m runwright.sdk.command FD PROGRAM [ARGUMENT...]` is started by a worker for a job with a
`command`. The program finds the run's id and parameters (JSON) in RUNWRIGHT_FLOW_RUN_ID and
RUNWRIGHT_PARAMETERS.
"""

import os
import shlex
import subprocess
import sys
from functools import partial

import msgspec

from runwright.api.executions import ExecutionSpec
from runwright.core.effects import RunStopped
from runwright.core.states import StateName, StateType
from runwright.errors import FlowError
from runwright.sdk.channels.supervised import SupervisedChannel
from runwright.sdk.execution import (
    DONE,
    is_granted,
    is_to_be_tried_again,
    propose,
    spec_of_environment,
    supervised,
)


def run_command(program: list[str], spec: ExecutionSpec, channel: SupervisedChannel) -> int:
    """Run `program` as the run of `spec`, again as long as the control plane says so."""
    while is_granted(spec, channel):
        try:
            _execute(program, spec)
        except RunStopped as stop:
            if stop.reason != "cancelled":
                raise
            message = "The run was cancelled."
            propose(spec, channel, StateType.CANCELLED, StateName.CANCELLED, message)
            return DONE
        except FlowError as error:
            if is_to_be_tried_again(spec, channel, error):
                continue
            return DONE
        propose(spec, channel, StateType.COMPLETED, StateName.COMPLETED, None)
        return DONE
    return DONE


def _execute(program: list[str], spec: ExecutionSpec) -> None:
    variables = {
        "RUNWRIGHT_FLOW_RUN_ID": str(spec.flow_run_id),
        "RUNWRIGHT_PARAMETERS": msgspec.json.encode(spec.parameters).decode(),
    }
    try:
        process = subprocess.Popen(program, env={**os.environ, **variables})  # never a shell
    except OSError as error:
        raise FlowError(f"The command {shlex.join(program)!r} cannot be run: {error}.") from error
    try:
        code = process.wait()
    except RunStopped:
        process.terminate()
        process.wait()  # as long as the supervisor lets it
        raise
    if code:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise FlowError(f"The command {shlex.join(program)!r} ended with {how}.")


def main() -> int:
    """Run what the command line says; the spec is in RUNWRIGHT_EXECUTION."""
    spec = spec_of_environment()
    fd, *program = sys.argv[1:] or [""]
    if spec is None or not fd.isdecimal() or not program:
        sys.stderr.write("This program is started by a Runwright worker. It is no use by hand.\n")
        return 2
    return supervised(spec, int(fd), partial(run_command, program))


if __name__ == "__main__":
    sys.exit(main())
