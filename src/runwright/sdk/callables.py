"""What kind of function a flow or task is made of."""

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any

from runwright.errors import FlowError


class Colour(Enum):
    """How a function is called and how it gives its result."""

    SYNC = "sync"
    ASYNC = "async"
    GENERATOR = "generator"
    ASYNC_GENERATOR = "async generator"


#: Flags of code objects, as in `inspect`.
_GENERATOR, _COROUTINE, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200


def colour_of(fn: Callable[..., Any]) -> Colour:
    """The colour, seen through partials, bound methods and callable objects."""
    while True:
        if hasattr(fn, "func") and hasattr(fn, "keywords"):  # functools.partial
            fn = fn.func  # type: ignore[attr-defined]
        elif hasattr(fn, "__func__"):
            fn = fn.__func__  # type: ignore[attr-defined]
        else:
            break
    code = getattr(fn, "__code__", None)
    if code is None:
        code = getattr(getattr(type(fn), "__call__", None), "__code__", None)  # noqa: B004
    flags = 0 if code is None else code.co_flags
    if flags & _ASYNC_GENERATOR:
        return Colour.ASYNC_GENERATOR
    if flags & (_COROUTINE | _ITERABLE_COROUTINE) or _is_marked_coroutine(fn):
        return Colour.ASYNC
    return Colour.GENERATOR if flags & _GENERATOR else Colour.SYNC


def _is_marked_coroutine(fn: Any) -> bool:
    """As `inspect.markcoroutinefunction` and older `asyncio` do it."""
    return getattr(fn, "_is_coroutine_mark", None) is not None


def plain_function(fn: Any, what: str) -> tuple[Callable[..., Any], str]:
    """The function in a classmethod or staticmethod, and how it binds to a class.

    Raises:
        FlowError: `fn` cannot be called.
    """
    if isinstance(fn, classmethod):
        return fn.__func__, "class"
    if isinstance(fn, staticmethod):
        return fn.__func__, "static"
    if not callable(fn):
        raise FlowError(
            f"@{what} needs a function, and got {fn!r} ({type(fn).__name__}). "
            f"Write @{what} or @{what}(option=...) above a `def`."
        )
    return fn, "instance"


def bound(fn: Callable[..., Any], binding: str, instance: object, owner: type | None) -> Any:
    """`fn` as it is called through `instance.name` or `Owner.name`; None: as it is."""
    if binding == "static":
        return None
    target = owner if binding == "class" else instance
    if target is None:
        return None
    return fn.__get__(target, owner) if hasattr(fn, "__get__") else None


def reduced(owner: Any, rebuild: Callable[..., Any]) -> Any:
    """How a flow or task is pickled: by its name where that can be imported, else by value."""
    import sys

    found: Any = sys.modules.get(owner.__module__)
    for part in owner.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is owner and owner.__module__ != "__main__":
        return owner.__qualname__
    return (rebuild, (owner._declared, owner._options))  # noqa: SLF001  # one family


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The coroutine's result, from synchronous code, whether or not a loop runs in this thread."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    import contextvars
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(contextvars.copy_context().run, asyncio.run, coroutine).result()
