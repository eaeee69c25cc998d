"""Tables as JSON, whatever library their values come from. No such library is imported here.

Numbers stay numbers, dates become ISO 8601 texts, and what is missing or no number (`None`, NaN,
infinities, NaT, NA) is null, since JSON knows nothing else.
"""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any

import msgspec

#: Lists and mappings within a cell; what is deeper is shown as text.
_DEPTH = 20


def table_json(table: Any, most: int) -> tuple[str, int, int]:
    """The table as JSON of about `most` characters at most; its rows in there, and of all.

    A DataFrame, of pandas, polars or any other library with the same methods, becomes its rows.
    Columns by name are kept as such, and then count as one row.
    """
    plain = _plain(rows_of(table), 0)
    if not isinstance(plain, list):
        return _json(plain), 1, 1
    rows: list[str] = []
    length = 2
    for row in plain:
        text = _json(row)
        length += len(text) + 2
        if length > most:
            break
        rows.append(text)
    return f"[{', '.join(rows)}]", len(rows), len(plain)


def rows_of(table: Any) -> Any:
    """The rows of a DataFrame, by what it can do; anything else as it is."""
    if hasattr(table, "itertuples") and hasattr(table, "columns"):  # pandas
        return _rows_of_pandas(table)
    for method in ("to_dicts", "to_pylist"):  # polars, Arrow
        if hasattr(table, method) and hasattr(table, "schema"):
            return getattr(table, method)()
    return table


def _rows_of_pandas(frame: Any) -> list[dict[str, Any]]:
    names = [*frame.columns]
    # The default index only counts. Any other says what the rows are.
    has_index = type(frame.index).__name__ != "RangeIndex"
    if has_index:
        levels = [*frame.index.names]
        names = [_index_name(name, at, len(levels)) for at, name in enumerate(levels)] + names
    titles = _distinct(" ".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in names)
    rows = []
    for key, *cells in frame.itertuples(index=True, name=None):
        front = () if not has_index else key if isinstance(key, tuple) else (key,)
        rows.append(dict(zip(titles, (*front, *cells), strict=True)))
    return rows


def _index_name(name: Any, at: int, levels: int) -> Any:
    if name is not None:
        return name
    return "index" if levels == 1 else f"level_{at}"


def _distinct(names: Iterable[str]) -> list[str]:
    """Two columns of one name would be one in a row."""
    found: dict[str, None] = {}
    for name in names:
        free, number = name, 1
        while free in found:
            number += 1
            free = f"{name} ({number})"
        found[free] = None
    return [*found]


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return _plain_scalar(value)
    if depth >= _DEPTH:
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each, depth + 1) for each in value]
    return _plain_object(value, depth)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, float):  # numpy.float64 is one
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return str.__str__(value)
    return value if value is None or isinstance(value, bool) else int(value)


def _plain_object(value: Any, depth: int) -> Any:
    if _is_missing(value):
        return None
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # numpy: a scalar or an array
        if getattr(value.dtype, "kind", "") in ("m", "M"):  # as lists, nanoseconds are integers
            return _plain(list(value), depth + 1) if getattr(value, "shape", ()) else str(value)
        return _plain(value.tolist(), depth + 1)
    if hasattr(value, "model_dump"):  # pydantic
        return _plain(value.model_dump(), depth + 1)
    plain = msgspec.to_builtins(value, str_keys=True, enc_hook=str)
    return plain if isinstance(plain, str) else _plain(plain, depth + 1)


def _is_missing(value: Any) -> bool:
    """NaT and NA say so by their names; a missing datetime64 by its text."""
    return type(value).__name__ in ("NaTType", "NAType") or (
        hasattr(value, "dtype") and not getattr(value, "shape", ()) and str(value) == "NaT"
    )


def _key(key: Any) -> str:
    return key if type(key) is str else str(_plain(key, _DEPTH))
