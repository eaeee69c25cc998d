"""What takes several requests, told apart from how it is carried out: in a thread, or on a loop.

A procedure is a generator: requests and pauses go out, answers come in.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, NamedTuple, TypeVar

from runwright.sdk.asking import ask_api
from runwright.sdk.channel import Told
from runwright.sdk.context import FlowRunContext, current_flow_run
from runwright.sdk.environment import Environment, current_environment

T = TypeVar("T")


class Request(NamedTuple):
    """Asks for an answer: a `Told` comes back."""

    method: str
    path: str
    body: Any = None


class Pause(NamedTuple):
    """Waits; nothing comes back."""

    seconds: float


Procedure = Generator[Request | Pause, Any, T]


def called(procedure: Procedure[T]) -> Any:
    """The result; in an async function, what has to be awaited for it."""
    context = current_flow_run()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return carry_out(procedure, context)
    return carry_out_async(procedure, context)


def carry_out(procedure: Procedure[T], context: FlowRunContext | None) -> T:
    """Do it in this thread: through the run around it, else straight to the server."""
    environment = _environment(context)
    try:
        step = next(procedure)
        while True:
            answer: Told | None = None
            if isinstance(step, Pause):
                environment.sleep(step.seconds)
            elif context is not None:
                answer = context.channel.ask(*step)
            else:
                answer = ask_api(environment.settings, *step)
            step = procedure.send(answer)
    except StopIteration as done:
        return done.value


def carry_out_async(
    procedure: Procedure[T], context: FlowRunContext | None
) -> Coroutine[Any, Any, T]:
    """The same without blocking the event loop."""

    async def go() -> T:
        environment = _environment(context)
        try:
            step = next(procedure)
            while True:
                answer: Told | None = None
                if isinstance(step, Pause):
                    await environment.sleep_async(step.seconds)
                elif context is not None:
                    answer = await context.channel.ask_async(*step)
                else:
                    answer = await asyncio.to_thread(ask_api, environment.settings, *step)
                step = procedure.send(answer)
        except StopIteration as done:
            return done.value

    return go()


def _environment(context: FlowRunContext | None) -> Environment:
    return current_environment() if context is None else context.environment
