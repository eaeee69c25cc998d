"""The background duties of a server, and the one loop that all of them run in."""

import asyncio
import importlib
import importlib.util
import inspect
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from runwright.server.spool import SpoolReader
from runwright.server.wiring import Wiring

log = logging.getLogger("runwright.server")

#: After a pass that failed: first this, then longer, up to the second figure. Seconds.
_PATIENCE = (1.0, 30.0)
_SPOOL_INTERVAL = 0.5
_PRUNE_INTERVAL = 60.0


@dataclass(frozen=True)
class Duty:
    """Something done again and again. `interval` is in seconds, between two passes."""

    name: str
    one_pass: Callable[[], Awaitable[Any]]
    interval: float


def duties_of(wiring: Wiring, *, with_scheduler: bool) -> list[Duty]:
    """The duties of this server, those that make runs of schedules only where asked for."""
    settings = wiring.settings
    spool = SpoolReader(wiring, settings.home / "spool")
    found = [
        Duty("spool", spool.one_pass, _SPOOL_INTERVAL),
        _duty("late_marker", "LateMarker", settings.scheduler_interval, wiring),
        _duty("pruner", "Pruner", _PRUNE_INTERVAL, wiring),
        _duty("reaper", "Reaper", settings.reaper_interval, wiring),
        _duty("canceller", "Canceller", settings.reaper_interval, wiring),
        _duty("scheduler", "Scheduler", settings.scheduler_interval, wiring)
        if with_scheduler
        else None,
    ]
    return [duty for duty in found if duty is not None]


def _duty(module: str, kind: str, interval: float, wiring: Wiring) -> Duty | None:
    path = f"runwright.server.services.{module}"
    if importlib.util.find_spec(path) is None:
        return None
    service = getattr(importlib.import_module(path), kind)
    offered = _parts(wiring)
    wanted = inspect.signature(service).parameters
    made = service(**{name: offered[name] for name in wanted if name in offered})
    return Duty(module, made.one_pass, interval)


def _parts(wiring: Wiring) -> dict[str, Any]:
    """What a service may ask for in its constructor, by name."""
    settings = wiring.settings
    return {
        "storage": wiring.storage,
        "clock": wiring.clock,
        "new_id": wiring.new_id,
        "settings": settings,
        "random": random.random,
        "policy": wiring.policy,
        "late_after": timedelta(seconds=settings.late_after),
        "lease": timedelta(seconds=settings.lease_seconds),
        "ttl": timedelta(seconds=settings.lease_seconds),
        "run_retention": _span(settings.run_retention),
        "log_retention": _span(settings.log_retention),
    }


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


async def run_duty(duty: Duty, stopping: asyncio.Event) -> None:
    """Pass after pass until the server stops. A pass that fails is logged and tried again."""
    failures = 0
    while not stopping.is_set():
        pause = duty.interval
        try:
            await duty.one_pass()
            failures = 0
        except asyncio.CancelledError:
            raise
        except Exception:
            failures += 1
            pause = min(_PATIENCE[1], _PATIENCE[0] * 2 ** (failures - 1))
            log.exception("the %s failed; it tries again in %g s", duty.name, pause)
        try:
            async with asyncio.timeout(pause):
                await stopping.wait()
        except TimeoutError:
            continue
