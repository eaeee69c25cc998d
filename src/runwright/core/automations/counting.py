"""Triggers on events: so many within a time, or not so many.

Time is that at which the control plane received an event; the order is the control plane's own.
"""

from datetime import datetime, timedelta

from runwright.core.automations.chains import counted
from runwright.core.automations.memory import Memory
from runwright.core.automations.triggers import EventTrigger, span_of

_NEVER = timedelta(0)


def count_reactive(
    trigger: EventTrigger, memory: Memory, at: datetime, *, expected: bool, before: bool
) -> bool:
    """Count an event; whether the trigger fires. Then it has forgotten everything."""
    span = span_of(trigger)
    first = 1 if trigger.after else 0
    length = trigger.threshold + first
    starts = memory.starts if len(memory.starts) == length else [None] * length
    if expected:
        starts = counted(starts, at, span, first=first)
        if starts[-1] is not None:
            memory.starts = []
            return True
    if before:
        starts = [at, *starts[1:]]
    memory.starts = [] if all(each is None for each in starts) else list(starts)
    return False


def count_proactive(
    trigger: EventTrigger, memory: Memory, at: datetime, *, expected: bool, before: bool
) -> bool:
    """Count an event that came in time; whether what was overdue has come now."""
    resolves = False
    waits = memory.deadline is not None or memory.is_overdue
    if expected and waits:
        memory.count += 1
        if memory.count >= trigger.threshold:
            resolves = memory.is_overdue
            memory.count, memory.deadline, memory.is_overdue = 0, None, False
    opens = before if trigger.after else True
    if opens and memory.deadline is None:
        memory.deadline = at + (span_of(trigger) or _NEVER)
        if not memory.is_overdue:
            memory.count = 0
    return resolves


def pass_deadline(trigger: EventTrigger, memory: Memory, at: datetime) -> datetime | None:
    """The deadline that has passed, if one has: the trigger fires. It waits on where it should."""
    passed = memory.deadline
    if passed is None or passed > at:
        return None
    memory.is_overdue, memory.count, memory.deadline = True, 0, None
    if begins_by_itself(trigger):
        memory.deadline = at + (span_of(trigger) or _NEVER)
    return passed


def begins_by_itself(trigger: EventTrigger) -> bool:
    """It waits from when its automation is enabled on, not from some event."""
    return trigger.posture == "Proactive" and not trigger.after and not trigger.for_each
