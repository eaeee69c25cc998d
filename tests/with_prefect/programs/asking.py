"""A flow that waits for input, and one that is sent some."""

import asyncio
import sys

from prefect import flow
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput, receive_input, send_input
from prefect.runtime import flow_run


class Approval(RunInput):
    approved: bool
    reason: str = "none"


@flow(name="asking")
def asking():
    answer = pause_flow_run(
        wait_for_input=Approval.with_initial_data(reason="because"), timeout=60, poll_interval=1
    )
    print("ANSWER", answer.approved, answer.reason)


@flow(name="receiving")
async def receiving():
    print("RUN", flow_run.id, flush=True)
    total = 0
    async for number in receive_input(int, timeout=60, poll_interval=0.2):
        total += number
        if number == 0:
            break
    print("TOTAL", total)


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        asking()
    elif sys.argv[1] == "receive":
        asyncio.run(receiving())
    else:
        for number in (3, 4, 0):
            send_input(number, flow_run_id=sys.argv[2])
