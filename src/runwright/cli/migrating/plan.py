"""What to do so that one server has what another one has. Pure: values in, values out."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

#: In the order in which they are made: each needs those before it.
KINDS = ("work-pool", "work-queue", "limit", "tag-limit", "variable", "deployment")
Kind = Literal["work-pool", "work-queue", "limit", "tag-limit", "variable", "deployment"]
Action = Literal["create", "same", "differs", "overwrite"]


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a server: what a request that makes it would say."""

    kind: str
    #: Unique among those of its kind; parts in order, as in pool and queue.
    name: tuple[str, ...]
    body: dict[str, Any]

    @property
    def title(self) -> str:
        """The name as people write it."""
        return "/".join(self.name)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one thing."""

    thing: Thing
    action: Action
    #: The fields that differ.
    fields: list[str] = []


def plan(source: Sequence[Thing], target: Sequence[Thing], *, overwrite: bool) -> list[Step]:
    """A step for everything in the source, in the order in which they must be done."""
    there = {(thing.kind, thing.name): thing for thing in target}
    ordered = sorted(source, key=lambda thing: KINDS.index(thing.kind))
    return [_step(thing, there.get((thing.kind, thing.name)), overwrite) for thing in ordered]


def _step(wanted: Thing, there: Thing | None, overwrite: bool) -> Step:
    if there is None:
        return Step(thing=wanted, action="create")
    fields = differing(wanted.body, there.body)
    if not fields:
        return Step(thing=wanted, action="same")
    return Step(thing=wanted, action="overwrite" if overwrite else "differs", fields=fields)


def differing(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """The fields of `wanted` that are not so `there`. What is empty is as what is absent."""
    return [
        name
        for name, value in wanted.items()
        if _comparable(value) != _comparable(there.get(name)) and name != "flow_id"
    ]


def _comparable(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {name: _comparable(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None} or None
    if isinstance(value, list):
        return [_comparable(each) for each in value] or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if value == "" else value
