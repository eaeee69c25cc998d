"""`runwright worker start`, without the command line."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from runwright.api.executions import InfrastructureReport
from runwright.clock import SystemClock, new_id
from runwright.errors import ConfigurationError
from runwright.private_files import narrow_home
from runwright.settings import Settings, resolve_api
from runwright.worker.backlog import OWNER_SUFFIX
from runwright.worker.control_plane import ControlPlane, connect
from runwright.worker.health import health_endpoint
from runwright.worker.host import Host
from runwright.worker.launchers.process import ProcessLauncher
from runwright.worker.leftovers import Leftovers
from runwright.worker.notify import ServiceManager
from runwright.worker.policy import read_process_policy
from runwright.worker.report import deliver
from runwright.worker.slots import Slots, default_limit
from runwright.worker.surroundings import Surroundings, surroundings_of
from runwright.worker.synchronize import Identity, Pool, key_name
from runwright.worker.usage import Usage
from runwright.worker.worker import Worker

if TYPE_CHECKING:
    from runwright.worker.launchers.docker import DockerLauncher

logger = logging.getLogger("runwright.worker")

LEFTOVERS_KEPT_SECONDS = 7 * 86_400.0
#: For a word about what an execution runs in: it starts without, if it must.
TELLING_SECONDS = 5.0


async def run_worker(  # noqa: PLR0913  # the options of the command, as keywords
    settings: Settings,
    *,
    pool: str,
    queues: Sequence[str] = (),
    name: str | None = None,
    limit: int | None = None,
    type: str = "process",  # noqa: A002  # the word of the field for what a pool launches
    create_pool: bool = False,
    health_port: int | None = None,
) -> None:
    """Work for `pool` until SIGTERM or SIGINT; a second signal ends running flows at once.

    Raises:
        ConfigurationError: no control plane is configured, the pool does not exist, or nothing
            here launches executions of that type.
        Unauthorized: the key is not accepted.
        LaunchFailed: this machine cannot start executions.
    """
    if type not in LAUNCHERS:
        raise ConfigurationError(
            f"This worker cannot launch executions of type {type!r}. It knows: "
            f"{', '.join(LAUNCHERS)}."
        )
    reached = resolve_api(settings)
    if reached is None:
        raise ConfigurationError(
            "A worker needs a control plane, and none is configured or running here. Start one "
            "with `runwright server start`, or set RUNWRIGHT_API_URL."
        )
    api_url, key = reached
    surroundings = surroundings_of(settings, api_url)
    slots = Slots(limit or default_limit())
    identity = Identity(
        instance_id=new_id(),
        name=name or _default_name(type),
        type=type,
        queues=tuple(queues),
        limit=slots.limit,
        version=_own_version(),
        key_name=key_name(key),
        api_url=api_url,
    )
    narrow_home(settings.home, Path(surroundings.spool))
    clear_leftovers(Path(surroundings.spool), now=SystemClock().now())
    async with connect(surroundings, key) as control_plane:
        launcher = LAUNCHERS[type](settings, surroundings, pool, identity.name, control_plane)
        await launcher.warm_up()
        clock = SystemClock()
        joined = Pool(
            pool,
            control_plane,
            identity,
            Host(settings.home, clock=clock),
            Usage(launcher.processes, clock=clock),
            may_create=create_pool,
        )
        leftovers = Leftovers(
            Path(surroundings.spool), lambda credential: connect(surroundings, credential)
        )
        worker = Worker(
            joined,
            control_plane,
            launcher,
            slots,
            grace=settings.worker_grace,
            leftovers=leftovers,
            manager=ServiceManager(),
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        async with health_endpoint(health_port, worker.seconds_since_loop):
            await worker.run()


def _processes(settings: Settings, surroundings: Surroundings, *_more: object) -> ProcessLauncher:
    return ProcessLauncher(surroundings, policy=read_process_policy(settings.worker_policy))


def _containers(
    settings: Settings,
    surroundings: Surroundings,
    pool: str,
    worker: str,
    control_plane: ControlPlane,
) -> "DockerLauncher":
    try:
        # Late: it is an extra, and nothing else needs it.
        from runwright.worker.launchers.docker import DockerLauncher
        from runwright.worker.launchers.docker.policy import read_policy
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "A worker of type docker needs the extra of that name: pip install 'runwright[docker]'."
        ) from error

    async def tell(run_id: UUID, report: InfrastructureReport) -> None:
        path = f"/flow_runs/{run_id}/infrastructure"
        await deliver(control_plane, path, report, patience=TELLING_SECONDS)

    policy = read_policy(settings.worker_policy)
    return DockerLauncher(surroundings, policy, pool=pool, worker=worker, tell=tell)


#: By the type of work pool that they serve.
LAUNCHERS: dict[str, Callable[..., Any]] = {"process": _processes, "docker": _containers}


def _default_name(kind: str) -> str:
    """Of a process worker: unlike any other's. A docker worker finds its containers by its name."""
    host = socket.gethostname()
    return host if kind == "docker" else f"{host}-{os.getpid()}"


def clear_leftovers(spool: Path, *, now: datetime) -> list[str]:
    """Delete what executions could not send before they were given up, after a week; the names.

    Their runs have crashed long since, and the control plane takes nothing from them any more.
    """
    cleared: list[str] = []
    for file in spool.glob("*.journal"):
        with contextlib.suppress(OSError):
            if now.timestamp() - file.stat().st_mtime > LEFTOVERS_KEPT_SECONDS:
                file.unlink()
                file.with_suffix(OWNER_SUFFIX).unlink(missing_ok=True)
                cleared.append(file.name)
    if cleared:
        logger.info("Deleted the unsent journals of %d executions of long ago.", len(cleared))
    return cleared


def _own_version() -> str:
    try:
        return version("runwright")
    except PackageNotFoundError:
        return "unknown"
