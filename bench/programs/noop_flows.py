"""No-op flows by hand against the server: milliseconds each, from call to recorded."""

import asyncio
import json
import sys
import time

from bench.programs.flows import noop, noop_async

count = int(sys.argv[1])


def by_call() -> list[float]:
    noop()
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        noop()
        took.append((time.perf_counter() - begun) * 1000)
    return took


async def by_await() -> list[float]:
    await noop_async()
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        await noop_async()
        took.append((time.perf_counter() - begun) * 1000)
    return took


print(json.dumps(asyncio.run(by_await()) if "async" in sys.argv else by_call()))
