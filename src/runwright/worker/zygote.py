"""A warm, single-threaded interpreter that forks a supervisor for every execution.

`python -m runwright.worker.zygote FD` takes orders on the socket FD. It holds no credential: it is
started with a clean environment, and each launch brings the credential of its execution alone.
When its worker is gone it starts nothing more, and stays until the last supervisor has ended.
"""

import contextlib
import gc
import importlib
import logging
import os
import select
import signal
import socket
import sys
from typing import NoReturn
from uuid import UUID

from runwright.api.executions import ExecutionSpec
from runwright.worker import kernel
from runwright.worker.flow_process import RunFlow
from runwright.worker.framing import BrokenStream, FrameReader, pack
from runwright.worker.orders import (
    DownOrder,
    Launch,
    NotStarted,
    Ready,
    Started,
    Stop,
    SupervisorEnded,
    UpOrder,
)
from runwright.worker.rehearsal import rehearse
from runwright.worker.supervisor import NOT_TOLD, TOLD, supervise

logger = logging.getLogger("runwright.worker")

#: What every execution needs; imported once, so that a fork imports nothing.
PRELOADED = (
    "aiohttp",
    "asyncio",
    "cloudpickle",
    "concurrent.futures.thread",
    "logging.handlers",
    "runwright",
    "runwright.client.http",
    "runwright.sdk.execution",
    "runwright.sdk.flows",
    "runwright.sdk.logging",
    "runwright.sdk.stopping",
    "runwright.sdk.tasks",
    "runwright.settings",
)

_SIGNAL_OF = {
    "shutdown": signal.SIGTERM,
    "cancelled": signal.SIGUSR1,
    "lease_lost": signal.SIGUSR2,
}


class Zygote:
    """Forks, reaps and passes stop orders on."""

    def __init__(self, orders: socket.socket, run_flow: RunFlow) -> None:
        self._orders = orders
        self._run_flow = run_flow
        self._reader: FrameReader[DownOrder] = FrameReader(DownOrder)
        self._supervisors: dict[int, UUID] = {}
        self._has_worker = True
        self._woken, self._wake = os.pipe()

    def serve(self) -> None:
        """Obey until the worker is gone and the last supervisor has ended."""
        self._prepare()
        self._tell(Ready())
        while self._has_worker or self._supervisors:
            watched = [self._woken, self._orders] if self._has_worker else [self._woken]
            readable, _, _ = select.select(watched, [], [])
            if self._woken in readable:
                os.read(self._woken, 4096)
                self._reap()
            if self._orders in readable:
                self._obey()

    def _prepare(self) -> None:
        rehearse()
        kernel.adopt_orphans()
        os.set_blocking(self._wake, False)
        # Stop signals stay blocked for good: a supervisor must not miss one that comes between
        # its fork and the moment it listens.
        signal.pthread_sigmask(signal.SIG_BLOCK, kernel.STOP_SIGNALS)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()

    def _obey(self) -> None:
        try:
            received = self._orders.recv(1 << 16)
            orders = self._reader.feed(received)
        except (ConnectionError, BrokenStream) as error:
            logger.warning("The zygote lost its worker: %s", error)
            received, orders = b"", []
        if not received:
            self._has_worker = False
            # A worker that still lives learns by this that it needs another zygote.
            self._orders.close()
        for order in orders:
            if isinstance(order, Stop):
                self._stop(order)
            else:
                self._launch(order)

    def _launch(self, launch: Launch) -> None:
        execution_id = launch.spec.execution_id
        try:
            pid = os.fork()
        except OSError as error:
            self._tell(NotStarted(execution_id, f"no process could be forked: {error}"))
            return
        if pid == 0:
            self._be_the_supervisor(launch)
        self._supervisors[pid] = execution_id
        self._tell(Started(execution_id, pid))

    def _be_the_supervisor(self, launch: Launch) -> NoReturn:
        code = 70
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(self._woken)
            os.close(self._wake)
            self._orders.close()
            os.setsid()
            code = supervise(launch, self._run_flow)
        except BaseException:  # noqa: BLE001  # the last frame of the process
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]  # inside an except clause
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(code)

    def _stop(self, stop: Stop) -> None:
        for pid, execution_id in self._supervisors.items():
            if execution_id == stop.execution_id:
                os.kill(pid, _SIGNAL_OF[stop.reason])

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            execution_id = self._supervisors.pop(pid, None)
            if execution_id is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            if code not in {TOLD, NOT_TOLD}:
                # It broke down. What its flow had started is ours now, and has no keeper.
                kernel.kill_orphans(keep=frozenset(self._supervisors))
            self._tell(SupervisorEnded(execution_id, code))

    def _tell(self, message: UpOrder) -> None:
        if self._has_worker:
            try:
                self._orders.sendall(pack(message))
            except OSError:
                self._has_worker = False


def _run_execution(spec: ExecutionSpec, journal: int) -> int:
    from runwright.sdk.execution import run_execution  # preloaded by main

    return run_execution(spec, journal)


def _preload(module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001  # users' modules raise anything
        logger.warning("The module %s could not be preloaded: %r", module, error)


def main(arguments: list[str], run_flow: RunFlow = _run_execution) -> None:
    """Start a zygote: the socket's descriptor, then modules to import beside our own."""
    orders = socket.socket(fileno=int(arguments[0]))
    for module in (*PRELOADED, *arguments[1:]):
        _preload(module)
    Zygote(orders, run_flow).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
