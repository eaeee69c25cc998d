"""Automations are checked before they are kept."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from runwright.api.automations import (
    Action,
    Automation,
    AutomationUpdate,
    CompoundTrigger,
    EventTrigger,
    RunDeployment,
    Trigger,
)
from runwright.api.limits import MAX_FEW
from runwright.core.ids import NewId
from runwright.server.filling_in import templates_of
from runwright.server.problems import Unprocessable
from runwright.server.strictness import refuse_unknown
from runwright.server.templates import check_template, refuse_long
from runwright.server.use_cases.job_overrides import refuse_overrides

_SHORTEST_PROACTIVE_S = 10.0
#: A trigger remembers each event that it has counted.
_HIGHEST_THRESHOLD = 1_000
_DEEPEST = 10
_RESOURCE = "prefect.resource.id"
#: The field by which an action names a thing, and the thing's kind.
_NAMED = {
    "deployment_id": "deployment",
    "work_queue_id": "work-queue",
    "work_pool_id": "work-pool",
    "automation_id": "automation",
    "block_document_id": "block-document",
}


def automation_values(
    wanted: AutomationUpdate, new_id: NewId, *, may_override: bool = False
) -> dict[str, Any]:
    """The columns of an automation.

    `may_override`: its runs may set any job variable. They may set none otherwise: which deployment
    it is, and what templates come to, is known only when it acts.

    Raises:
        Unprocessable: names what cannot be, and why.
        Denied: code `job_variables_not_allowed`.
    """
    typed = _typed(wanted.trigger)
    refuse_unknown(Trigger, typed, "trigger")
    trigger = _trigger(typed, new_id, depth=0)
    refuse_long([text for action in _actions(wanted) for text in templates_of(_plain(action))])
    for action in _actions(wanted):
        _check_action(action)
        if isinstance(action, RunDeployment) and not may_override:
            refuse_overrides(action.job_variables, (), what="an automation")
    related = set(_matched(trigger)) | {
        resource for action in _actions(wanted) for resource in _acted_on(action)
    }
    return {
        "name": wanted.name,
        "description": wanted.description,
        "enabled": wanted.enabled,
        "tags": wanted.tags,
        "trigger": _plain(trigger),
        "actions": _plain(wanted.actions),
        "actions_on_trigger": _plain(wanted.actions_on_trigger),
        "actions_on_resolve": _plain(wanted.actions_on_resolve),
        "related": sorted(related),
    }


def is_same(before: Automation, values: Mapping[str, Any]) -> bool:
    """Whether these columns are those of the automation; the ids of triggers aside."""
    kept = _plain(before)
    return all(
        _without_ids(kept[name]) == _without_ids(values[name]) for name in kept if name in values
    )


def _without_ids(part: Any) -> Any:
    if not isinstance(part, dict) or ("triggers" not in part and "posture" not in part):
        return part
    inner = {"triggers": [_without_ids(each) for each in part.get("triggers", ())]}
    return {key: value for key, value in part.items() if key != "id"} | inner


def _actions(wanted: AutomationUpdate) -> Iterator[Action]:
    yield from wanted.actions
    yield from wanted.actions_on_trigger
    yield from wanted.actions_on_resolve


def _typed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A trigger that says its type, and so do those in it: without one, it is on events."""
    inner = raw.get("triggers")
    if not isinstance(inner, list):
        return {"type": "event", **raw}
    typed = [_typed(each) if isinstance(each, Mapping) else each for each in inner]
    return {"type": "event", **raw, "triggers": typed}


def _trigger(raw: Mapping[str, Any], new_id: NewId, *, depth: int) -> Trigger:
    if depth > _DEEPEST:
        raise _no_trigger(f"triggers are nested deeper than {_DEEPEST}")
    inner = raw.get("triggers")
    if isinstance(inner, list):
        if len(inner) > MAX_FEW:
            raise _no_trigger(f"it has {len(inner)} triggers: {MAX_FEW} at most")
        checked = [
            _plain(_trigger(each, new_id, depth=depth + 1)) if isinstance(each, Mapping) else each
            for each in inner
        ]
        raw = {**raw, "triggers": checked}
    try:
        found = msgspec.convert(raw, Trigger)
    except msgspec.ValidationError as error:
        raise _no_trigger(str(error)) from None
    found.id = found.id or new_id()
    _check_times(found)
    if isinstance(found, CompoundTrigger) and isinstance(found.require, int):
        _check_number(found.require, len(found.triggers))
    return found


def _check_number(required: int, there_are: int) -> None:
    if not 1 <= required <= there_are:
        raise _no_trigger(f"`require` is {required}, and there are {there_are} triggers")


def _check_times(trigger: Trigger) -> None:
    within = trigger.within
    if isinstance(within, timedelta):
        within = trigger.within = within.total_seconds()
    if within is not None and within < 0:
        raise _no_trigger("`within` is less than 0 seconds")
    if isinstance(trigger, EventTrigger) and not 1 <= trigger.threshold <= _HIGHEST_THRESHOLD:
        raise _no_trigger(f"`threshold` is {trigger.threshold}: from 1 to {_HIGHEST_THRESHOLD:,}")
    if isinstance(trigger, EventTrigger) and trigger.posture == "Proactive":
        if not within:
            trigger.within = _SHORTEST_PROACTIVE_S
        elif within < _SHORTEST_PROACTIVE_S:
            raise _no_trigger(f"a proactive one waits {_SHORTEST_PROACTIVE_S:g} seconds at least")


def _no_trigger(why: str) -> Unprocessable:
    return Unprocessable(f"The trigger cannot be used: {why}.", field="trigger")


def _check_action(action: Action) -> None:
    kind = action.__struct_config__.tag
    source = getattr(action, "source", None)
    named = [name for name in _NAMED if getattr(action, name, None) is not None]
    if source == "selected" and not named:
        raise Unprocessable(f"The action {kind} must say which one: its source is 'selected'.")
    if source == "inferred" and named:
        raise Unprocessable(
            f"The action {kind} names a {named[0]}, and its source is 'inferred': leave out one."
        )
    for text in templates_of(_plain(action)):
        check_template(text)


def _acted_on(action: Action) -> Iterator[str]:
    for name, kind in _NAMED.items():
        if (id_ := getattr(action, name, None)) is not None:
            yield f"prefect.{kind}.{id_}"


def _matched(trigger: Trigger) -> Iterator[str]:
    if not isinstance(trigger, EventTrigger):
        for each in trigger.triggers:
            yield from _matched(each)
        return
    related = trigger.match_related
    for labels in (trigger.match, *(related if isinstance(related, list) else [related])):
        ids = labels.get(_RESOURCE, [])
        yield from (id_ for id_ in ([ids] if isinstance(ids, str) else ids) if "*" not in id_)


def _plain(value: Any) -> Any:
    def seconds(found: object) -> float:
        assert isinstance(found, timedelta)  # noqa: S101  # nothing else is left to it
        return found.total_seconds()

    return msgspec.to_builtins(value, enc_hook=seconds)
