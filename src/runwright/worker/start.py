"""`runwright worker start`, without the command line."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from runwright.clock import SystemClock, new_id
from runwright.errors import ConfigurationError
from runwright.settings import Settings, resolve_api
from runwright.worker.backlog import OWNER_SUFFIX
from runwright.worker.control_plane import connect
from runwright.worker.host import Host
from runwright.worker.launchers.process import ProcessLauncher
from runwright.worker.leftovers import Leftovers
from runwright.worker.slots import Slots, default_limit
from runwright.worker.surroundings import surroundings_of
from runwright.worker.synchronize import Identity, Pool, key_name
from runwright.worker.worker import Worker

logger = logging.getLogger("runwright.worker")

LEFTOVERS_KEPT_SECONDS = 7 * 86_400.0


async def run_worker(  # noqa: PLR0913  # the options of the command, as keywords
    settings: Settings,
    *,
    pool: str,
    queues: Sequence[str] = (),
    name: str | None = None,
    limit: int | None = None,
    type: str = "process",  # noqa: A002  # the word of the field for what a pool launches
    create_pool: bool = False,
) -> None:
    """Work for `pool` until SIGTERM or SIGINT; a second signal ends running flows at once.

    Raises:
        ConfigurationError: no control plane is configured, the pool does not exist, or nothing
            here launches executions of that type.
        Unauthorized: the key is not accepted.
        LaunchFailed: this machine cannot start executions.
    """
    if type != "process":
        raise ConfigurationError(
            f"This worker cannot launch executions of type {type!r}. It knows: process."
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
        name=name or f"{socket.gethostname()}-{os.getpid()}",
        type=type,
        queues=tuple(queues),
        limit=slots.limit,
        version=_own_version(),
        key_name=key_name(key),
        api_url=api_url,
    )
    clear_leftovers(Path(surroundings.spool), now=SystemClock().now())
    launcher = ProcessLauncher(surroundings)
    await launcher.warm_up()
    async with connect(surroundings, key) as control_plane:
        host = Host(settings.home, clock=SystemClock())
        joined = Pool(pool, control_plane, identity, host, may_create=create_pool)
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
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        await worker.run()


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
