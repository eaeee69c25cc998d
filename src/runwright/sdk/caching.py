"""Cache keys of task runs."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from runwright.core.caching import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CacheContext,
    CacheKeyFnPolicy,
    CachePolicy,
)
from runwright.core.stable_hash import stable_hash
from runwright.errors import FlowError

__all__ = [
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
    "CacheContext",
    "CacheKeyFnPolicy",
    "CachePolicy",
    "compute_key",
    "policy_of",
    "task_input_hash",
]

_UNSET: Any = object()


class NoCacheKey(FlowError):
    """A task run has no cache key: an input has no stable hash, or a key function failed."""


def policy_of(
    cache_policy: CachePolicy | None = _UNSET,
    cache_key_fn: Callable[..., str | None] | None = None,
    *,
    persist_result: bool | None = None,
) -> CachePolicy:
    """The policy that a task's options mean: a key function, the policy, or the default.

    `cache_policy=None` turns caching off, and so does `persist_result=False`, since a hit is a
    stored result.
    """
    if cache_key_fn is not None:
        return CacheKeyFnPolicy(cache_key_fn)
    if persist_result is False or cache_policy is None:
        return NO_CACHE
    return DEFAULT if cache_policy is _UNSET else cache_policy


def compute_key(task: Any, inputs: Mapping[str, Any], context: CacheContext) -> str | None:
    """The task run's cache key under `task.cache_policy`; None: it is not cached.

    Raises:
        NoCacheKey: an input has no stable hash, or the user's key function failed.
        FlowError: what the user's key function returned is no key.
    """
    policy: CachePolicy = task.cache_policy
    if policy is NO_CACHE:
        return None
    context = msgspec.structs.replace(
        context,
        task_key=context.task_key or getattr(task, "task_key", ""),
        task_source=context.task_source or (lambda: source_of(task.fn)),
        pickled=context.pickled or _pickled,
    )
    try:
        key = policy.key(context, inputs)
    except Exception as error:
        name = getattr(task, "name", "?")
        raise NoCacheKey(
            f"No cache key could be made for task {name!r} by its cache policy {policy!r}: {error}."
            ' Leave the input out (cache_policy=INPUTS - "name"), or set cache_policy=NO_CACHE.'
        ) from error
    if key is not None and not isinstance(key, str):
        raise FlowError(
            f"The cache key of task {getattr(task, 'name', '?')!r} must be a string or None, "
            f"not {key!r}: see its cache_key_fn."
        )
    return key


def task_input_hash(context: Any, arguments: Mapping[str, Any]) -> str | None:
    """A ready-made `cache_key_fn`: the task and its inputs, across runs."""
    task = getattr(context, "task", None)
    key = getattr(context, "task_key", None) or getattr(task, "task_key", "")
    return stable_hash([key, dict(arguments)], _pickled)


def source_of(fn: Callable[..., Any]) -> str:
    """The function's source, or its byte code where there is no source file."""
    try:
        return _source(fn)
    except TypeError:
        return _source.__wrapped__(fn)


@lru_cache(maxsize=4096)
def _source(fn: Callable[..., Any]) -> str:
    import inspect  # late: only tasks that are cached need it

    target = inspect.unwrap(getattr(fn, "__func__", fn))
    try:
        return inspect.getsource(target)
    except (OSError, TypeError):
        code = getattr(target, "__code__", None)
        if code is None:
            return f"{getattr(fn, '__module__', '')}.{getattr(fn, '__qualname__', type(fn))}"
        return f"{code.co_code.hex()} {code.co_names} {_constants(code)}"


def _constants(code: Any) -> str:
    """Constants without addresses: the code of inner functions by its bytes."""
    return repr(
        [each.co_code.hex() if hasattr(each, "co_code") else each for each in code.co_consts]
    )


def _pickled(value: Any) -> bytes:
    import cloudpickle  # late: only values that nothing else can hash need it

    return cloudpickle.dumps(value, protocol=5)
