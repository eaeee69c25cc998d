"""The engine under both drivers: equal histories, whatever fails, waits or ends early."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis.strategies import (
    booleans,
    floats,
    integers,
    lists,
    none,
    one_of,
    sampled_from,
    tuples,
)

from runwright.core.effects import (
    Announce,
    AwaitInputs,
    Call,
    DrawJitter,
    Granted,
    Hit,
    Judge,
    Persist,
    Propose,
    ReadCache,
    Record,
    Refused,
    Returned,
    RunStopped,
    SleepUntil,
    TimedOut,
    UpstreamFailed,
    Waiting,
)
from runwright.core.engine import FlowPlan, Life, TaskPlan, run_flow, run_task
from runwright.core.states import TERMINAL, State, StateDetails, StateName, StateType
from runwright.sdk.drivers import drive, drive_async

ERRORS = {
    "error": lambda: ValueError("no"),
    "timeout": lambda: TimedOut("late"),
    "stop": lambda: RunStopped("cancelled"),
    "interrupt": KeyboardInterrupt,
}


class World:
    """Performs effects by a script, and remembers them."""

    def __init__(self, script, *, hit=False, upstream=False, grants=(), draw=0.5, fault=None):
        self.script = list(script)
        self.hit = hit
        self.upstream = upstream
        self.grants = list(grants)
        self.draw = draw
        #: The number of an effect that is not performed, and what it throws.
        self.fault = fault
        self.time = datetime(2030, 1, 1, tzinfo=UTC)
        self.count = 0
        self.history = []
        self.calls = 0

    @property
    def life(self):
        return Life(lambda: self.time, self.new_id)

    def new_id(self):
        self.count += 1
        return UUID(int=self.count)

    async def perform_async(self, effect):
        await asyncio.sleep(0)
        return self.perform(effect)

    def perform(self, effect):
        self.history.append(effect if not isinstance(effect, Judge) else type(effect))
        if self.fault is not None and self.fault[0] == len(self.history) - 1:
            raise ERRORS[self.fault[1]]()
        match effect:
            case AwaitInputs() if self.upstream:
                raise UpstreamFailed("it failed")
            case ReadCache():
                return Hit("cached") if self.hit else None
            case Call():
                return self._call()
            case SleepUntil():
                assert effect.instant >= self.time
                self.time = effect.instant
            case Judge():
                return True
            case DrawJitter():
                return self.draw
            case Propose():
                return self._grant(effect.state)
            case Record() | Announce() | Persist() | AwaitInputs():
                pass
        return None

    def _call(self):
        self.calls += 1
        outcome = self.script.pop(0) if self.script else "value"
        if outcome in ERRORS:
            raise ERRORS[outcome]()
        return Returned(outcome)

    def _grant(self, state):
        answer = self.grants.pop(0) if self.grants else "accept"
        if answer == "wait":
            return Waiting(self.time + timedelta(seconds=1))
        if answer == "refuse":
            return Refused("not yours")
        if answer == "retry" and state.type is StateType.FAILED:
            due = StateType.SCHEDULED
            return Granted(State(
                id=state.id, type=due, name=StateName.AWAITING_RETRY, timestamp=self.time
            ))  # fmt: skip
        if answer == "cancel" and not state.is_terminal:
            return Granted(State(
                id=state.id, type=StateType.CANCELLING, name="Cancelling", timestamp=self.time
            ))  # fmt: skip
        return Granted(state)


def outcome(run):
    try:
        ended = run()
    except BaseException as error:  # noqa: BLE001
        return repr(error)
    return ended.state, repr(ended.outcome)


def both(make_life, make_world):
    sync, other = make_world(), make_world()
    first = outcome(lambda: drive(make_life(sync.life), sync.perform))

    def run_async():
        loop = asyncio.new_event_loop()
        try:
            coroutine = drive_async(make_life(other.life), other.perform_async)
            return loop.run_until_complete(_caught(coroutine))
        finally:
            loop.close()

    second = outcome(lambda: _uncaught(run_async()))
    assert first == second
    assert repr(sync.history) == repr(other.history)
    return sync, first


async def _caught(coroutine):
    """Event loops do not let an interrupt through in peace."""
    try:
        return await coroutine
    except BaseException as error:  # noqa: BLE001
        return error


def _uncaught(result):
    if isinstance(result, BaseException):
        raise result
    return result


scripts = lists(sampled_from(["value", *ERRORS]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    script=scripts, retries=integers(0, 4), delays=lists(floats(0, 1e6), max_size=3),
    jitter=floats(0, 2), draw=floats(0, 0.99), condition=booleans(), cached=booleans(),
    hit=booleans(), upstream=booleans(),
)  # fmt: skip
def test_task_runs_have_equal_histories(  # noqa: PLR0917
    script, retries, delays, jitter, draw, condition, cached, hit, upstream
):
    plan = TaskPlan(
        retries=retries, retry_delays=delays, retry_jitter=jitter, is_cached=cached,
        has_retry_condition=condition, has_hooks=True, is_persisted=True,
    )  # fmt: skip
    world, _ = both(
        lambda life: run_task(plan, life),
        lambda: World(script, hit=hit, upstream=upstream, draw=draw),
    )
    records = [effect.state for effect in world.history if isinstance(effect, Record)]
    assert records[-1].type in TERMINAL or records[-1].name == StateName.NOT_READY
    assert sum(state.is_terminal for state in records) <= 1
    assert world.calls <= 1 + retries


faults = tuples(integers(0, 25), sampled_from(list(ERRORS)))


@settings(max_examples=300, deadline=None)
@given(
    script=scripts, fault=faults, retries=integers(0, 3), condition=booleans(), cached=booleans(),
    hit=booleans(), upstream=booleans(),
)  # fmt: skip
def test_every_task_run_has_an_end_whatever_any_effect_throws(  # noqa: PLR0917
    script, fault, retries, condition, cached, hit, upstream
):
    plan = TaskPlan(
        retries=retries, retry_delays=[1.0], retry_jitter=1.0, is_cached=cached,
        has_retry_condition=condition, has_hooks=True, is_persisted=True,
    )  # fmt: skip
    world, _ = both(
        lambda life: run_task(plan, life),
        lambda: World(script, hit=hit, upstream=upstream, fault=fault),
    )
    records = [effect.state for effect in world.history if isinstance(effect, Record)]
    assert records[-1].type in TERMINAL or records[-1].name == StateName.NOT_READY
    assert len({state.id for state in records if state.is_terminal}) <= 1


@settings(max_examples=300, deadline=None)
@given(script=scripts, fault=faults, retries=integers(0, 3))
def test_every_flow_run_has_an_end_unless_it_cannot_be_told(script, fault, retries):
    number, error = fault
    plan = FlowPlan(has_hooks=True, is_persisted=True)
    grants = ["accept", *(["retry", "accept"] * retries)]
    world, _ = both(
        lambda life: run_flow(plan, life), lambda: World(script, grants=grants, fault=fault)
    )
    proposed = [effect.state for effect in world.history if isinstance(effect, Propose)]
    struck = world.history[number] if number < len(world.history) else None
    if isinstance(struck, Propose) and error in {"error", "timeout"}:
        return  # the way up is gone: there is nobody left to tell
    assert proposed[-1].is_terminal


def test_an_error_that_ends_iterations_is_an_error_like_others():
    def stop():
        raise StopIteration("odd")

    world = World([])
    world._call = stop
    ended = drive(run_task(TaskPlan(), world.life), world.perform)
    assert ended.state.message == "StopIteration: odd"


@settings(max_examples=60, deadline=None)
@given(failures=integers(0, 6), retries=integers(0, 6))
def test_a_task_is_called_once_plus_its_retries(failures, retries):
    world = World(["error"] * failures)
    ended = drive(run_task(TaskPlan(retries=retries), world.life), world.perform)
    assert world.calls == min(failures, retries) + 1
    assert ended.state.type == ("COMPLETED" if failures <= retries else "FAILED")


answers = sampled_from(["accept", "wait", "refuse", "retry", "cancel"])


@settings(max_examples=60, deadline=None)
@given(
    script=scripts,
    grants=lists(answers, max_size=8),
    begun=one_of(none(), sampled_from([StateType.RUNNING, StateType.PENDING])),
)
def test_flow_runs_have_equal_histories(script, grants, begun):
    state = None
    if begun is not None:
        at = datetime(2030, 1, 1, tzinfo=UTC)
        state = State(id=UUID(int=0), type=begun, name=begun.value.capitalize(), timestamp=at)
    plan = FlowPlan(has_hooks=True, is_persisted=True, begun=state)
    _, ended = both(lambda life: run_flow(plan, life), lambda: World(script, grants=grants))
    if isinstance(ended, tuple):
        assert ended[0].type in TERMINAL
    else:
        assert "RunStopped" in ended


def test_a_retry_waits_as_long_as_its_state_says_whatever_clock_that_was_told_by():
    class Ahead(World):
        """Whose control plane is an hour ahead."""

        def _grant(self, state):
            granted = super()._grant(state).state
            if granted.name != StateName.AWAITING_RETRY:
                return Granted(granted)
            there = self.time + timedelta(hours=1)
            details = StateDetails(scheduled_time=there + timedelta(seconds=10))
            return Granted(msgspec.structs.replace(granted, timestamp=there, state_details=details))

    world = Ahead(["error"], grants=["accept", "retry"])
    begun = world.time
    drive(run_flow(FlowPlan(), world.life), world.perform)
    assert world.time - begun == timedelta(seconds=10)
