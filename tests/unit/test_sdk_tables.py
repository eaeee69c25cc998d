"""Tables of any library as JSON."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from runwright.sdk.tables import table_json


def _strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def _recorded(table: Any) -> Any:
    return _strict(table_json(table, 1_000_000)[0])


class _Colour(Enum):
    RED = "red"


@dataclass
class _Row:
    name: str
    share: float


class _Scalar:
    """As numpy's scalars look."""

    def __init__(self, kind: str, value: object) -> None:
        self.dtype = type("dtype", (), {"kind": kind})
        self.shape = ()
        self._value = value

    def tolist(self) -> object:
        return self._value

    def __str__(self) -> str:
        return str(self._value)


@pytest.mark.parametrize(
    ("cell", "recorded"),
    [
        (math.nan, None),
        (-math.inf, None),
        (1.5, 1.5),
        (True, True),
        (2**70, 2**70),
        (_Scalar("i", 7), 7),
        (_Scalar("f", math.nan), None),
        (_Scalar("b", False), False),
        (_Scalar("M", "2026-01-02T03:04:05.000000000"), "2026-01-02T03:04:05.000000000"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (timedelta(minutes=2), "PT120S"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (_Colour.RED, "red"),
        ([math.nan, {"a": (math.inf,)}], [None, {"a": [None]}]),
    ],
)
def test_cells(cell: object, recorded: object) -> None:
    assert _recorded([{"cell": cell}]) == [{"cell": recorded}]
    assert _recorded({"column": [cell]}) == {"column": [recorded]}
    assert _recorded([[cell]]) == [[recorded]]


def test_rows_of_other_kinds_and_columns_that_are_no_texts() -> None:
    assert _recorded([_Row("a", math.nan)]) == [{"name": "a", "share": None}]
    assert _recorded([{1: "x", date(2026, 1, 1): "y"}]) == [{"1": "x", "2026-01-01": "y"}]


def test_a_table_that_holds_itself_ends() -> None:
    table: list[Any] = [["a"]]
    table[0].append(table)
    assert _recorded(table)[0][0] == "a"


def test_rows_beyond_the_length_are_left_out() -> None:
    text, recorded, of_all = table_json([{"n": "x" * 100} for _ in range(1_000)], 10_000)
    assert (len(_strict(text)), of_all) == (recorded, 1_000)
    assert 80 < recorded < 100
    assert len(text) <= 10_000


class _Index(list[Any]):
    def __init__(self, *keys: Any, names: tuple[Any, ...]) -> None:
        super().__init__(keys)
        self.names = names


class RangeIndex(_Index):
    """Named as pandas' default index."""


class _Frame:
    """As a DataFrame of pandas looks."""

    def __init__(self, columns: list[Any], index: _Index, *rows: tuple[Any, ...]) -> None:
        self.columns, self.index, self._rows = columns, index, rows

    def itertuples(self, *, index: bool, name: str | None) -> Any:
        assert index
        assert name is None
        return ((key, *row) for key, row in zip(self.index, self._rows, strict=True))


def test_a_frame_is_its_rows_and_an_index_that_says_something_a_column() -> None:
    plain = RangeIndex(0, 1, names=(None,))
    frame = _Frame(["a", "a", ("b", 1)], plain, (1, 2, math.nan), (3, 4, 5.0))
    assert _recorded(frame) == [
        {"a": 1, "a (2)": 2, "b 1": None},
        {"a": 3, "a (2)": 4, "b 1": 5.0},
    ]
    days = _Index(date(2026, 1, 1), names=("day",))
    assert _recorded(_Frame(["n"], days, (1,))) == [{"day": "2026-01-01", "n": 1}]
    two = _Index(("x", 1), names=(None, "k"))
    assert _recorded(_Frame(["n"], two, (1,))) == [{"level_0": "x", "k": 1, "n": 1}]


def test_real_frames_and_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "day": pandas.to_datetime(["2026-01-01", None]),
            "n": numpy.array([1, 2], dtype="int32"),
            "share": [0.5, numpy.nan],
            "maybe": pandas.array([1, None], dtype="Int64"),
        }
    )
    assert _recorded(frame) == [
        {"day": "2026-01-01T00:00:00", "n": 1, "share": 0.5, "maybe": 1},
        {"day": None, "n": 2, "share": None, "maybe": None},
    ]
    assert _recorded(frame.describe().loc[["count"], ["n"]]) == [{"index": "count", "n": 2.0}]
    assert _recorded(frame.groupby(["n", "share"]).size().to_frame("size")) == [
        {"n": 1, "share": 0.5, "size": 1}
    ]
    assert _recorded({"a": numpy.arange(3), "b": frame["share"]}) == {
        "a": [0, 1, 2],
        "b": [0.5, None],
    }
    when = numpy.array(["2026-01-01", "NaT"], dtype="datetime64[ns]")
    assert _recorded([[when[0], when[1], numpy.bool_(1)]]) == [
        ["2026-01-01T00:00:00.000000000", None, True]
    ]
    assert _recorded(numpy.array([[1.0, numpy.inf]])) == [[1.0, None]]
    assert _recorded({"when": when}) == {"when": ["2026-01-01T00:00:00.000000000", None]}


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_real_frames_of_other_libraries(library: str) -> None:
    module = pytest.importorskip(library)
    make = module.DataFrame if library == "polars" else module.table
    frame = make({"n": [1, None], "day": [date(2026, 1, 1), None], "share": [math.nan, 1.0]})
    assert _recorded(frame) == [
        {"n": 1, "day": "2026-01-01", "share": None},
        {"n": None, "day": None, "share": 1.0},
    ]
