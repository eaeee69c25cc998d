"""The background duties of a server, and the one loop that all of them run in."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from runwright.core.backoff import Random
from runwright.server.outbound import networks_of
from runwright.server.services.canceller import Canceller
from runwright.server.services.dispatcher import Dispatcher
from runwright.server.services.evaluator import Evaluator
from runwright.server.services.late_marker import LateMarker
from runwright.server.services.pruner import Pruner
from runwright.server.services.reaper import Reaper
from runwright.server.services.scheduler import Scheduler
from runwright.server.spool import SpoolReader
from runwright.server.wiring import Wiring
from runwright.storage.errors import StorageError, StorageLost
from runwright.storage.firings import ACTIONS
from runwright.storage.moves import EVENTS
from runwright.storage.waker import Waker, Watch

if TYPE_CHECKING:
    from runwright.server.egress import Egress

log = logging.getLogger("runwright.server")

#: After a pass that failed: first this, then longer, up to the second figure. Seconds.
_PATIENCE = (1.0, 30.0)
_SPOOL_INTERVAL = 0.5
_LATE_INTERVAL = 5.0
_PRUNE_INTERVAL = 3600.0
#: Deadlines, and what nobody was woken for.
_AUTOMATIONS_INTERVAL = 2.0
#: States come many to a second: they are judged together.
_EVENTS_PAUSE = 0.1
_LONGEST_CALL = 10.0
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
    #: Topics that end the pause early, and how long it is at least.
    woken_by: tuple[str, ...] = ()
    shortest_pause: float = 0.0
    #: When the server stops.
    close: Callable[[], Awaitable[None]] | None = None


def duties_of(wiring: Wiring, *, with_scheduler: bool) -> list[Duty]:
    """The duties of this server, those that make runs of schedules only where asked for."""
    settings, storage = wiring.settings, wiring.storage
    pruner = Pruner(
        storage,
        run_retention=_span(settings.run_retention),
        log_retention=_span(settings.log_retention),
        host_retention=_span(settings.host_retention),
        firing_retention=_span(settings.firing_retention),
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
        Duty(
            "evaluator",
            Evaluator(storage, wiring.new_id).one_pass,
            _AUTOMATIONS_INTERVAL,
            woken_by=(EVENTS,),
            shortest_pause=_EVENTS_PAUSE,
        ),
        _dispatcher(wiring),
    ]
    if with_scheduler:
        duties.append(Duty("scheduler", scheduler.one_pass, settings.scheduler_interval))
    return duties


def _dispatcher(wiring: Wiring) -> Duty:
    settings = wiring.settings
    allowed = networks_of(settings.webhook_allowed_networks)
    # An answer has to come before somebody else tries it too.
    timeout = min(_LONGEST_CALL, settings.lease_seconds / 2)

    def open_egress() -> "Egress":
        # Late: who sends nothing does without the ten megabytes of an HTTP client.
        from runwright.server.egress import Egress

        return Egress(allowed, timeout=timeout)

    dispatcher = Dispatcher(
        wiring.storage,
        wiring.policy,
        wiring.vault,
        open_egress,
        lease=timedelta(seconds=settings.lease_seconds),
        backoff=timedelta(seconds=settings.action_retry_delay),
    )
    return Duty(
        dispatcher.name,
        dispatcher.one_pass,
        _AUTOMATIONS_INTERVAL,
        woken_by=(ACTIONS,),
        close=dispatcher.close,
    )


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _patience(failures: int) -> float:
    return min(_PATIENCE[1], _PATIENCE[0] * 2 ** (failures - 1))


async def run_duty(
    duty: Duty,
    stopping: asyncio.Event,
    random: Random = random.random,
    *,
    waker: Waker | None = None,
) -> None:
    """Pass after pass until the server stops. A pass that fails is logged and tried again."""
    failures = 0
    with (waker or Waker()).watch(duty.woken_by) as watch:
        try:
            while not stopping.is_set():
                failures = await _one_pass(duty, failures)
                pause = _patience(failures) if failures else duty.interval
                pause *= 1 + _JITTER * (2 * random() - 1)
                await _pause(stopping, None if failures else watch, pause, duty.shortest_pause)
        finally:
            if duty.close is not None:
                await duty.close()


async def _one_pass(duty: Duty, failures: int) -> int:
    """How many have failed in a row by now."""
    try:
        await duty.one_pass()
    except asyncio.CancelledError:
        raise
    except StorageLost:  # who found out has said so, once for all duties
        failures += 1
    except StorageError as error:
        failures += 1
        log.warning("the %s waits %g s: %s", duty.name, _patience(failures), error)
    except Exception:
        failures += 1
        pause = _patience(failures)
        log.exception("the %s failed; it tries again in %g s", duty.name, pause)
    else:
        return 0
    return failures


async def _pause(
    stopping: asyncio.Event, watch: Watch | None, longest: float, shortest: float
) -> None:
    """Until the server stops, the time is over, or a topic was woken."""
    with suppress(TimeoutError):
        async with asyncio.timeout(shortest if watch else longest):
            await stopping.wait()
    if watch is not None and not stopping.is_set():
        await watch.wait(longest - shortest)
