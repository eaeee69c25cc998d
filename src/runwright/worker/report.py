"""Telling the control plane something that it must know, however long it is away."""

import asyncio
import random

import msgspec

from runwright.clock import SystemClock
from runwright.errors import ServerUnreachable
from runwright.worker.control_plane import ControlPlane
from runwright.worker.refusals import Refusal, refusal_of

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 10.0


async def deliver(
    control_plane: ControlPlane, path: str, body: msgspec.Struct, *, patience: float
) -> bytes | None:
    """Post `body`, again and again for `patience` seconds while there is no answer.

    The answer, be it that the control plane does not want it; None when there was none.
    """
    clock = SystemClock()
    chance = random.Random()  # noqa: S311  # jitter is no secret
    give_up_at = clock.monotonic() + patience
    longest = FIRST_DELAY_SECONDS
    encoded = msgspec.json.encode(body)
    while True:
        try:
            status, answer = await control_plane.send("POST", path, encoded)
        except ServerUnreachable:
            pass
        else:
            if status < 300 or refusal_of(status, answer) is not Refusal.TRY_LATER:  # noqa: PLR2004
                return answer
        if clock.monotonic() >= give_up_at:
            return None
        await asyncio.sleep(chance.uniform(0.05, longest))
        longest = min(LONGEST_DELAY_SECONDS, longest * 2)
