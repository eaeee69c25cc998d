"""Results: kept whole, read back as they were, refused with a reason."""

import enum
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from runwright.errors import ConfigurationError, MissingResult, SerializationError
from runwright.sdk.result_stores.local import LocalResultStorage
from runwright.sdk.results import ResultReference, ResultStore, result_store
from runwright.sdk.serializers import (
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    register_serializer,
)


class Size(enum.Enum):
    SMALL = "small"


class Order(BaseModel):
    item: str
    size: Size = Size.SMALL


@dataclass(frozen=True)
class Point:
    x: int
    label: tuple[str, ...] = ()


@pytest.fixture
def settings(tmp_path):
    return SimpleNamespace(results_path=tmp_path / "results", persist_results=False)


@pytest.fixture
def store(settings):
    return result_store(settings, persist=True)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.just(UTC))
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.just("__type__"), inner, max_size=3)
        | st.sets(st.integers() | st.text(), max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_json_gives_back_what_it_was_given(value):
    back = JSONSerializer().loads(JSONSerializer().dumps(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("serializer", [JSONSerializer(), PickleSerializer()])
def test_objects_come_back_as_they_were(serializer):
    value = {
        "order": Order(item="tea"),
        "point": Point(1, ("a",)),
        "size": Size.SMALL,
        "to": Path(),
    }
    assert serializer.loads(serializer.dumps(value)) == value


def test_a_compressed_result_is_smaller_and_the_same():
    serializer = CompressedSerializer("json")
    content = serializer.dumps(["tea"] * 1000)
    assert len(content) < 100
    assert serializer.loads(content) == ["tea"] * 1000


def test_a_result_is_read_by_its_reference(store):
    reference = store.write("key", {"n": Decimal("1.50")}, owner="task 'load'")

    over_the_wire = msgspec.json.decode(msgspec.json.encode(reference))
    assert store.read(ResultReference.of(over_the_wire)) == {"n": Decimal("1.50")}
    assert store.read("key") == {"n": Decimal("1.50")}
    assert store.reference("key") == reference


def test_a_reference_is_read_from_where_it_points(store, tmp_path):
    elsewhere = result_store(
        SimpleNamespace(results_path=tmp_path, persist_results=False),
        storage=tmp_path / "elsewhere",
        serializer="pickle",
    )
    reference = elsewhere.write("key", [1])
    assert store.read(reference) == [1]


def test_a_value_that_json_cannot_hold_says_whose_and_what_to_do(store):
    with pytest.raises(SerializationError) as caught:
        store.write("key", {"parts": [threading.Lock()]}, owner="task 'load'")

    message = str(caught.value)
    assert "The result of task 'load'" in message
    assert "_thread.lock (at ['parts'][0])" in message
    assert 'result_serializer="pickle"' in message
    assert not store.exists("key")


def test_a_value_that_pickle_cannot_hold_says_so(settings):
    store = result_store(settings, serializer="pickle")
    with pytest.raises(SerializationError, match="cannot be pickled"):
        store.write("key", threading.Lock(), owner="flow 'f'")


def test_a_value_that_contains_itself_is_refused(store):
    value: list[object] = []
    value.append(value)
    with pytest.raises(SerializationError, match="contains itself"):
        store.write("key", value)


def test_a_missing_result_says_where_it_looked(store):
    with pytest.raises(MissingResult, match=r"There is no result 'nothing' in .*results"):
        store.read("nothing")
    assert not store.exists("nothing")


def test_half_a_result_counts_as_none(store, settings):
    store.write("key", "x" * 100)
    path = settings.results_path / "key"
    path.write_bytes(path.read_bytes()[:-1])

    assert not store.exists("key")
    with pytest.raises(MissingResult, match="cut short"):
        store.read("key")


def test_an_expired_result_is_not_there_for_the_cache(store):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    clock = SimpleNamespace(now=lambda: now)
    timed = ResultStore(store.storage, store.serializer, True, True, clock)
    timed.write("old", 1, now)
    timed.write("new", 1, now + timedelta(seconds=1))

    assert not timed.exists("old")
    assert timed.exists("new")


@given(key=st.text(min_size=1))
def test_no_key_leaves_the_directory(key):
    storage = LocalResultStorage("/results")
    assert storage.path_of(key).parent == Path("/results")
    assert storage.path_of(key).name not in {"", ".", ".."}


def test_options_are_inherited_from_the_flow_then_the_settings(settings, tmp_path):
    flow = result_store(settings, storage=tmp_path / "mine", serializer="pickle")
    task = result_store(settings, parent=flow)
    other = result_store(settings, persist=False, serializer="json", parent=flow)

    assert flow.persists
    assert task.persists
    assert task.storage is flow.storage
    assert task.serializer.type == "pickle"
    assert not other.persists
    assert other.serializer.type == "json"
    assert not result_store(settings).persists


def test_an_unknown_serializer_lists_the_known(settings):
    with pytest.raises(
        ConfigurationError, match=r"no result serializer named 'yaml'\. Known: 'json'"
    ):
        result_store(settings, serializer="yaml")


def test_a_serializer_of_ones_own_is_found_again(settings, store):
    class Reversed:
        type = f"reversed-{uuid4().hex}"

        def dumps(self, value):
            return value.encode()[::-1]

        def loads(self, content):
            return content[::-1].decode()

    register_serializer(Reversed.type, Reversed)
    result_store(settings, serializer=Reversed()).write("key", "abc")
    assert store.read("key") == "abc"


def test_a_full_disk_is_told_with_its_place(tmp_path):
    program = f"""
import resource
from types import SimpleNamespace
from runwright.errors import ResultError
from runwright.sdk.results import result_store
store = result_store(SimpleNamespace(results_path={str(tmp_path)!r}, persist_results=True))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.write("key", "x" * 5000, owner="task 'load'")
except ResultError as error:
    print(error)
assert not store.exists("key")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert "The result of task 'load' (5,002 bytes) cannot be written to" in done.stdout
    assert str(tmp_path) in done.stdout
    assert "File too large" in done.stdout
    assert list(tmp_path.iterdir()) == []
