"""Serving flows: a program that registers deployments and runs what is due of them itself.

Each set of served deployments has a work pool of its own, and the program runs that pool's worker
as a child process.
"""

import contextlib
import ctypes
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from runwright.api.deployments import Deployment
from runwright.api.work_pools import WorkPoolCreate
from runwright.client.problems import FIRST_REFUSAL
from runwright.errors import ConfigurationError, FlowError
from runwright.sdk.asking import Ask, default_ask, refused
from runwright.sdk.deploy import PlannedDeployment, register, to_deployment

if TYPE_CHECKING:
    from runwright.sdk.flows import Flow

_CONFLICT = 409
_DIE_WITH_PARENT = 1
_LONGEST_NAME = 200


def serve(
    *deployments: PlannedDeployment,
    limit: int | None = None,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
) -> None:
    """Register the deployments, and run what is due of them until SIGINT or SIGTERM.

    At most `limit` runs at once. On shutdown running flows may end within the worker's grace; a
    second signal ends them at once. With `pause_on_shutdown` nothing is scheduled while nobody
    serves.

    Raises:
        ServerUnreachable: there is no control plane.
        ConfigurationError: the worker did not start.
    """
    if not deployments:
        raise FlowError("serve() needs at least one deployment: serve(flow.to_deployment('name')).")
    ask = default_ask()
    pool = pool_name(deployments)
    with _stopping() as stopping:
        _make_pool(pool, ask)
        placed = [msgspec.structs.replace(each, work_pool_name=pool) for each in deployments]
        there = [register(each, ask) for each in placed]
        if print_starting_message:
            _greet(deployments)
        try:
            code = run_worker(worker_command(pool, limit), stopping)
        finally:
            if pause_on_shutdown:
                _pause(there, ask)
    if code:
        raise ConfigurationError(
            f"The worker that serves {deployments[0].full_name!r} ended with exit code {code}; "
            "its last lines say why."
        )


def _greet(deployments: tuple[PlannedDeployment, ...]) -> None:
    names = "\n".join(f"  {each.full_name}" for each in deployments)
    sys.stdout.write(
        f"Serving:\n{names}\nRun one with: runwright deployment run "
        f"{deployments[0].full_name!r}. Stop with Ctrl-C.\n"
    )
    sys.stdout.flush()


def serve_flow(
    flow: "Flow[..., Any]",
    name: str,
    *,
    limit: int | None = None,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    **options: Any,
) -> None:
    """Serve one flow as the deployment `name`. The other options are those of `to_deployment`."""
    serve(
        to_deployment(flow, name, **options),
        limit=limit,
        pause_on_shutdown=pause_on_shutdown,
        print_starting_message=print_starting_message,
    )


def pool_name(deployments: tuple[PlannedDeployment, ...]) -> str:
    """The work pool of what is served together; the same at every start."""
    first = f"serve:{deployments[0].flow.name}:{deployments[0].name}"
    clean = "".join("-" if letter in "/%&><" else letter for letter in first)[:_LONGEST_NAME]
    return clean if len(deployments) == 1 else f"{clean}+{len(deployments) - 1}"


def _make_pool(name: str, ask: Ask) -> None:
    body = WorkPoolCreate(name=name, description="Made by serve().", type="process")
    told = ask("POST", "/work_pools/", body)
    if told.status >= FIRST_REFUSAL and told.status != _CONFLICT:
        raise refused(told, f"the work pool {name!r}")


def _pause(deployments: list[Deployment], ask: Ask) -> None:
    for deployment in deployments:
        ask("POST", f"/deployments/{quote(str(deployment.id))}/pause_deployment", None)
    sys.stdout.write("Paused the schedules of what was served.\n")


def worker_command(pool: str, limit: int | None) -> list[str]:
    """The program that runs the pool's runs."""
    command = [sys.executable, "-m", "runwright.cli.main", "worker", "start", "--pool", pool]
    command += ["--name", f"serve-{platform.node()}"]
    return command if limit is None else [*command, "--limit", str(limit)]


def run_worker(command: list[str], stopping: "_Stopping | None" = None) -> int:
    """Run the worker until it ends, and pass signals on to it; its exit code."""
    if stopping is not None:
        return stopping.run(command)
    with _stopping() as made:
        return made.run(command)


class _Stopping:
    """SIGINT and SIGTERM, from before there is a worker to pass them on to."""

    def __init__(self) -> None:
        self._is_asked = False
        self._worker: subprocess.Popen[bytes] | None = None

    def pass_on(self, _number: int, _frame: FrameType | None) -> None:
        self._is_asked = True
        if self._worker is not None:
            self._worker.send_signal(signal.SIGTERM)

    def run(self, command: list[str]) -> int:
        if self._is_asked:
            return 0
        # A session of its own: Ctrl-C reaches the worker once, through us, and not twice.
        worker = self._worker = subprocess.Popen(
            command,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        try:
            if self._is_asked:  # while it was being started
                worker.send_signal(signal.SIGTERM)
            code = worker.wait()
        finally:
            if worker.poll() is None:
                worker.terminate()
                worker.wait()
        return 0 if code in {0, -signal.SIGTERM, -signal.SIGINT} else code


@contextlib.contextmanager
def _stopping() -> Iterator[_Stopping]:
    stopping = _Stopping()
    asked = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, stopping.pass_on) for each in asked}
    try:
        yield stopping
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _die_with_parent() -> None:
    """Linux: a worker whose server of flows was killed ends too, as after SIGTERM."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
