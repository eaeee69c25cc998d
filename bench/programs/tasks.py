"""No-op tasks in one flow, in four ways of calling: milliseconds a task, without the flow's own."""

import asyncio
import json
import sys
import time

from bench.programs.engine import flow, runtime, task

way, count = sys.argv[1], int(sys.argv[2])
took = {}


@task
def nothing(x: int) -> int:
    return x


@task
async def nothing_async(x: int) -> int:
    return x


@flow
def call() -> None:
    nothing(0)
    begun = time.perf_counter()
    for i in range(count):
        nothing(i)
    took["tasks"] = time.perf_counter() - begun
    took["run"] = str(runtime.flow_run.id)


@flow
def submit() -> None:
    nothing(0)
    begun = time.perf_counter()
    futures = [nothing.submit(i) for i in range(count)]
    for future in futures:
        future.result()
    took["tasks"] = time.perf_counter() - begun
    took["run"] = str(runtime.flow_run.id)


@flow
def mapped() -> None:
    nothing(0)
    begun = time.perf_counter()
    nothing.map(range(count)).result()
    took["tasks"] = time.perf_counter() - begun
    took["run"] = str(runtime.flow_run.id)


@flow
async def gather() -> None:
    await nothing_async(0)
    begun = time.perf_counter()
    await asyncio.gather(*(nothing_async(i) for i in range(count)))
    took["tasks"] = time.perf_counter() - begun
    took["run"] = str(runtime.flow_run.id)


begun = time.perf_counter()
if way == "gather":
    asyncio.run(gather())
else:
    {"call": call, "submit": submit, "map": mapped}[way]()
took["flow"] = time.perf_counter() - begun
print(json.dumps(took))
