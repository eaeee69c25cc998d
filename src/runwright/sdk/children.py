"""What becomes of a run in the child processes that its code starts.

A forked child is a copy of the flow's process without its threads: nothing would take its journal,
and it would obey orders that are meant for its parent. So it gets the signals back that we have
taken, a task runner of its own, and a channel that passes entries on to the flow's process. A child
that is started anew, by `spawn` or `forkserver`, is told of the run and gets such a channel too.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from runwright.sdk import context as contexts
from runwright.sdk import futures
from runwright.sdk.compensation import here

if TYPE_CHECKING:
    from runwright.sdk.relay import Relay

#: Those that we may have taken over.
_SIGNALS = ("SIGTERM", "SIGURG", "SIGALRM")
_lock = threading.Lock()
_relay: "Relay | None" = None
_watches = False
#: Processes that are started here are told of no run.
_is_exempt: ContextVar[bool] = ContextVar("runwright_exempt_children", default=False)


def watch_children() -> None:
    """Have the children of this process pass on what they log. Once for the process."""
    global _watches  # noqa: PLW0603  # one for the process
    with _lock:
        if _watches:
            return
        _watches = True
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
    if "multiprocessing.process" in sys.modules:
        _watch_starts()
    else:
        from runwright.sdk.import_hooks import after_import

        after_import("multiprocessing.process", _watch_starts)


@contextmanager
def untold() -> Iterator[None]:
    """Processes that are started inside see to their entries themselves."""
    token = _is_exempt.set(True)
    try:
        yield
    finally:
        _is_exempt.reset(token)


def drain_children(flow_run: "contexts.FlowRunContext") -> None:
    """Before a flow run ends: what its children have written so far is in the journal by then."""
    if _relay is not None and _relay.pid == os.getpid():
        _relay.drain(flow_run.flow_run_id, flow_run.channel)


def leave(error: BaseException | None) -> NoReturn:
    """End a forked child that comes back from a function whose caller is its parent's.

    As `multiprocessing` does it: what is to be tidied up at the exit is the parent's.
    """
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 1 if error.code else 0
    elif error is not None:
        traceback.print_exception(error)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(code)


def _relay_here() -> "Relay":
    global _relay  # noqa: PLW0603  # one for the process
    with _lock:
        if _relay is None or _relay.pid != os.getpid():
            from runwright.sdk.relay import Relay

            _relay = Relay()
        return _relay


# Forks.


def _before_fork() -> None:
    flow_run = contexts.current_flow_run()
    if flow_run is not None and not _passes_on(flow_run.channel):
        _relay_here().serve(flow_run.channel)


def _passes_on(channel: Any) -> bool:
    """Whether this is a child already: then its own children write into the same pipe."""
    return hasattr(channel, "relay_descriptor")


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603  # another thread may have held it
    _lock = threading.Lock()
    futures.reset_lock()
    here.place = None
    flow_run = contexts.current_flow_run()
    if flow_run is None and _relay is None:
        return
    _give_signals_back()
    task_run = contexts.current_task_run()
    while task_run is not None:
        task_run.is_copy = True
        task_run = task_run.parent
    if flow_run is None:
        return
    channel = flow_run.channel
    if not _passes_on(channel) and _relay is not None:
        _relay.close_in_child()
        channel = _child_channel(channel.root_run_id, channel.execution_id, _relay.writing)
    while flow_run is not None:
        flow_run.continue_in_child(channel)
        flow_run = flow_run.parent


def _give_signals_back() -> None:
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is None:
            continue
        module = getattr(signal.getsignal(number), "__module__", None) or ""
        if module.startswith("runwright."):
            signal.signal(number, signal.SIG_DFL)


def _child_channel(root_run_id: Any, execution_id: Any, descriptor: int) -> Any:
    from runwright.sdk.channels.relayed import RelayedChannel
    from runwright.sdk.relay import send

    channel = RelayedChannel(root_run_id, execution_id, partial(send, descriptor, root_run_id))
    channel.relay_descriptor = descriptor
    return channel


# Processes that `multiprocessing` starts anew.


def _watch_starts() -> None:
    from multiprocessing.process import BaseProcess

    start = BaseProcess.start

    def start_told(self: Any) -> None:
        flow_run = contexts.current_flow_run()
        if flow_run is not None and not _is_exempt.get():
            self._runwright = _Introduction(flow_run, contexts.current_task_run())
        start(self)

    BaseProcess.start = start_told  # type: ignore[method-assign]


class _Introduction:
    """Travels with a process that is started anew, and introduces the run to it on arrival."""

    def __init__(self, flow_run: Any, task_run: Any) -> None:
        self._flow_run = flow_run
        self._task_run = task_run

    def __reduce__(self) -> Any:
        """Only where it is pickled, which a fork does not do."""
        from multiprocessing.reduction import DupFd  # type: ignore[attr-defined]

        flow_run, task_run = self._flow_run, self._task_run
        channel = flow_run.channel
        if _passes_on(channel):
            descriptor = channel.relay_descriptor
        else:
            relay = _relay_here()
            relay.serve(channel)
            descriptor = relay.writing
        told = {
            "flow_run_id": flow_run.flow_run_id,
            "flow_run_name": flow_run.name,
            "flow_name": flow_run.flow.name,
            "flow_version": flow_run.flow.version,
            "tags": flow_run.tags,
            "root_run_id": channel.root_run_id,
            "execution_id": channel.execution_id,
            "spec": flow_run.spec,
            "lineage": flow_run.lineage,
            "log_prints": (task_run or flow_run).log_prints,
            "task_run": None if task_run is None else (task_run.task_run_id, task_run.name),
        }
        return (_arrive, (DupFd(descriptor), told))


def _arrive(descriptor: Any, told: dict[str, Any]) -> None:
    """In the new process: what is called in its main thread runs inside of the run."""
    from runwright.sdk.child_context import enter_run

    channel = _child_channel(told["root_run_id"], told["execution_id"], descriptor.detach())
    enter_run(channel, told)
    watch_children()
