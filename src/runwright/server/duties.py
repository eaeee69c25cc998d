"""The background duties of a server, and the one loop that all of them run in."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from runwright.core.backoff import Random
from runwright.server.services.canceller import Canceller
from runwright.server.services.late_marker import LateMarker
from runwright.server.services.pruner import Pruner
from runwright.server.services.reaper import Reaper
from runwright.server.services.scheduler import Scheduler
from runwright.server.spool import SpoolReader
from runwright.server.wiring import Wiring
from runwright.storage.errors import StorageError

log = logging.getLogger("runwright.server")

#: After a pass that failed: first this, then longer, up to the second figure. Seconds.
_PATIENCE = (1.0, 30.0)
_SPOOL_INTERVAL = 0.5
_LATE_INTERVAL = 5.0
_PRUNE_INTERVAL = 3600.0
#: Pauses differ by up to this part of them, so that replicas do not all come at once.
_JITTER = 0.1


@dataclass(frozen=True)
class Duty:
    """Something done again and again, by any number of replicas at the same time.

    `interval` is in seconds, between two passes, a tenth more or less.
    """

    name: str
    one_pass: Callable[[], Awaitable[Any]]
    interval: float


def duties_of(wiring: Wiring, *, with_scheduler: bool) -> list[Duty]:
    """The duties of this server, those that make runs of schedules only where asked for."""
    settings, storage = wiring.settings, wiring.storage
    pruner = Pruner(
        storage,
        run_retention=_span(settings.run_retention),
        log_retention=_span(settings.log_retention),
        host_retention=_span(settings.host_retention),
    )
    late_marker = LateMarker(storage, wiring.new_id, timedelta(seconds=settings.late_after))
    scheduler = Scheduler(storage, wiring.new_id, random.random)
    spool = SpoolReader(wiring, settings.home / "spool")
    duties = [
        Duty("spool reader", spool.one_pass, _SPOOL_INTERVAL),
        Duty("reaper", Reaper(storage, wiring.policy).one_pass, settings.reaper_interval),
        Duty("canceller", Canceller(storage, wiring.policy).one_pass, settings.reaper_interval),
        Duty("late marker", late_marker.one_pass, _LATE_INTERVAL),
        Duty("pruner", pruner.one_pass, _PRUNE_INTERVAL),
    ]
    if with_scheduler:
        duties.append(Duty("scheduler", scheduler.one_pass, settings.scheduler_interval))
    return duties


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _patience(failures: int) -> float:
    return min(_PATIENCE[1], _PATIENCE[0] * 2 ** (failures - 1))


async def run_duty(duty: Duty, stopping: asyncio.Event, random: Random = random.random) -> None:
    """Pass after pass until the server stops. A pass that fails is logged and tried again."""
    failures = 0
    while not stopping.is_set():
        pause = duty.interval
        try:
            await duty.one_pass()
            failures = 0
        except asyncio.CancelledError:
            raise
        except StorageError as error:
            failures += 1
            pause = _patience(failures)
            log.warning("the %s waits %g s: %s", duty.name, pause, error)
        except Exception:
            failures += 1
            pause = _patience(failures)
            log.exception("the %s failed; it tries again in %g s", duty.name, pause)
        try:
            async with asyncio.timeout(pause * (1 + _JITTER * (2 * random() - 1))):
                await stopping.wait()
        except TimeoutError:
            continue
