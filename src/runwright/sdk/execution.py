"""Runs one claimed flow run, in the process that was started for it.

The control plane's word comes first: only when it has granted Running is user code loaded.
"""

import contextlib
import copy
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import msgspec

from runwright.api.executions import ExecutionSpec
from runwright.api.frames import JOURNAL_LOST
from runwright.api.journal import FlowRunPatched, FlowRunProposed, LogWritten
from runwright.api.states import OrchestrationResult, WaitDetails
from runwright.clock import SystemClock, new_id
from runwright.core.effects import RunStopped
from runwright.core.states import State, StateName, StateType
from runwright.core.texts import encodable, error_text, message_of, text_of
from runwright.errors import (
    FlowError,
    FlowLoadError,
    LeaseLost,
    ParameterError,
    ServerError,
    ServerUnreachable,
)
from runwright.sdk import kill_points
from runwright.sdk.channel import Channel
from runwright.sdk.channels.supervised import SupervisedChannel
from runwright.sdk.loading import load_flow
from runwright.sdk.logging import traceback_of
from runwright.sdk.parameter_values import shown_parameters
from runwright.sdk.parameters import validate
from runwright.sdk.pull_steps import run_pull_steps

if TYPE_CHECKING:
    from runwright.sdk.flows import Flow

#: Exit codes of the process. A flow that failed has said so itself: that is a 0 too.
DONE, STOPPED = 0, 143

_clock = SystemClock()


def run_execution(spec: ExecutionSpec, fd: int) -> int:
    """Run the flow run of `spec`, with its journal on the socket `fd`; the process's exit code."""
    return supervised(spec, fd, _run)


def supervised(
    spec: ExecutionSpec, fd: int, work: Callable[[ExecutionSpec, SupervisedChannel], int]
) -> int:
    """Do `work` with the journal on `fd`; SIGTERM raises RunStopped in it."""
    channel = SupervisedChannel(socket.socket(fileno=fd), spec.flow_run_id, spec.execution_id)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise RunStopped(channel.stop_reason or "shutdown")

    try:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, stop)
        return work(spec, channel)
    except (RunStopped, LeaseLost, ServerUnreachable) as ended:
        # Whoever stopped it knows, and reports how the run ends.
        print(f"Flow run {spec.flow_run_name!r} stops: {ended}", file=sys.stderr)  # noqa: T201
        return JOURNAL_LOST if channel.stop_reason == "journal_lost" else STOPPED
    finally:
        with contextlib.suppress(RunStopped):  # nothing is left of the run that it could stop
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
        channel.close()


def _run(spec: ExecutionSpec, channel: SupervisedChannel) -> int:
    while True:
        if not is_granted(spec, channel):
            return DONE
        try:
            flow, parameters = _prepare(spec, channel)
        except ServerError:
            raise
        except Exception as error:  # noqa: BLE001  # users' code: annotations, conversions, hooks
            if not is_to_be_tried_again(spec, channel, error):
                return DONE
            continue
        delay = flow.retry_delay_seconds
        channel.allow_retries(
            flow.retries,
            used=spec.retries_used,
            delay=None if delay is None else timedelta(seconds=delay),
        )
        kill_points.arm(spec.attempt)
        from runwright.sdk.flows import run_claimed_flow  # late: not before Running is granted

        anew = partial(_parameters_for, flow, spec)
        run_claimed_flow(flow, parameters, spec=spec, channel=channel, anew=anew)
        return DONE


def is_granted(spec: ExecutionSpec, channel: Channel) -> bool:
    """Propose Running until the control plane says yes or no."""
    while True:
        result = propose(spec, channel, StateType.RUNNING, StateName.RUNNING, None)
        if isinstance(result.details, WaitDetails):
            _wait(result.details.delay_seconds)
            continue
        if result.status == "ABORT":
            return False  # with the state Running too: then another process runs the run
        return result.state is not None and result.state.type is StateType.RUNNING


def _prepare(spec: ExecutionSpec, channel: Channel) -> "tuple[Flow[..., Any], dict[str, Any]]":
    if spec.entrypoint is None:
        raise FlowLoadError(
            f"The deployment {spec.deployment_name!r} of this run names no entrypoint, so there is "
            "nothing to load. Deploy it again."
        )
    if spec.pull_steps:
        run_pull_steps(spec.pull_steps)
    elif spec.path:
        try:
            os.chdir(spec.path)
        except OSError as error:
            raise FlowLoadError(
                f"The code of this deployment is in {spec.path!r}, which this machine does not "
                f"have: {error.strerror}. Run a worker where it is, or deploy from a git "
                "repository."
            ) from error
    flow = load_flow(spec.entrypoint)
    try:
        return flow, _parameters_for(flow, spec)
    except ParameterError:
        # They are looked at now more than ever, and may hold secrets.
        shown = shown_parameters(flow.fn, spec.parameters)
        channel.emit(FlowRunPatched(flow_run_id=spec.flow_run_id, shown_parameters=shown))
        raise


def _parameters_for(flow: "Flow[..., Any]", spec: ExecutionSpec) -> dict[str, Any]:
    """From what was given, which no try of the flow ever gets its hands on."""
    given = copy.deepcopy(spec.parameters)
    return validate(flow.fn, given, flow_name=flow.name, coerce=flow.validates_parameters)


def is_to_be_tried_again(spec: ExecutionSpec, channel: Channel, error: Exception) -> bool:
    """Record why the run failed; true, when it is due, if it is to begin again."""
    is_told = isinstance(error, FlowError)  # in full: whose else it is, the traceback says
    text = text_of(error) if is_told else traceback_of(error)
    print(encodable(text), file=sys.stderr)  # noqa: T201  # the worker's operator reads it there
    channel.emit(
        LogWritten(
            flow_run_id=spec.flow_run_id,
            timestamp=_clock.now(),
            level=logging.ERROR,
            name="runwright.flow_runs",
            message=text,
        )
    )
    first_line = text.partition("\n")[0]
    last_line = text.rpartition("\n")[2]
    message = first_line if first_line == last_line else f"{first_line} {last_line.strip()}"
    if not is_told:
        message = error_text(error)
    result = propose(spec, channel, StateType.FAILED, StateName.FAILED, message)
    if result.state is None or result.state.type is not StateType.SCHEDULED:
        return False
    decided_at = result.state.timestamp
    again_at = result.state.state_details.scheduled_time or decided_at
    # The control plane's clock may be ahead of this one.
    _wait(min(again_at - _clock.now(), again_at - decided_at).total_seconds())
    return True


def propose(
    spec: ExecutionSpec, channel: Channel, kind: StateType, name: str, message: str | None
) -> OrchestrationResult:
    """Propose a state of the run, and wait for the answer."""
    cut = None if message is None else message_of(message)
    state = State(id=new_id(), type=kind, name=name, timestamp=_clock.now(), message=cut)
    return channel.propose(FlowRunProposed(flow_run_id=spec.flow_run_id, state=state))


def _wait(seconds: float) -> None:
    """Wait, while a signal can still end it."""
    threading.Event().wait(max(0.0, seconds))


def spec_of_environment() -> ExecutionSpec | None:
    """What RUNWRIGHT_EXECUTION says, which is taken out. It holds no credential."""
    text = os.environ.pop("RUNWRIGHT_EXECUTION", None)
    return None if text is None else msgspec.json.decode(text, type=ExecutionSpec)


def main() -> int:
    """`python -m runwright.sdk.execution FD`: the spec is in RUNWRIGHT_EXECUTION."""
    spec = spec_of_environment()
    fd = sys.argv[1] if len(sys.argv) > 1 else os.environ.pop("RUNWRIGHT_JOURNAL_FD", "")
    if spec is None or not fd.isdecimal():
        print(  # noqa: T201
            "This program is started by a Runwright worker, which tells it what to run in "
            "RUNWRIGHT_EXECUTION and on a file descriptor. It is of no use by hand.",
            file=sys.stderr,
        )
        return 2
    return run_execution(spec, int(fd))


if __name__ == "__main__":
    sys.exit(main())
