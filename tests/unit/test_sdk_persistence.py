"""What tasks and flows do with results: kept, found again, or refused."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from runwright.caching import INPUTS, NO_CACHE
from runwright.errors import SerializationError
from runwright.sdk.flows import flow
from runwright.sdk.states import State
from runwright.sdk.tasks import task
from runwright.testing.channel import in_memory


@pytest.fixture
def world(tmp_path):
    settings = SimpleNamespace(
        task_default_retries=0,
        persist_results=False,
        log_level="INFO",
        log_extra_loggers=[],
        results_path=tmp_path,
    )
    with in_memory(settings) as environment:
        yield environment


def test_a_cached_result_is_not_computed_again(world):
    calls = []

    @task(cache_policy=INPUTS)
    def double(x):
        calls.append(x)
        return 2 * x

    @flow
    def main():
        states = [double(2, return_state=True) for _ in range(2)]
        return [state.name for state in states], double.submit(2).result(), double(3)

    assert main() == (["Completed", "Cached"], 4, 6)
    assert main()[0] == ["Cached", "Cached"]
    assert calls == [2, 3]
    double.with_options(refresh_cache=True)(2)
    assert calls == [2, 3, 2]


def test_the_default_policy_caches_within_one_run(world):
    calls = []

    @task(persist_result=True)
    def double(x):
        calls.append(x)
        return 2 * x

    @flow
    def main():
        return double(1) + double(1)

    assert (main(), main()) == (4, 4)
    assert calls == [1, 1]


def test_an_expired_result_is_computed_again(world):
    calls = []

    @task(cache_key_fn=lambda _context, parameters: f"k{parameters['x']}",
          cache_expiration=timedelta(seconds=9))  # fmt: skip
    def double(x):
        calls.append(x)

    @flow
    def main():
        double(1)
        double(1)
        world.clock.advance(timedelta(seconds=10))
        double(1)

    main()
    assert len(calls) == 2


def test_nothing_is_kept_unless_asked_for(world, tmp_path):
    @task(cache_policy=NO_CACHE)
    def one():
        return 1

    flow(lambda: [one()], name="main")()
    assert list(tmp_path.iterdir()) == []
    assert world.channel.task_states[-1].data is None


def test_a_flow_passes_its_wish_on_to_its_tasks(world):
    @flow(persist_result=True)
    def main():
        return task(lambda: [1], name="t")()

    state = main(return_state=True)
    assert state.result() == [1]
    kept = [world.channel.task_states[-1], world.channel.flow_states[-1]]
    assert [State.of(record).result() for record in kept] == [[1], [1]]


def test_a_result_that_cannot_be_kept_fails_the_run(world):
    @task(persist_result=True)
    def makes():
        return lambda: None

    @flow
    def main():
        makes()

    with pytest.raises(SerializationError, match="task 'makes'"):
        main()
    assert [state.name for state in world.channel.task_states] == ["Running", "Failed"]


def test_a_broken_key_function_fails_the_run(world):
    @task(cache_key_fn=lambda _context, _parameters: 1 / 0)
    def makes():
        return 1

    assert flow(lambda: makes(return_state=True).name, name="main")() == "Failed"
