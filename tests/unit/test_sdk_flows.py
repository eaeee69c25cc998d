"""Flows: parameters, nesting, retries, and how their last state comes about."""

import asyncio
import logging
from types import SimpleNamespace

import pytest

from runwright import runtime
from runwright.api.journal import FlowRunPatched, FlowRunStarted, TaskRunMoved
from runwright.errors import CancelledRun, FailedRun, FlowError, ParameterError
from runwright.sdk.context import tags
from runwright.sdk.flows import flow
from runwright.sdk.logging import get_run_logger
from runwright.sdk.states import Cancelled, Completed, Failed
from runwright.sdk.tasks import task
from runwright.testing.channel import in_memory

SETTINGS = SimpleNamespace(
    persist_results=False, task_default_retries=0, log_level="INFO", log_extra_loggers=[]
)


@pytest.fixture
def world():
    with in_memory(SETTINGS) as environment:
        yield environment


def states(world):
    return [state.name for state in world.channel.flow_states]


@task
def good(x=1):
    return x


@task
def bad():
    raise ValueError("no")


def test_a_flow_gives_its_value_and_is_recorded(world):
    @flow
    def my_flow(x: int, y: list[int] | None = None):
        return x, y

    assert my_flow("3", y=["4"]) == (3, [4])
    (started,) = world.channel.of_kind(FlowRunStarted)
    assert (started.flow_name, started.parameters) == ("my-flow", {"x": "3", "y": ["4"]})
    assert states(world) == ["Running", "Completed"]
    assert world.channel.is_closed


def test_arguments_that_do_not_fit_the_signature_start_nothing(world):
    @flow
    def main(x):
        return x

    with pytest.raises(ParameterError, match="main"):
        main(1, 2)
    assert world.channels == []


def test_values_that_do_not_fit_fail_the_run_without_retries(world):
    @flow(retries=3)
    def main(x: int):
        return x

    with pytest.raises(ParameterError, match="x"):
        main("many")
    assert states(world) == ["Running", "Failed"]


def test_validation_can_be_turned_off(world):
    assert flow(lambda x: x, name="f", validate_parameters=False)("3") == "3"


def test_an_async_flow(world):
    @flow
    async def main():
        return await inner()

    @flow
    async def inner():
        return 5

    assert asyncio.run(main()) == 5
    assert states(world) == ["Running", "Running", "Completed", "Completed"]


def test_a_sync_flow_in_an_async_one_and_the_other_way_round(world):
    @flow
    def sync_inner():
        return 1

    @flow
    async def async_inner():
        return 2

    @flow
    async def main():
        return sync_inner() + await async_inner()

    @flow
    def sync_main():
        return asyncio.run(async_inner())

    assert asyncio.run(main()) == 3
    assert sync_main() == 2


def test_a_subflow_is_a_run_of_its_own_and_a_task_run_of_its_parent(world):
    @flow
    def inner():
        return good(2)

    @flow
    def main():
        return inner()

    assert main() == 2
    outer, sub = world.channel.of_kind(FlowRunStarted)
    assert sub.parent_flow_run_id == outer.flow_run_id
    mirrored = [
        entry for entry in world.channel.of_kind(TaskRunMoved)
        if entry.task_run_id == sub.parent_task_run_id
    ]  # fmt: skip
    assert [entry.state.name for entry in mirrored] == ["Running", "Completed"]
    assert mirrored[0].state.state_details.child_flow_run_id == sub.flow_run_id
    assert mirrored[0].run.name == "inner-0"
    assert mirrored[0].run.flow_run_id == outer.flow_run_id


def test_retries_are_granted_and_waited_for(world):
    calls = []

    @flow(retries=2, retry_delay_seconds=30)
    def main():
        calls.append(runtime.flow_run.run_count)
        if len(calls) < 3:
            raise ValueError(len(calls))
        return "there"

    assert main() == "there"
    assert calls == [1, 2, 3]
    assert world.slept == [30, 30]
    assert states(world) == [
        "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed",
    ]  # fmt: skip


def test_the_error_comes_out_in_the_end(world):
    @flow(retries=1)
    def main():
        raise KeyError("x")

    with pytest.raises(KeyError):
        main()
    assert states(world)[-1] == "Failed"


def test_generators_stream(world):
    @flow
    def sync():
        got = yield good(1)
        yield got

    @flow
    async def other():
        yield 1
        yield 2

    @flow
    async def main():
        return [x async for x in other()]

    iteration = sync()
    assert [next(iteration), iteration.send("sent")] == [1, "sent"]
    iteration.close()
    assert states(world) == ["Running", "Completed"]
    assert asyncio.run(main()) == [1, 2]


@pytest.mark.parametrize(
    ("returned", "name", "outcome"),
    [
        (lambda: Completed(message="fine", data=3), "Completed", 3),
        (lambda: Completed(name="Skipped"), "Skipped", None),
        (lambda: Failed(message="bad"), "Failed", FailedRun),
        (Cancelled, "Cancelled", CancelledRun),
        (lambda: good.submit(4), "Completed", 4),
        (lambda: [good.submit(4), good.submit(5)], "Completed", [4, 5]),
        (bad.submit, "Failed", ValueError),
        (lambda: [good.submit(4), bad.submit()], "Failed", ValueError),
        (lambda: (good(1, return_state=True), bad(return_state=True)), "Failed", ValueError),
        (lambda: good.submit(bad.submit()), "Failed", ValueError),
        (list, "Completed", []),
        (lambda: bad(return_state=True) and "data wins", "Completed", "data wins"),
    ],
)
def test_what_is_returned_decides_the_last_state(world, returned, name, outcome):
    main = flow(returned, name="main")
    if isinstance(outcome, type):
        if name == "Failed" and outcome is ValueError:
            outcome = Exception  # the upstream's error, or NotReady for what came after it
        with pytest.raises(outcome):
            main()
    else:
        assert main() == outcome
    assert states(world)[-1] == name


def test_how_many_states_did_not_complete_is_said(world):
    state = flow(lambda: [good.submit(), bad.submit()], name="main")(return_state=True)
    assert state.message == "1 of 2 states did not complete: 1 Failed."


def test_hooks(world):
    seen = []

    @flow(on_completion=[lambda f, run, state: seen.append((f.name, run.name, state.result()))])
    def fine():
        return 5

    @flow(flow_run_name="given")
    def fails():
        raise ValueError

    @fails.on_failure
    def note(_flow, run, state):
        seen.append((run.name, state.name))

    @fails.on_running
    async def note_running(_flow, _run, state):
        seen.append(state.name)

    fine()
    fails(return_state=True)
    assert seen[0][::2] == ("fine", 5)
    assert seen[1:] == ["Running", ("given", "Failed")]


def test_names_and_tags(world):
    @flow(flow_run_name="{x} at {now:%Y}")
    def main(x):
        return runtime.flow_run.name, runtime.flow_run.tags, good.submit().state

    with tags("b", "a"):
        name, found, _ = main("me")
    assert (name, found) == ("me at 2030", ["a", "b"])
    assert world.channel.of_kind(FlowRunStarted)[0].tags == ["a", "b"]


def test_logs_and_prints_go_into_the_journal(world):
    @flow(log_prints=True)
    def main():
        print("from", "the flow", sep=" ")  # noqa: T201
        get_run_logger().info("hello %s", "there")
        prints()

    @task
    def prints():
        print("from the task")  # noqa: T201
        get_run_logger().warning("careful")

    main()
    assert {"from the flow", "hello there", "from the task", "careful"} <= set(
        world.channel.messages
    )


def test_a_handler_that_prints_does_not_log_its_prints_again(world, capsys):
    class Printing(logging.Handler):
        def emit(self, record):
            print("handled", record.getMessage())  # noqa: T201

    @flow(log_prints=True)
    def main():
        print("once")  # noqa: T201

    handler, logger = Printing(), logging.getLogger("runwright.flow_runs")
    logger.addHandler(handler)
    try:
        main()
    finally:
        logger.removeHandler(handler)
    assert world.channel.messages.count("once") == 1
    assert "handled once" in capsys.readouterr().out


def test_print_takes_what_print_takes_and_no_more(world):
    @flow(log_prints=True)
    def main():
        print("a", "b", sep="-", flush=True)  # noqa: T201
        print("c", bogus=1)  # noqa: T201

    with pytest.raises(TypeError, match="bogus"):
        main()
    assert "a-b" in world.channel.messages


def test_a_traceback_is_logged_without_our_own_frames(world):
    @flow
    def main():
        raise ValueError("deep")

    main(return_state=True)
    text = "\n".join(world.channel.messages)
    assert 'raise ValueError("deep")' in text
    assert "handlers" not in text


def test_runtime_knows_the_run_and_tests_can_overrule_it(world, monkeypatch):
    @task
    def look():
        return runtime.task_run.name, runtime.flow_run.name, runtime.task_run.task_name

    @flow(flow_run_name="here")
    def main(x):
        assert runtime.flow_run.parameters == {"x": 1}
        assert runtime.flow_run.parent_flow_run_id is None
        return look()

    assert main(1) == ("look-0", "here", "look")
    assert runtime.flow_run.id is None
    monkeypatch.setenv("RUNWRIGHT__RUNTIME__FLOW_RUN__NAME", "set")
    monkeypatch.setenv("RUNWRIGHT__RUNTIME__DEPLOYMENT__NAME", "nightly")
    assert (runtime.flow_run.name, runtime.deployment.name) == ("set", "nightly")
    with pytest.raises(AttributeError, match="nope"):
        runtime.flow_run.nope  # noqa: B018


def test_options_are_checked_and_copied():
    base = flow(lambda: 1, name="base", retries=2)
    assert base.with_options(name="other").retries == 2
    with pytest.raises(FlowError, match="'nope'"):
        base.with_options(nope=1)
    with pytest.raises(FlowError, match="negative"):
        flow(lambda: 1, retries=-1)


def test_methods(world):
    class Thing:
        @flow
        def plain(self, x):
            return x

        @flow
        @classmethod
        def by_class(cls, x):
            return cls.__name__ + x

        @flow
        @staticmethod
        def static(x):
            return x

    assert (Thing().plain(1), Thing.by_class("y"), Thing.static(2)) == (1, "Thingy", 2)


def test_the_record_shows_the_parameters_that_the_flow_got(world):
    @flow
    def total(n: int, items: list[int], m: int = 3):
        return n + m + sum(items)

    assert total("7", ["1"]) == 11
    (patch,) = world.channel.of_kind(FlowRunPatched)
    assert patch.shown_parameters == {"n": 7, "items": [1], "m": 3}


def test_a_record_that_is_right_is_not_repeated(world):
    @flow
    def total(n: int, items: list[int]):
        return n + sum(items)

    assert total(7, [1]) == 8
    assert world.channel.of_kind(FlowRunPatched) == []


def test_the_record_of_a_subflow_shows_what_futures_came_to(world):
    @flow
    def inner(x: int):
        return x

    @flow
    def outer():
        return inner(good.submit("5"))

    assert outer() == 5
    (patch,) = world.channel.of_kind(FlowRunPatched)
    assert patch.shown_parameters == {"x": 5}


def test_parameters_that_do_not_fit_are_recorded_as_they_were_given(world):
    @flow
    def total(n: int):
        return n

    assert total("seven", return_state=True).is_failed()
    (started,) = world.channel.of_kind(FlowRunStarted)
    assert started.parameters == {"n": "seven"}
    assert world.channel.of_kind(FlowRunPatched) == []
