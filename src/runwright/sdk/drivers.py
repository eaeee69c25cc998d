"""What runs the engine: perform each effect, send the answer back, throw what went wrong."""

from collections.abc import Awaitable, Callable
from typing import Any

from runwright.core.engine import Ended, FlowLife, TaskLife


def drive(run: TaskLife | FlowLife, perform: Callable[[Any], Any]) -> Ended:
    """Run a life to its end. What the engine raises comes out here."""
    try:
        effect = next(run)
        while True:
            try:
                answer = perform(effect)
            except BaseException as error:  # noqa: BLE001  # the engine decides what it means
                effect = run.throw(error)
            else:
                effect = run.send(answer)
    except StopIteration as done:
        return done.value


async def drive_async(run: TaskLife | FlowLife, perform: Callable[[Any], Awaitable[Any]]) -> Ended:
    """The same, one `await` apart."""
    try:
        effect = next(run)
        while True:
            try:
                answer = await perform(effect)
            except BaseException as error:  # noqa: BLE001
                effect = run.throw(error)
            else:
                effect = run.send(answer)
    except StopIteration as done:
        return done.value
