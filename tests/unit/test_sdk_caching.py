"""The algebra of cache policies, and keys that are equal in every process."""

import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwright.core.caching import Inputs
from runwright.core.stable_hash import stable_hash
from runwright.sdk.caching import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CacheContext,
    CacheKeyFnPolicy,
    NoCacheKey,
    compute_key,
    policy_of,
)

CONTEXT = CacheContext(
    task_key="t",
    task_source=lambda: "def t(): ...",
    flow_run_id="run-1",
    flow_parameters={"day": 1},
)
atoms = st.sampled_from([INPUTS, TASK_SOURCE, RUN_ID, FLOW_PARAMETERS, Inputs(frozenset("a"))])
policies = st.lists(atoms, max_size=4).map(lambda found: sum(found, start=NO_CACHE))
inputs = st.dictionaries(st.sampled_from("abcd"), st.integers(), max_size=4)


@given(policies, policies, policies, inputs)
def test_sums_do_not_depend_on_order_or_brackets(a, b, c, given_inputs):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + a == a
    assert a + NO_CACHE == a
    assert (a + b).key(CONTEXT, given_inputs) == (b + a).key(CONTEXT, given_inputs)


@given(policies, policies, inputs)
def test_subtracting_takes_out_what_was_added(a, b, given_inputs):
    assert (a + b) - b == a - b
    assert a - a is NO_CACHE
    assert (a - a).key(CONTEXT, given_inputs) is None


@given(policies, inputs, st.integers())
def test_an_input_that_is_left_out_does_not_matter(policy, given_inputs, other):
    without = policy + INPUTS - "a"
    one, two = {**given_inputs, "a": 0}, {**given_inputs, "a": other}
    assert without.key(CONTEXT, one) == without.key(CONTEXT, two)


def test_leaving_an_input_out_counts_the_others():
    policy = TASK_SOURCE + RUN_ID - "a"
    assert policy == TASK_SOURCE + RUN_ID + (INPUTS - "a")


def test_the_default_is_inputs_source_and_run():
    assert DEFAULT == INPUTS + TASK_SOURCE + RUN_ID
    assert DEFAULT - RUN_ID == INPUTS + TASK_SOURCE


def test_a_task_without_inputs_is_not_cached_by_its_inputs_alone():
    assert INPUTS.key(CONTEXT, {}) is None
    assert (INPUTS + TASK_SOURCE).key(CONTEXT, {}) is not None


def test_options_mean_a_policy():
    def key_fn(context, arguments): ...

    assert policy_of() is DEFAULT
    assert policy_of(None) is NO_CACHE
    assert policy_of(INPUTS, persist_result=False) is NO_CACHE
    assert policy_of(INPUTS) is INPUTS
    assert policy_of(cache_key_fn=key_fn) == CacheKeyFnPolicy(key_fn)


def test_a_key_function_sees_the_context_and_the_inputs():
    seen: list[Any] = []

    def key_fn(context, arguments):
        seen.append((context, arguments))
        return "mine"

    task = SimpleNamespace(cache_policy=CacheKeyFnPolicy(key_fn), fn=key_fn, name="t")

    assert compute_key(task, {"a": 1}, CacheContext(run_context="the run")) == "mine"
    assert seen == [("the run", {"a": 1})]


def test_an_input_that_cannot_be_hashed_says_what_to_do():
    task = SimpleNamespace(cache_policy=INPUTS, fn=len, name="load")

    with pytest.raises(NoCacheKey, match="No cache key could be made for task 'load'") as caught:
        compute_key(task, {"lock": threading.Lock()}, CacheContext())
    assert "cache_policy=NO_CACHE" in str(caught.value)


def test_the_source_of_the_function_counts():
    def one():
        return 1

    def two():
        return 2

    keys = {
        compute_key(SimpleNamespace(cache_policy=TASK_SOURCE, fn=fn, name="t"), {}, CacheContext())
        for fn in (one, two)
    }
    assert len(keys) == 2


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.decimals(allow_nan=False)
    | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.frozensets(st.text(), max_size=4)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), values, min_size=2))
def test_the_order_of_a_mapping_does_not_matter(mapping):
    backwards = dict(reversed(mapping.items()))
    assert stable_hash(mapping) == stable_hash(backwards)


@given(st.lists(st.text(), unique=True))
def test_the_order_of_a_set_does_not_matter(texts):
    backwards = texts[::-1]
    assert stable_hash(set(texts)) == stable_hash(set(backwards))


@given(values, values)
def test_values_that_differ_hash_differently(a, b):
    if a != b or type(a) is not type(b):
        assert stable_hash(a) != stable_hash(b)


def test_look_alikes_are_told_apart():
    alike = [1, True, 1.0, "1", b"1", [1], (1,), {1}, frozenset({1}), {1: 1}, [[1]], [1, 1]]
    assert len({stable_hash(value) for value in alike}) == len(alike)


def test_a_value_that_contains_itself_has_a_hash():
    value: list[Any] = [1]
    value.append(value)
    assert stable_hash(value) == stable_hash(value)


def test_the_hash_is_equal_in_another_process():
    program = (
        "from runwright.core.stable_hash import stable_hash\n"
        "import datetime, decimal\n"
        "value = {'b': {'x', 'y', 'z'}, 'a': [1, (2.5, None)], 3: datetime.date(2026, 1, 2),\n"
        "         'd': decimal.Decimal('1.10')}\n"
        "print(stable_hash(value))\n"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1
