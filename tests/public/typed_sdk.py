"""What type checkers must see of flows and tasks. Read by them alone; never run."""

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, assert_type

from runwright import Future, State, flow, task
from runwright.sdk.flows import Flow
from runwright.sdk.futures import FutureList
from runwright.sdk.tasks import Task


@task
def add(a: int, b: str = "1") -> float:
    return a + float(b)


@task(retries=2, retry_delay_seconds=[1, 2], tags=["x"])
async def fetch(url: str) -> bytes:
    return url.encode()


@task
def count(n: int) -> Generator[int, None, str]:
    yield n
    return ""


@task
async def stream(n: int) -> AsyncGenerator[int, None]:
    yield n


@flow
def main(x: int) -> list[str]:
    return [str(x)]


@flow(retries=1, log_prints=True)
async def main_async(x: int) -> list[str]:
    return [str(x)]


class Service:
    @task
    def look(self, x: int) -> str:
        return str(x)

    @flow
    def run(self, x: int) -> str:
        return str(x)


assert_type(add(1), float)
assert_type(add(1, b="2"), float)
assert_type(add(1, return_state=True), State[float])
assert_type(add(1, wait_for=[]), float)
assert_type(add.submit(1), Future[float])
assert_type(add.submit(1).result(), float)
assert_type(add.submit(add.submit(1), b="2"), Future[float])
assert_type(add.map([1, 2]), FutureList[float])
assert_type(add.map([1, 2]).result(), list[float])
assert_type(add.with_options(name="x")(1), float)

assert_type(fetch.submit("x"), Future[bytes])
assert_type(fetch.map(["x"]), FutureList[bytes])
assert_type(count(1), Generator[int, None, str])
assert_type(stream(1), AsyncGenerator[int, None])

assert_type(main(1), list[str])
assert_type(main(1, return_state=True), State[list[str]])
assert_type(main.with_options(name="x")(1), list[str])

assert_type(Service().look(1), str)
assert_type(Service().look.submit(1), Future[str])
assert_type(Service().run(1), str)


async def inside() -> None:
    assert_type(await fetch("x"), bytes)
    assert_type(await main_async(1), list[str])
    assert_type(await main_async(1, return_state=True), State[list[str]])
    assert_type(await add.submit(1), float)
    async for item in stream(1):
        assert_type(item, int)


@add.on_failure
def note(task: Task[..., Any], run: Any, state: State[Any]) -> None: ...


a_callable: Callable[[int], list[str]] = main
a_flow: Flow[..., Any] = main

# What must be refused: the ignore comments are themselves errors where nothing is.
add("not a number")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
main()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
add.with_options(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
