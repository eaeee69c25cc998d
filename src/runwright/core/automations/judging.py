"""What an event, or the passing of a deadline, means for the triggers of an automation.

The memories are handed in and changed in place; nothing else is. Every trigger has an id.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from runwright.core.automations import matching
from runwright.core.automations.chains import advanced
from runwright.core.automations.counting import (
    begins_by_itself,
    count_proactive,
    count_reactive,
    pass_deadline,
)
from runwright.core.automations.memory import Bucket, Memories, Memory
from runwright.core.automations.triggers import (
    CompoundTrigger,
    EventTrigger,
    SequenceTrigger,
    Trigger,
    required_of,
    span_of,
)


class Outcome(StrEnum):
    """Why an automation acts."""

    TRIGGERED = "triggered"
    RESOLVED = "resolved"


class Verdict(msgspec.Struct, frozen=True):
    """One reason to act. `key` is the same whoever comes to this verdict, however often."""

    outcome: Outcome
    key: str
    bucket: Bucket
    #: A deadline has passed: it is about the last event of the bucket, not about a new one.
    is_late: bool = False


def judge_event(
    trigger: Trigger, event: matching.Happening, at: datetime, memories: Memories
) -> list[Verdict]:
    """What an event that was received at `at` leads to."""
    if isinstance(trigger, EventTrigger):
        return _judge_one(trigger, event, at, memories)
    fired: list[int] = []
    verdicts: list[Verdict] = []
    for number, each in enumerate(trigger.triggers):
        found = _triggered(judge_event(each, event, at, memories))
        verdicts += found
        if found:
            fired.append(number)
    return _combine(trigger, fired, verdicts, at, memories)


def judge_deadline(
    trigger: Trigger, bucket: Bucket, now: datetime, memories: Memories
) -> list[Verdict]:
    """What it leads to that nothing has come into a bucket until its deadline."""
    if isinstance(trigger, EventTrigger):
        return _late(trigger, bucket, now, memories) if trigger.id == bucket[0] else []
    for number, each in enumerate(trigger.triggers):
        found = _triggered(judge_deadline(each, bucket, now, memories))
        if found:
            return _combine(trigger, [number], found, now, memories)
    return []


def begin(trigger: Trigger, now: datetime, memories: Memories) -> None:
    """The automation is enabled: what waits without having been told to begins."""
    for each in event_triggers(trigger):
        if begins_by_itself(each):
            count_proactive(each, memories.setdefault(bucket_of(each), Memory()), now,
                            expected=False, before=False)  # fmt: skip


def event_triggers(trigger: Trigger) -> Iterator[EventTrigger]:
    """The triggers on events in a trigger."""
    if isinstance(trigger, EventTrigger):
        yield trigger
    else:
        for each in trigger.triggers:
            yield from event_triggers(each)


def bucket_of(trigger: Trigger, key: str = "") -> Bucket:
    """A bucket of a trigger."""
    assert isinstance(trigger.id, UUID)  # noqa: S101  # given when it was saved
    return trigger.id, key


def _judge_one(
    trigger: EventTrigger, event: matching.Happening, at: datetime, memories: Memories
) -> list[Verdict]:
    expected = matching.is_expected(trigger, event)
    before = matching.comes_before(trigger, event)
    if not (expected or before) or not matching.is_about(trigger, event):
        return []
    bucket = bucket_of(trigger, matching.bucket_key(trigger, event))
    key = f"{event.id}"
    if trigger.posture == "Reactive":
        memory = memories.setdefault(bucket, Memory())
        if count_reactive(trigger, memory, at, expected=expected, before=before):
            return [Verdict(Outcome.TRIGGERED, key, bucket)]
        return []
    verdicts = _late(trigger, bucket, at, memories)
    memory = memories.setdefault(bucket, Memory())
    if count_proactive(trigger, memory, at, expected=expected, before=before):
        verdicts.append(Verdict(Outcome.RESOLVED, f"{key} resolved", bucket))
    return verdicts


def _late(
    trigger: EventTrigger, bucket: Bucket, now: datetime, memories: Memories
) -> list[Verdict]:
    memory = memories.get(bucket)
    passed = None if memory is None else pass_deadline(trigger, memory, now)
    if passed is None:
        return []
    return [
        Verdict(Outcome.TRIGGERED, f"{bucket[0]} {bucket[1]} late {passed.isoformat()}", bucket)
    ]


def _combine(
    trigger: CompoundTrigger | SequenceTrigger,
    fired: list[int],
    verdicts: list[Verdict],
    at: datetime,
    memories: Memories,
) -> list[Verdict]:
    """What it means for a trigger that these of its own have fired."""
    if not fired:
        return []
    bucket, span = bucket_of(trigger), span_of(trigger)
    memory = memories.setdefault(bucket, Memory())
    starts = memory.starts or [None] * len(trigger.triggers)
    if isinstance(trigger, SequenceTrigger):
        for number in reversed(fired):  # one event is not two steps
            starts = advanced(starts, number, at, span)
        is_whole = starts[-1] is not None
    else:
        starts = [at if number in fired else each for number, each in enumerate(starts)]
        recent = [each for each in starts if each and (span is None or at - each <= span)]
        is_whole = len(recent) >= required_of(trigger)
    if is_whole:
        memory.starts = []
        last = verdicts[-1]
        return [msgspec.structs.replace(last, bucket=bucket)]
    memory.starts = list(starts)
    return []


def _triggered(verdicts: list[Verdict]) -> list[Verdict]:
    return [each for each in verdicts if each.outcome is Outcome.TRIGGERED]
