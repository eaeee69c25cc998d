"""What tasks and flows do with results: kept, found again, or refused."""

import asyncio
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest

from runwright.caching import INPUTS, NO_CACHE, task_input_hash
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


class Adding:
    def __init__(self, number):
        self.number = number

    @task(cache_policy=INPUTS)
    def by_policy(self, x):
        return self.number + x

    @task(cache_key_fn=task_input_hash)
    def by_hash(self, x):
        return self.number + x

    @task(cache_key_fn=lambda _, arguments: f"{arguments['self'].number}-{arguments['x']}")
    def by_function(self, x):
        return self.number + x


@pytest.mark.parametrize("name", ["by_policy", "by_hash", "by_function"])
def test_the_object_of_a_method_is_part_of_the_key(world, name):
    @flow
    def main():
        states = [getattr(Adding(n), name)(5, return_state=True) for n in (1, 100, 1)]
        return [(state.name, state.result()) for state in states]

    assert main() == [("Completed", 6), ("Completed", 105), ("Cached", 6)]


def test_what_cannot_be_hashed_runs_uncached_and_the_log_says_so_once(world):
    @task(cache_policy=INPUTS)
    def guarded(lock):
        return "done"

    def broken(context, arguments):
        raise ValueError("no key today")

    @task(cache_key_fn=broken)
    def keyed(x):
        return x

    @flow
    def main():
        return [guarded(threading.Lock()) for _ in range(3)], keyed(1)

    assert main() == (["done"] * 3, 1)
    said = [each for each in world.channel.messages if "without its cache" in each]
    assert len(said) == 2
    assert "cache_policy=NO_CACHE" in said[0]
    assert "no key today" in said[1]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_retry_does_not_run_a_subflow_again_that_kept_its_result(world, is_async):
    calls, tries = [], []

    @flow(persist_result=True)
    def kept(x):
        calls.append(("kept", x))
        return {"x": x}

    @flow(persist_result=True)
    async def kept_async(x):
        calls.append(("kept", x))
        return {"x": x}

    @flow(persist_result=False)
    def lost(x):
        calls.append(("lost", x))
        return x

    @flow(retries=1)
    async def main_async():
        tries.append([await kept_async(1), await kept_async(2), lost(3), len(tries)])
        if len(tries) == 1:
            raise ValueError("again")
        return tries[-1]

    @flow(retries=1)
    def main():
        found = [kept(1), kept(2), lost(3), len(tries)]
        tries.append(found)
        found[0]["x"] = "changed by the first try"
        if len(tries) == 1:
            raise ValueError("again")
        return [kept(1, return_state=True).name, found[1]]

    ended = asyncio.run(main_async()) if is_async else main()
    if is_async:
        assert ended == [{"x": 1}, {"x": 2}, 3, 1]
        assert calls == [("kept", 1), ("kept", 2), ("lost", 3), ("lost", 3)]
    else:
        assert ended == ["Completed", {"x": 2}]
        assert calls == [("kept", 1), ("kept", 2), ("lost", 3), ("lost", 3), ("kept", 1)]


def test_a_subflow_with_other_parameters_runs(world):
    calls = []

    @flow(persist_result=True)
    def child(x):
        calls.append(x)
        return x

    @flow(retries=1)
    def main():
        child(len(calls))
        if len(calls) == 1:
            raise ValueError("again")

    main()
    assert calls == [0, 1]
