"""Cache policies: from what a task run's cache key is made.

Policies add up (`INPUTS + TASK_SOURCE`: all of it makes the key) and subtract (`DEFAULT - RUN_ID`
without that part, `INPUTS - "debug"` without that input).
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from runwright.core.stable_hash import Pickled, stable_hash


class CacheContext(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a policy may know of the task run."""

    task_key: str = ""
    #: The source of the task's function; called only where a policy wants it.
    task_source: Callable[[], str] | None = None
    flow_run_id: str | None = None
    task_run_id: str | None = None
    flow_parameters: Mapping[str, Any] | None = None
    #: Turns values that have no stable form of their own into bytes.
    pickled: Pickled | None = None
    #: The SDK's own context, for users' key functions.
    run_context: Any = None


class CachePolicy:
    """Makes cache keys. None means: do not cache."""

    def key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        """The key for these inputs; equal in every process that has the same code and inputs."""
        raise NotImplementedError

    def parts(self) -> tuple["CachePolicy", ...]:
        """The policies it is the sum of."""
        return (self,)

    def without_inputs(self, names: frozenset[str]) -> "CachePolicy":
        """The policy with these inputs left out of account."""
        del names
        return self

    def __add__(self, other: "CachePolicy") -> "CachePolicy":
        if not isinstance(other, CachePolicy):
            return NotImplemented
        return _sum((*self.parts(), *other.parts()))

    def __sub__(self, other: "CachePolicy | str") -> "CachePolicy":
        if isinstance(other, str):
            return self.without_inputs(frozenset({other}))
        if isinstance(other, CachePolicy):
            gone = other.parts()
            return _sum(tuple(part for part in self.parts() if part not in gone))
        return NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CachePolicy):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return (type(self),)


def _sum(parts: tuple[CachePolicy, ...]) -> CachePolicy:
    distinct = tuple(dict.fromkeys(parts))
    if not distinct:
        return NO_CACHE
    return distinct[0] if len(distinct) == 1 else _Sum(distinct)


class _Sum(CachePolicy):
    def __init__(self, parts: tuple[CachePolicy, ...]) -> None:
        self._parts = parts

    def parts(self) -> tuple[CachePolicy, ...]:
        return self._parts

    def key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        keys = [key for part in self._parts if (key := part.key(context, inputs)) is not None]
        # Sorted, so that `A + B` and `B + A` find each other's results.
        return _digest(*sorted(keys)) if keys else None

    def without_inputs(self, names: frozenset[str]) -> CachePolicy:
        changed = tuple(part.without_inputs(names) for part in self._parts)
        if changed == self._parts:
            # As `TASK_SOURCE + RUN_ID - "x"`: all inputs but that one matter from now on.
            changed = (*self._parts, Inputs(names))
        return _sum(changed)

    def _identity(self) -> tuple[Any, ...]:
        return (type(self), frozenset(self._parts))

    def __repr__(self) -> str:
        return " + ".join(map(repr, self._parts))


class NoCache(CachePolicy):
    """Never cache."""

    def key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        del context, inputs
        return None

    def parts(self) -> tuple[CachePolicy, ...]:
        return ()

    def __repr__(self) -> str:
        return "NO_CACHE"


class Inputs(CachePolicy):
    """The values of the task's parameters. A task without any is not cached by this alone."""

    def __init__(self, exclude: frozenset[str] = frozenset()) -> None:
        self.exclude = frozenset(exclude)

    def key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        counted = {name: inputs[name] for name in sorted(inputs) if name not in self.exclude}
        return f"inputs-{stable_hash(counted, context.pickled)}" if counted else None

    def without_inputs(self, names: frozenset[str]) -> CachePolicy:
        return Inputs(self.exclude | names)

    def _identity(self) -> tuple[Any, ...]:
        return (type(self), self.exclude)

    def __repr__(self) -> str:
        return "INPUTS" + "".join(f" - {name!r}" for name in sorted(self.exclude))


class TaskSource(CachePolicy):
    """The source code of the task's function."""

    def key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        del inputs
        return None if context.task_source is None else f"source-{_digest(context.task_source())}"

    def __repr__(self) -> str:
        return "TASK_SOURCE"


class RunId(CachePolicy):
    """The flow run, so that results are reused within one run only."""

    def key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        del inputs
        run_id = context.flow_run_id or context.task_run_id
        return None if run_id is None else f"run-{run_id}"

    def __repr__(self) -> str:
        return "RUN_ID"


class FlowParameters(CachePolicy):
    """The parameters of the flow run that the task is in."""

    def key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        del inputs
        if not context.flow_parameters:
            return None
        return f"parameters-{stable_hash(dict(context.flow_parameters), context.pickled)}"

    def __repr__(self) -> str:
        return "FLOW_PARAMETERS"


class CacheKeyFnPolicy(CachePolicy):
    """A key of the user's own making: `cache_key_fn(context, inputs) -> str | None`."""

    def __init__(self, cache_key_fn: Callable[[Any, dict[str, Any]], str | None]) -> None:
        self.cache_key_fn = cache_key_fn

    def key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        seen = context if context.run_context is None else context.run_context
        return self.cache_key_fn(seen, dict(inputs))

    def _identity(self) -> tuple[Any, ...]:
        return (type(self), self.cache_key_fn)

    def __repr__(self) -> str:
        return f"CacheKeyFnPolicy({self.cache_key_fn!r})"


def _digest(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:32]


NO_CACHE = NoCache()
INPUTS = Inputs()
TASK_SOURCE = TaskSource()
RUN_ID = RunId()
FLOW_PARAMETERS = FlowParameters()
DEFAULT = INPUTS + TASK_SOURCE + RUN_ID
