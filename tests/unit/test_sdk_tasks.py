"""Tasks: how they are called, retried, timed out, mapped and bound."""

import asyncio
from types import SimpleNamespace

import pytest

from runwright.api.journal import TaskRunMoved
from runwright.errors import FlowError
from runwright.sdk.context import get_run_context, tags
from runwright.sdk.flows import flow
from runwright.sdk.states import Completed, Failed
from runwright.sdk.tasks import exponential_backoff, task
from runwright.testing.channel import in_memory

SETTINGS = SimpleNamespace(
    persist_results=False, task_default_retries=0, log_level="INFO", log_extra_loggers=[]
)


@pytest.fixture
def world():
    with in_memory(SETTINGS) as environment:
        yield environment


def run_in_flow(body):
    return flow(body)()


def names(world):
    return [state.name for state in world.channel.task_states]


@task
def add(a, b=1):
    return a + b


@task
def broken():
    raise ValueError("no")


def test_a_direct_call_is_running_then_completed(world):
    assert run_in_flow(lambda: add(1)) == 2
    assert names(world) == ["Running", "Completed"]


def test_the_first_record_tells_of_the_run_and_the_others_do_not(world):
    run_in_flow(lambda: (add(1), add(1)))
    told = [entry.run for entry in world.channel.of_kind(TaskRunMoved)]
    assert [run.name if run else None for run in told] == ["add-0", None, "add-1", None]


def test_a_generator_task_streams(world):
    @task
    def count(n):
        for i in range(n):
            assert get_run_context().name == "count-0"
            yield i
        return "end"

    @flow
    def main():
        seen = []
        for i in count(3):
            seen.append(i)
            assert hasattr(get_run_context(), "flow")
        return seen

    assert main() == [0, 1, 2]
    assert names(world) == ["Running", "Completed"]


def test_an_async_generator_task_streams(world):
    @task
    async def count(n):
        for i in range(n):
            yield i

    @flow
    async def main():
        return [i async for i in count(3)]

    assert asyncio.run(main()) == [0, 1, 2]
    assert names(world) == ["Running", "Completed"]


def test_a_generator_left_early_has_completed(world):
    @task
    def count():
        yield 1
        yield 2

    @flow
    def main():
        return next(iter(count()))

    assert main() == 1
    assert names(world) == ["Running", "Completed"]


def test_exponential_backoff_and_jitter(world):
    @task(retries=3, retry_delay_seconds=exponential_backoff(10), retry_jitter_factor=1)
    def never():
        raise ValueError("never")

    with pytest.raises(ValueError, match=r"^never$"):
        run_in_flow(never)
    assert world.slept == [15, 30, 60]  # half of the jitter: `random` is 0.5


def test_a_retry_condition_decides(world):
    seen = []

    def only_key_errors(_task, run, state):
        seen.append((run.name, state.is_failed()))
        return isinstance(state.result(raise_on_failure=False), KeyError)

    @task(retries=2, retry_condition_fn=only_key_errors)
    def fails():
        raise KeyError("x") if len(seen) < 1 else ValueError("x")

    with pytest.raises(ValueError, match="x"):
        run_in_flow(fails)
    assert seen == [("fails-0", True), ("fails-0", True)]


def test_too_many_delays_are_refused():
    with pytest.raises(FlowError, match="51 retry delays"):
        task(lambda: None, retries=60, retry_delay_seconds=[1] * 51)


def test_return_state_gives_the_state_whatever_became(world):
    @flow
    def main():
        state = broken(return_state=True)
        return state.is_failed(), state.message, type(state.result(raise_on_failure=False))

    assert main() == (True, "ValueError: no", ValueError)


def test_outside_of_flows_a_task_is_called_and_not_recorded(world):
    assert add(1) == 2
    assert world.channels == []


def test_tasks_in_tasks_name_their_parent(world):
    @task
    def outer():
        return add(1)

    run_in_flow(outer)
    told = [entry.run for entry in world.channel.of_kind(TaskRunMoved) if entry.run]
    assert told[1].task_inputs["__parents__"][0]["input_type"] == "task_run"


def test_names_come_from_templates_and_functions(world):
    named = add.with_options(task_run_name="add {a} and {b}")
    other = add.with_options(task_run_name=lambda parameters: f"sum of {parameters['a']}")
    run_in_flow(lambda: (named(1), other(2)))
    told = [entry.run.name for entry in world.channel.of_kind(TaskRunMoved) if entry.run]
    assert told == ["add 1 and 1", "sum of 2"]


def test_a_template_that_asks_for_too_much(world):
    with pytest.raises(FlowError, match="'nope'"):
        run_in_flow(lambda: add.with_options(task_run_name="{nope}")(1))


def test_tags_add_up(world):
    tagged = add.with_options(tags=["own"])

    @flow
    def main():
        with tags("inner"):
            tagged(1)

    with tags("outer"):
        main()
    told = [entry.run for entry in world.channel.of_kind(TaskRunMoved) if entry.run]
    assert told[0].tags == ["inner", "outer", "own"]


def test_hooks_are_called_in_their_states(world):
    seen = []

    @task(on_completion=[lambda *args: seen.append(args[2].result())])
    def good():
        return 5

    @good.on_running
    def note(_task, run, state):
        seen.append((run.name, state.name))

    @task(retries=1)
    def bad():
        raise ValueError

    @bad.on_failure
    async def note_failure(task, _run, state):
        seen.append((task.name, state.name))
        raise RuntimeError("a hook that fails changes nothing")

    run_in_flow(lambda: str([good(), bad(return_state=True)]))
    assert seen == [("good-0", "Running"), 5, ("bad", "Failed")]


def test_with_options_keeps_the_rest_and_refuses_the_unknown():
    base = task(lambda: 1, name="base", retries=2)
    assert (base.with_options(tags=["x"]).retries, base.with_options(retries=0).retries) == (2, 0)
    with pytest.raises(FlowError, match="'nope'"):
        base.with_options(nope=1)


def test_methods_of_all_kinds(world):
    class Thing:
        size = 3

        @task
        def plain(self, x):
            return self.size * x

        @classmethod
        @task
        def by_class(cls, x):
            return cls.size + x

        @task
        @classmethod
        def class_inside(cls, x):
            return cls.size + x

        @staticmethod
        @task
        def static(x):
            return x

        @task
        @staticmethod
        def static_inside(x):
            return x

    @flow
    def main():
        thing = Thing()
        return [
            thing.plain(2), thing.plain.submit(3).result(), Thing.by_class(1),
            thing.class_inside(1), Thing.class_inside.submit(2).result(), thing.static(7),
            Thing.static_inside(8),
        ]  # fmt: skip

    assert main() == [6, 9, 4, 4, 5, 7, 8]


def test_what_is_not_callable_is_refused():
    with pytest.raises(FlowError, match="needs a function"):
        task(5)


def test_returned_states_decide(world):
    @task
    def chooses(ok):
        return Completed(name="Fine", message="as told", data=1) if ok else Failed(message="bad")

    @flow
    def main():
        good, bad = chooses(True, return_state=True), chooses(False, return_state=True)
        return good.name, good.message, good.result(), bad.is_failed(), bad.message

    assert main() == ("Fine", "as told", 1, True, "bad")


def test_a_sync_task_that_takes_too_long_times_out(world):
    @task(timeout_seconds=0.05)
    def endless():
        while True:
            pass

    @flow
    def main():
        here = endless(return_state=True)
        there = endless.submit(return_state=True)
        return here.name, there.name, there.message

    assert main() == ("TimedOut", "TimedOut", "It took longer than its timeout of 0.05 seconds.")


def test_an_async_task_that_takes_too_long_times_out(world):
    @task(timeout_seconds=0.02)
    async def endless():
        await asyncio.Event().wait()

    @flow
    async def main():
        return (await endless(return_state=True)).name

    assert asyncio.run(main()) == "TimedOut"


def test_the_function_itself_is_at_hand():
    assert add.fn(1, 2) == 3


def test_tasks_that_do_not_say_are_retried_as_often_as_the_settings_say(world):
    SETTINGS.task_default_retries = 2
    calls = []

    class Source:
        @task
        def read(self):
            calls.append("read")
            raise ValueError("no")

    @task(retries=0)
    def never():
        calls.append("never")
        raise ValueError("no")

    @flow
    def main():
        Source().read(return_state=True)
        never(return_state=True)
        inner.submit(1).wait()

    @task(retry_delay_seconds=3)
    def inner(x):
        calls.append(x)
        raise ValueError("no")

    try:
        main()
    finally:
        SETTINGS.task_default_retries = 0
    assert calls == ["read"] * 3 + ["never"] + [1] * 3
    assert world.slept == [3, 3]


@pytest.mark.parametrize("default_retries", [0, 1])
def test_a_hook_that_is_added_to_a_task_bound_to_an_object_is_called(default_retries):
    seen = []
    settings = SimpleNamespace(
        persist_results=False, task_default_retries=default_retries, log_level="INFO",
        log_extra_loggers=[],
    )  # fmt: skip

    class Work:
        @task
        def do(self):
            return 1

    work = Work()
    early = work.do

    @flow
    def main():
        early()
        work.do.on_completion(lambda task, task_run, state: seen.append(state.name))
        work.do()
        early()
        Work().do.submit().wait()

    with in_memory(settings):
        main()
    assert seen == ["Completed"] * 3
