"""Requests to the control plane: typed, with its refusals as errors."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from runwright.client.problems import FIRST_REFUSAL, refusal
from runwright.errors import ApiProblem, ServerUnreachable
from runwright.sdk.channel import Told
from runwright.sdk.offline_answers import offline_answer

if TYPE_CHECKING:
    from runwright.settings import Settings

T = TypeVar("T")

#: Sends one request: method, path below the API's root, body.
Ask = Callable[[str, str, Any], Told]


def ask_api(settings: "Settings", method: str, path: str, body: Any = None) -> Told:
    """One request to the configured server, else to the one that runs on this machine.

    What nobody has defined is answered without a server.

    Raises:
        ServerUnreachable: there is neither, or no answer.
    """
    # Late: only who asks needs the HTTP client.
    from runwright.client.blocking import connect
    from runwright.settings import resolve_api

    if resolve_api(settings) is None:
        known = offline_answer(settings, method, path, body)
        if known is not None:
            return known
        raise ServerUnreachable(
            f"{method} {path} needs a control plane, and there is none. Start one with "
            "`runwright server start`, or set RUNWRIGHT_API_URL."
        )

    def send() -> tuple[int, bytes]:
        with connect(settings) as client:
            return client.send(method, path, body)

    status, content = _off_the_loop(send)
    return Told(status, msgspec.json.decode(content) if content else None)


def _off_the_loop(send: Callable[[], T]) -> T:
    """Call `send`, in another thread where an event loop runs in this one."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return send()
    with ThreadPoolExecutor(1) as other:
        return other.submit(send).result()


def default_ask() -> Ask:
    """Through the run around the caller, else straight to the server."""
    from runwright.sdk.context import current_flow_run
    from runwright.sdk.environment import current_environment

    context = current_flow_run()
    if context is not None:
        return context.channel.ask
    settings = current_environment().settings
    return lambda method, path, body: ask_api(settings, method, path, body)


def answered(told: Told, kind: type[T], what: str) -> T:
    """The body of an answer as `kind`; `what` is what was asked for, for messages.

    Raises:
        ApiProblem: the control plane refused.
    """
    if told.status >= FIRST_REFUSAL:
        raise refused(told, what)
    return msgspec.convert(told.body, kind, strict=False)


def refused(told: Told, what: str) -> ApiProblem:
    """The control plane's refusal as an error."""
    return refusal("for", what, told.status, msgspec.json.encode(told.body))
