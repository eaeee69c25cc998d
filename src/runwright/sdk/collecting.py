"""Generators whose values are wanted all at once."""

import functools
from collections.abc import Callable
from typing import Any

from runwright.sdk.callables import Colour


def collecting(fn: Callable[..., Any], colour: Colour) -> Callable[..., Any]:
    """A function that gives the list of what the generator function `fn` yields."""
    if colour is Colour.ASYNC_GENERATOR:

        @functools.wraps(fn)
        async def collect_async(*args: Any, **kwargs: Any) -> list[Any]:
            return [item async for item in fn(*args, **kwargs)]

        return collect_async

    @functools.wraps(fn)
    def collect(*args: Any, **kwargs: Any) -> list[Any]:
        return list(fn(*args, **kwargs))

    return collect
