"""Triggers against oracles that look at everything that has happened, again and again."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from runwright.api.automations import CompoundTrigger, EventTrigger, SequenceTrigger, Trigger
from runwright.api.events import Event
from runwright.core.automations.judging import Outcome, begin, judge_deadline, judge_event
from runwright.core.automations.memory import Memory

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = "abc"
#: Seconds since the event before, and what happened.
HISTORIES = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(NAMES)), max_size=30)


def moments(history):
    """Each event with the second at which it came."""
    seconds = itertools.accumulate(gap for gap, _ in history)
    return [(at, name) for at, (_, name) in zip(seconds, history, strict=True)]


def event(name, resource="r", **labels):
    labels = {"prefect.resource.id": resource, **labels}
    return Event(id=uuid4(), occurred=START, event=name, resource=labels)


def trigger(**more):
    return EventTrigger(**({"id": uuid4(), "posture": "Reactive"} | more))


def fired(wanted, history):
    """The numbers of the events at which a trigger fires."""
    memories: dict[tuple[UUID, str], Memory] = {}
    found = []
    for number, (at, name) in enumerate(moments(history)):
        now = START + timedelta(seconds=at)
        verdicts = judge_event(wanted, event(name), now, memories)
        # What is remembered survives being written down.
        memories = {
            bucket: msgspec.json.decode(msgspec.json.encode(memory), type=Memory)
            for bucket, memory in memories.items()
        }
        if verdicts:
            found.append(number)
    return found


def chains(history, steps, within):
    """Where a chain of `steps`, each a set of names, ends: looked for among all that came since."""
    events = moments(history)
    found, since = [], 0
    for last in range(len(events)):
        for chosen in itertools.combinations(range(since, last + 1), len(steps)):
            if chosen[-1] != last:
                continue
            if not all(events[n][1] in names for n, names in zip(chosen, steps, strict=True)):
                continue
            if within and events[last][0] - events[chosen[0]][0] > within:
                continue
            found.append(last)
            since = last + 1
            break
    return found


@given(history=HISTORIES, threshold=st.integers(1, 4), within=st.integers(0, 10))
def test_so_many_within_a_span(history, threshold, within):
    wanted = trigger(expect=["a", "b"], threshold=threshold, within=within)
    assert fired(wanted, history) == chains(history, [{"a", "b"}] * threshold, within)


@given(history=HISTORIES, threshold=st.integers(1, 3), within=st.integers(0, 10))
def test_so_many_after_another(history, threshold, within):
    wanted = trigger(after=["a"], expect=["b"], threshold=threshold, within=within)
    assert fired(wanted, history) == chains(history, ["a", *["b"] * threshold], within)


@given(
    history=HISTORIES,
    steps=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
    within=st.integers(0, 10),
)
def test_a_sequence_is_a_chain_of_its_triggers(history, steps, within):
    inner = [trigger(expect=[name]) for name in steps]
    wanted = SequenceTrigger(id=uuid4(), triggers=inner, within=within or None)
    assert fired(wanted, history) == chains(history, steps, within)


@given(history=HISTORIES, require=st.integers(1, 3), within=st.integers(0, 10))
def test_so_many_of_several_in_any_order(history, require, within):
    inner = [trigger(expect=[name]) for name in NAMES]
    wanted = CompoundTrigger(id=uuid4(), triggers=inner, require=require, within=within or None)
    expected, since = [], 0
    events = moments(history)
    for last in range(len(events)):
        names = {
            name
            for at, name in events[since : last + 1]
            if not within or events[last][0] - at <= within
        }
        if len(names) >= require:
            expected.append(last)
            since = last + 1
    assert fired(wanted, history) == expected


@given(history=HISTORIES, within=st.integers(1, 10))
def test_it_is_too_late_exactly_when_nothing_came_in_time_after(history, within):
    """After an `a` a `b` is waited for; the deadline is looked at at any time, or never."""
    wanted = trigger(posture="Proactive", after=["a"], expect=["b"], within=within)
    memories: dict[tuple[UUID, str], Memory] = {}
    late = 0
    for number, (at, name) in enumerate(moments(history)):
        now = START + timedelta(seconds=at)
        if number % 2:
            late += len(judge_deadline(wanted, (wanted.id, ""), now, memories))
        verdicts = judge_event(wanted, event(name), now, memories)
        late += sum(each.outcome is Outcome.TRIGGERED for each in verdicts)
    late += len(judge_deadline(wanted, (wanted.id, ""), START + timedelta(days=1), memories))

    expected, waits_until = 0, None
    for at, name in moments(history):
        if waits_until is not None and at >= waits_until:
            expected, waits_until = expected + 1, None
        if name == "b":
            waits_until = None
        elif name == "a" and waits_until is None:
            waits_until = at + within
    assert late == expected + (waits_until is not None)


@given(history=HISTORIES, within=st.integers(1, 6))
def test_a_switch_of_the_dead_fires_in_every_silence(history, within):
    """It waits from the beginning, and again from each sign of life on."""
    wanted = trigger(posture="Proactive", expect=["a"], within=within)
    memories: dict[tuple[UUID, str], Memory] = {}
    begin(wanted, START, memories)
    signs = {at for at, name in moments(history) if name == "a"}
    found = []
    for second in range(200):
        now = START + timedelta(seconds=second)
        for at, name in moments(history):
            if at == second:
                late = judge_event(wanted, event(name), now, memories)
                found += [second for each in late if each.outcome is Outcome.TRIGGERED]
        found += [second for _ in judge_deadline(wanted, (wanted.id, ""), now, memories)]
    expected, quiet_since = [], 0
    for second in range(200):
        if second - quiet_since >= within:
            expected.append(second)
            quiet_since = second
        if second in signs:
            quiet_since = second
    assert found == expected


@given(history=HISTORIES)
def test_what_agrees_in_its_labels_is_counted_apart(history):
    """One trigger for each resource is as many triggers, each for its own."""
    wanted = trigger(threshold=2, for_each=["prefect.resource.id"])
    together: dict[tuple[UUID, str], Memory] = {}
    apart = {name: {} for name in NAMES}
    for at, name in moments(history):
        now, happened = START + timedelta(seconds=at), event("x", resource=name)
        one = judge_event(wanted, happened, now, together)
        other = judge_event(wanted, happened, now, apart[name])
        assert one == other


def test_labels_with_stars_and_negations_and_related_resources():
    happened = msgspec.structs.replace(
        event("a", resource="flow.1", team="x"),
        related=[{"prefect.resource.id": "tag.night", "prefect.resource.role": "tag"}],
    )

    def takes(**more):
        return bool(judge_event(trigger(**more), happened, START, {}))

    assert takes(match={"prefect.resource.id": "flow.*", "team": ["y", "x"]})
    assert not takes(match={"prefect.resource.id": "flow.*", "team": "!x"})
    assert not takes(match={"missing": "*"})
    assert takes(match_related={"prefect.resource.id": "tag.night"})
    assert takes(match_related=[{"prefect.resource.role": "tag"}])
    assert not takes(match_related=[{"prefect.resource.role": "tag"}, {"prefect.resource.id": "x"}])
    assert takes(expect=["b", "a*"])
    assert not takes(expect=["b*"])


def test_a_trigger_is_read_back_as_it_was_written():
    wanted = SequenceTrigger(id=uuid4(), triggers=[trigger(expect=["a"])], within=5)
    assert msgspec.convert(msgspec.to_builtins(wanted), Trigger) == wanted
