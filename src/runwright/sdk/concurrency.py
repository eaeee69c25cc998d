"""Slots of limits that many runs share: occupied under a lease, and given back."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

from runwright.api.concurrency import Lease, LimitInBrief
from runwright.errors import FlowError, RunwrightError
from runwright.sdk.asking import Ask, answered, default_ask, refused
from runwright.sdk.channel import Told
from runwright.sdk.context import current_flow_run, current_task_run
from runwright.sdk.offline_answers import NO_LEASE
from runwright.sdk.procedures import Pause, Procedure, Request, carry_out, carry_out_async
from runwright.sdk.timeouts import uncounted

_BASE = "/v2/concurrency_limits"
_LOCKED, _REFUSED = 423, 400
#: A lease is renewed when so much of it has passed.
_RENEW_AT = 0.5
_SHORTEST_WAIT, _LONGEST_WAIT = 0.05, 2.0
log = logging.getLogger("runwright.concurrency")


class AcquireConcurrencySlotTimeoutError(TimeoutError):
    """No slot became free in time."""


class ConcurrencySlotAcquisitionError(FlowError):
    """A limit that was asked for is not there."""


@contextmanager
def concurrency(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    *,
    strict: bool = False,
    lease_duration: float = 300,
) -> Iterator[None]:
    """Occupy slots of limits while the body runs; waits until there are some.

    The slots are held under a lease of `lease_duration` seconds, which is renewed: those of a
    process that dies come back when it lapses. Names of no limit hold nobody, unless `strict`.

    Raises:
        AcquireConcurrencySlotTimeoutError: none were free for `timeout_seconds`.
        ConcurrencySlotAcquisitionError: `strict`, and there is no limit of such a name.
        ServerUnreachable: a limit is defined, and there is no control plane.
    """
    wanted = _names(names)
    if not wanted:
        yield
        return
    ask = default_ask()
    context = current_flow_run()
    with uncounted():
        lease = carry_out(
            _acquire(wanted, occupy, timeout_seconds, lease_duration, strict=strict), context
        )
    if lease.lease_id == NO_LEASE:
        yield
        return
    stop = threading.Event()
    renewing = threading.Thread(
        target=_keep, args=(ask, lease.lease_id, lease_duration, stop), daemon=True
    )
    renewing.start()
    try:
        yield
    finally:
        stop.set()
        renewing.join()
        _tell_if_lost(carry_out(_release(lease.lease_id), context))


@asynccontextmanager
async def concurrency_async(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    *,
    strict: bool = False,
    lease_duration: float = 300,
) -> AsyncIterator[None]:
    """The same in an async function."""
    wanted = _names(names)
    if not wanted:
        yield
        return
    context = current_flow_run()
    with uncounted():
        lease = await carry_out_async(
            _acquire(wanted, occupy, timeout_seconds, lease_duration, strict=strict), context
        )
    if lease.lease_id == NO_LEASE:
        yield
        return

    async def keep() -> None:
        while True:
            await asyncio.sleep(lease_duration * _RENEW_AT)
            try:
                told = await carry_out_async(_renew(lease.lease_id, lease_duration), context)
            except RunwrightError as error:
                log.warning("The lease of %s could not be renewed: %s", wanted, error)
            else:
                _tell_if_lost(told)

    renewing = asyncio.create_task(keep())
    try:
        yield
    finally:
        renewing.cancel()
        _tell_if_lost(await carry_out_async(_release(lease.lease_id), context))


def rate_limit(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    *,
    strict: bool = False,
) -> None:
    """Wait until limits with a decay allow `occupy` more; those slots come back by themselves.

    Raises: as `concurrency`.
    """
    if wanted := _names(names):
        with uncounted():
            carry_out(_pass(wanted, occupy, timeout_seconds, strict=strict), current_flow_run())


async def rate_limit_async(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    *,
    strict: bool = False,
) -> None:
    """The same in an async function."""
    if wanted := _names(names):
        passing = _pass(wanted, occupy, timeout_seconds, strict=strict)
        with uncounted():
            await carry_out_async(passing, current_flow_run())


def _names(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _acquire(
    names: list[str], occupy: int, timeout: float | None, lease_duration: float, *, strict: bool
) -> Procedure[Lease]:
    body = {
        "names": names,
        "slots": occupy,
        "mode": "concurrency",
        "lease_duration": lease_duration,
        "holder": _holder(),
    }
    told: Told = yield from _until_free(f"{_BASE}/increment-with-lease", body, timeout)
    lease = answered(told, Lease, f"slots of {names}")
    if strict and (missing := _missing(names, lease.limits)):
        if lease.lease_id != NO_LEASE:
            yield from _release(lease.lease_id)
        raise _no_limit(missing)
    return lease


def _pass(names: list[str], occupy: int, timeout: float | None, *, strict: bool) -> Procedure[None]:
    body = {"names": names, "slots": occupy, "mode": "rate_limit"}
    told: Told = yield from _until_free(f"{_BASE}/increment", body, timeout)
    limits = answered(told, list[LimitInBrief], f"slots of {names}")
    if strict and (missing := _missing(names, limits)):
        raise _no_limit(missing)


def _until_free(path: str, body: dict[str, Any], timeout: float | None) -> Procedure[Told]:
    """Ask again and again, less and less often."""
    waited, pause = 0.0, _SHORTEST_WAIT
    while True:
        told: Told = yield Request("POST", path, body)
        if told.status != _LOCKED:
            return told
        if timeout is not None and waited >= timeout:
            raise AcquireConcurrencySlotTimeoutError(
                f"No {body['slots']} free slots of {', '.join(body['names'])} in {timeout:g} s."
            )
        left = pause if timeout is None else min(pause, timeout - waited)
        yield Pause(left)
        waited += left
        pause = min(_LONGEST_WAIT, pause * 1.5)


def _missing(names: list[str], limits: Sequence[LimitInBrief]) -> list[str]:
    there = {limit.name for limit in limits}
    return [name for name in names if name not in there]


def _no_limit(names: list[str]) -> ConcurrencySlotAcquisitionError:
    return ConcurrencySlotAcquisitionError(
        f"There is no limit {', '.join(map(repr, names))}. Create it, or leave out `strict`."
    )


def _release(lease_id: UUID) -> Generator[Request, Told, Told]:
    return (yield Request("POST", f"{_BASE}/decrement-with-lease", {"lease_id": str(lease_id)}))


def _renew(lease_id: UUID, seconds: float) -> Generator[Request, Told, Told]:
    body = {"lease_duration": seconds}
    return (yield Request("POST", f"{_BASE}/leases/{lease_id}/renew", body))


def _keep(ask: Ask, lease_id: UUID, seconds: float, stop: threading.Event) -> None:
    """Renew the lease until told to stop."""
    while not stop.wait(seconds * _RENEW_AT):
        try:
            told = ask("POST", f"{_BASE}/leases/{lease_id}/renew", {"lease_duration": seconds})
        except RunwrightError as error:
            log.warning("Lease %s could not be renewed: %s", lease_id, error)
        else:
            _tell_if_lost(told)


def _tell_if_lost(told: Told) -> None:
    if told.status >= _REFUSED:
        log.warning("Slots were lost before they were given back: %s", refused(told, "a lease"))


def _holder() -> dict[str, str] | None:
    task, flow = current_task_run(), current_flow_run()
    if task is not None:
        return {"type": "task_run", "id": str(task.task_run_id)}
    return None if flow is None else {"type": "flow_run", "id": str(flow.flow_run_id)}
