"""A flow by hand: tasks in each way, retries, tags, a subflow, an artifact."""

from prefect import flow, tags, task, unmapped
from prefect.artifacts import create_markdown_artifact, create_table_artifact

tries = []


@task
def double(number, by=2):
    return number * by


@task(retries=2, retry_delay_seconds=0)
def flaky():
    tries.append(1)
    if len(tries) < 3:
        raise ValueError("not yet")
    return len(tries)


@task(tags=["scarce"])
def tagged(number):
    return number


@flow(name="local-child")
def child(number: int):
    return double(number)


@flow(name="local", log_prints=True)
def parent(size: int = 4):
    direct = double(1)
    mapped = double.map(range(size), by=unmapped(3)).result()
    submitted = double.submit(10, wait_for=[direct]).result()
    tagged.map(range(3)).wait()
    create_markdown_artifact("# Report", key="report", description="of the flow")
    create_table_artifact([{"a": 1}], key="table")
    print("flaky:", flaky())
    return direct + sum(mapped) + submitted + child(5)


if __name__ == "__main__":
    with tags("by-hand"):
        print("RESULT", parent())
