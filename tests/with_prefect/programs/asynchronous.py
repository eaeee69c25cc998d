"""Async flows and tasks, a failing one among them."""

import asyncio

from prefect import flow, task


@task
async def one(number: int):
    await asyncio.sleep(0)
    if number == 3:
        raise ValueError("three")
    return number


@flow(name="async-child")
async def child():
    return await one(7)


@flow(name="async", retries=1, retry_delay_seconds=0)
async def parent():
    futures = one.map(range(4))
    states = [future.wait() or future.state for future in futures]
    assert [state.type.value for state in states] == ["COMPLETED"] * 3 + ["FAILED"]
    await asyncio.gather(one(1), one(2), child())
    raise RuntimeError("to the end")


if __name__ == "__main__":
    state = asyncio.run(parent(return_state=True))
    print("STATE", state.name, state.message)
