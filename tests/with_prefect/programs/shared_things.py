"""Limits, variables and events, as flows use them."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from prefect import flow, task
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency, rate_limit
from prefect.events import emit_event
from prefect.variables import Variable

inside, most = 0, 0


def occupy(_):
    global inside, most  # noqa: PLW0603
    with concurrency("database", occupy=1):
        inside += 1
        most = max(most, inside)
        time.sleep(0.2)  # noqa: TID251  # the work that the limit is for
        inside -= 1


@task(tags=["scarce"])
def tagged(number):
    global inside, most  # noqa: PLW0603
    inside += 1
    most = max(most, inside)
    time.sleep(0.2)  # noqa: TID251  # the work that the limit is for
    inside -= 1
    return number


@flow(name="shared")
def parent():
    global most  # noqa: PLW0603
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(occupy, range(6)))
    print("MOST INSIDE", most)
    most = 0
    assert sum(tagged.map(range(4)).result()) == 6
    print("MOST TAGGED", most)
    rate_limit("api", occupy=1)
    with suppress(ConcurrencySlotAcquisitionError), concurrency("absent", strict=True, occupy=1):
        raise AssertionError
    Variable.set("settings", {"size": 3}, tags=["t"])
    assert Variable.get("settings") == {"size": 3}
    Variable.set("settings", 4, overwrite=True)
    assert Variable.get("settings") == 4
    Variable.unset("settings")
    assert Variable.get("settings", default="gone") == "gone"
    emit_event("thing.happened", resource={"prefect.resource.id": "thing.1"})


if __name__ == "__main__":
    parent()
