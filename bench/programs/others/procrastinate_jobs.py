"""Procrastinate: jobs put into Postgres and carried out by a worker. Milliseconds a job."""

import asyncio
import json
import sys
import time

from procrastinate import App, PsycopgConnector

url, count = sys.argv[1], int(sys.argv[2])
app = App(connector=PsycopgConnector(conninfo=url))


@app.task(name="nothing")
async def nothing(number: int) -> int:
    return number


async def main() -> float:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        begun = time.perf_counter()
        for number in range(count):
            await nothing.defer_async(number=number)
        await app.run_worker_async(wait=False, concurrency=8, install_signal_handlers=False)
        return (time.perf_counter() - begun) * 1000 / count


print(json.dumps(asyncio.run(main())))
