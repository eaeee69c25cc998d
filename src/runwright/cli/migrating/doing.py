"""Carries out the steps of a plan."""

from collections.abc import Sequence
from typing import Any

import msgspec

from runwright.cli.migrating.plan import Step, Thing
from runwright.cli.migrating.reading import ask
from runwright.cli.session import Caller
from runwright.client.call import join
from runwright.errors import AlreadyExists, ApiProblem

#: What does not change once a thing is there.
_FIXED = frozenset({"name", "type"})


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A step, and what was wrong where it could not be done."""

    kind: str
    name: str
    action: str
    detail: str = ""


def shown(step: Step) -> Done:
    """A step as it is shown."""
    return Done(
        kind=step.thing.kind,
        name=step.thing.title,
        action=step.action,
        detail=", ".join(step.fields),
    )


def carry_out(caller: Caller, step: Step) -> Done:
    """Do what the step says; a refusal is part of the answer, so that the others are done."""
    told = shown(step)
    if step.action in ("same", "differs"):
        return told
    try:
        _make(caller, step.thing, step.fields)
    except ApiProblem as problem:
        return msgspec.structs.replace(told, action="failed", detail=str(problem))
    done = "created" if step.action == "create" else "overwritten"
    return msgspec.structs.replace(told, action=done)


def _make(caller: Caller, thing: Thing, differing: Sequence[str]) -> None:
    """Make the thing, or, where it is there, change the fields in which it differs."""
    exists = bool(differing)
    body = {
        name: value for name, value in thing.body.items() if value is not None or name in differing
    }
    match thing.kind:
        case "work-pool":
            path = join("work_pools", *thing.name)
            _post_or_patch(caller, "/work_pools/", path, body, exists=exists)
        case "work-queue":
            pool, queue = thing.name
            queues = join("work_pools", pool, "queues")
            # Its pool brings one queue with it.
            _post_or_patch(caller, queues, queues + join(queue), body, exists=exists)
        case "limit":
            base = "/v2/concurrency_limits"
            _post_or_patch(caller, f"{base}/", base + join(*thing.name), body, exists=exists)
        case "tag-limit":
            ask(caller, "POST", "/concurrency_limits/", body)  # it replaces the one there is
        case "variable":
            path = join("variables", "name", *thing.name)
            _post_or_patch(caller, "/variables/", path, body, exists=exists)
        case "deployment":
            flow = ask(caller, "POST", "/flows/", {"name": thing.name[0]})
            ask(caller, "POST", "/deployments/", body | {"flow_id": flow["id"]})
        case _:
            raise AssertionError(thing.kind)


def _post_or_patch(
    caller: Caller,
    create: str,
    change: str,
    body: dict[str, Any],
    *,
    exists: bool,
) -> None:
    if not exists:
        try:
            ask(caller, "POST", create, body)
        except AlreadyExists:
            pass
        else:
            return
    ask(caller, "PATCH", change, {k: v for k, v in body.items() if k not in _FIXED})
