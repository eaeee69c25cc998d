"""Tasks: how they are called, retried, timed out, mapped and bound."""

import asyncio
import threading
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from runwright.api.journal import TaskRunMoved
from runwright.errors import FlowError, MissingContextError, NotReadyRun
from runwright.sdk.annotations import allow_failure, quote, unmapped
from runwright.sdk.context import get_run_context, tags
from runwright.sdk.flows import flow
from runwright.sdk.futures import as_completed, wait
from runwright.sdk.runners.threads import ThreadPoolTaskRunner
from runwright.sdk.states import Completed, Failed
from runwright.sdk.tasks import exponential_backoff, task
from runwright.testing.channel import in_memory

SETTINGS = SimpleNamespace(persist_results=False, log_level="INFO", log_extra_loggers=[])


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


def test_an_async_task_is_awaited(world):
    @task
    async def double(x):
        await asyncio.sleep(0)
        return 2 * x

    @flow
    async def main():
        return await asyncio.gather(*(double(i) for i in range(5)))

    assert asyncio.run(main()) == [0, 2, 4, 6, 8]
    assert names(world).count("Completed") == 5


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


def test_a_submitted_generator_gives_its_list(world):
    @task
    def count(n):
        yield from range(n)

    assert run_in_flow(lambda: count.submit(3).result()) == [0, 1, 2]


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


def test_retries_wait_as_long_as_their_delays_say(world):
    calls = []

    @task(retries=3, retry_delay_seconds=[1, 10])
    def flaky():
        calls.append(1)
        if len(calls) < 4:
            raise ValueError(len(calls))
        return "there"

    assert run_in_flow(flaky) == "there"
    assert world.slept == [1, 10, 10]
    assert names(world) == [
        "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "AwaitingRetry",
        "Retrying", "Completed",
    ]  # fmt: skip


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


def test_futures_in_arguments_are_resolved_at_any_depth(world):
    @dataclass
    class Box:
        inside: object

    @task
    def total(parts):
        return parts["list"][0] + parts["box"].inside + sum(parts["set"])

    @flow
    def main():
        one = add.submit(0)
        parts = {"list": [one, "x"], "box": Box(add.submit(one)), "set": {3}}
        return total.submit(parts).result()

    assert main() == 6


def test_the_lineage_of_arguments_is_recorded(world):
    @flow
    def main():
        one = add.submit(0)
        add(one, b=2)
        return str(one.task_run_id)

    run_id = main()
    told = [entry.run for entry in world.channel.of_kind(TaskRunMoved) if entry.run]
    assert told[1].task_inputs == {"a": [{"input_type": "task_run", "id": run_id}]}


def test_a_task_after_a_failed_one_is_not_ready(world):
    @flow
    def main():
        state = add.submit(broken.submit(), return_state=True)
        assert (state.name, state.type) == ("NotReady", "PENDING")
        with pytest.raises(NotReadyRun, match="broken-1"):
            add(broken.submit())

    main()


def test_allow_failure_passes_the_error(world):
    @task
    def look(x):
        return type(x).__name__

    @flow
    def main():
        return look(allow_failure(broken.submit())), look(quote(5)), look([quote(add)])

    assert main() == ("ValueError", "int", "list")


def test_wait_for_orders_without_passing(world):
    @flow
    def main():
        first = broken.submit()
        assert add(1, wait_for=[allow_failure(first)]) == 2
        return add.submit(1, wait_for=[first]).state.name or "", add.submit(
            1, wait_for=[first], return_state=True
        ).name

    assert main()[1] == "NotReady"


def test_map_takes_iterables_apart_and_leaves_the_rest_whole(world):
    @task
    def join(a, b, c, d="."):
        return f"{a}{b}{c}{d}"

    @flow
    def main():
        return join.map([1, 2], b=unmapped([3]), c="xy", d=(i for i in "pq")).result()

    assert main() == ["1[3]xyp", "2[3]xyq"]


@pytest.mark.parametrize(
    ("args", "message"), [((1,), "none of its arguments"), (([1], [1, 2]), "different lengths")]
)
def test_what_cannot_be_mapped(world, args, message):
    with pytest.raises(FlowError, match=message):
        run_in_flow(lambda: add.map(*args))


def test_map_over_a_future_of_a_list(world):
    @task
    def some():
        return [1, 2, 3]

    assert run_in_flow(lambda: add.map(some.submit()).result()) == [2, 3, 4]


def test_a_thousand_mapped_tasks_are_all_recorded(world):
    assert run_in_flow(lambda: sum(add.map(range(1000)).result())) == 500_500
    assert names(world).count("Completed") == 1000


def test_tasks_left_alone_end_before_the_flow(world):
    begun = threading.Event()

    @task
    def late():
        begun.wait(5)

    @flow
    def main():
        late.submit()
        begun.set()

    main()
    assert names(world) == ["Pending", "Running", "Completed"]


def test_nested_submits_do_not_exhaust_a_small_pool(world):
    @task
    def fib(n):
        if n < 2:
            return n
        left, right = fib.submit(n - 1), fib.submit(n - 2)
        return left.result() + right.result()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def main():
        return fib.submit(7).result()

    assert main() == 13


def test_async_tasks_can_be_submitted_and_mapped(world):
    @task
    async def double(x):
        return 2 * x

    @flow
    def main():
        return double.submit(4).result(), double.map([1, 2]).result()

    assert main() == (8, [2, 4])


def test_a_future_can_be_awaited(world):
    @flow
    async def main():
        return await add.submit(1)

    assert asyncio.run(main()) == 2


def test_wait_and_as_completed(world):
    gate = threading.Event()

    @task
    def slow():
        gate.wait(5)
        return "slow"

    @flow
    def main():
        futures = [slow.submit(), add.submit(1)]
        results = []
        for future in as_completed(futures, timeout=5):
            results.append(future.result())
            if len(results) == 1:
                assert {f.name for f in wait(futures, timeout=0).not_done} == {"slow-0"}
                gate.set()
        return results

    assert main() == [2, "slow"]


def test_a_result_that_is_not_there_in_time(world):
    gate = threading.Event()

    @task
    def slow():
        gate.wait(5)

    @flow
    def main():
        future = slow.submit()
        with pytest.raises(TimeoutError, match="slow-0"):
            future.result(timeout=0.01)
        gate.set()

    main()


def test_done_callbacks_are_called(world):
    seen = []

    @flow
    def main():
        future = add.submit(1)
        future.add_done_callback(lambda f: seen.append(f.result()))
        future.wait()

    main()
    assert seen == [2]


def test_submitting_needs_a_flow():
    with pytest.raises(MissingContextError, match="outside a flow"):
        add.submit(1)


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
