"""One criterion on one column, as a condition. Every operator of the wire is here, once."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, bindparam, false, func, literal, not_, or_

from runwright.api.filters import (
    CreatorIs,
    Criterion,
    FlagIs,
    IdIs,
    NullIs,
    NumberIs,
    StateTypeIs,
    TagsAre,
    TextIs,
    TextSearch,
    TimeIs,
)
from runwright.storage.json_columns import (
    array_has,
    array_has_any,
    begins_with_any,
    member,
    number_in_array,
    one_of,
)
from runwright.storage.types import Id, Ids, Json, Texts

Condition = ColumnElement[bool]
#: Beyond so many values they become one parameter: for fewer, the databases choose better plans
#: when they see them.
_SPELT_OUT = 40
_WORDS = re.compile(r'([-!+]?)(?:"([^"]*)"|(\S+))')


def joined(operator: str, conditions: list[Condition]) -> Condition | None:
    """All of the conditions, or any of them; None when there are none."""
    if not conditions:
        return None
    return or_(*conditions) if operator == "or_" else and_(*conditions)


def condition_on(column: Column[Any], criterion: Criterion | TextSearch) -> Condition | None:
    """The condition that a criterion puts on a column; None when it narrows nothing."""
    conditions = _CONDITIONS[type(criterion)](column, criterion)
    return joined(getattr(criterion, "operator", "and_"), conditions)


def among(column: ColumnElement[Any], values: Sequence[Any]) -> Condition:
    """The column is one of the values, which are ids or texts."""
    if len(values) > _SPELT_OUT:
        return one_of(column, _one_parameter(values, Ids if isinstance(column.type, Id) else Texts))
    return or_(false(), *(column == value for value in values))


def _one_parameter(values: Sequence[Any], kind: type[Ids | Texts]) -> ColumnElement[Any]:
    return bindparam(None, list(values), type_=kind(), unique=True)


def _null(column: Column[Any], wanted: bool | None) -> list[Condition]:
    if wanted is None:
        return []
    return [column.is_(None) if wanted else column.is_not(None)]


def _id_is(column: Column[Any], criterion: IdIs) -> list[Condition]:
    conditions = _null(column, criterion.is_null_)
    if criterion.any_ is not None:
        conditions.append(among(column, criterion.any_))
    if criterion.not_any_ is not None:
        conditions.append(not_(among(column, criterion.not_any_)))
    return conditions


def _text_is(column: Column[Any], criterion: TextIs) -> list[Condition]:
    conditions = _null(column, criterion.is_null_)
    if criterion.exists_ is not None:
        conditions += _null(column, not criterion.exists_)
    if criterion.any_ is not None:
        conditions.append(among(column, criterion.any_))
    if criterion.not_any_ is not None:
        conditions.append(not_(among(column, criterion.not_any_)))
    if criterion.like_ is not None:
        conditions.append(like(column, criterion.like_))
    if criterion.startswith_ is not None:
        conditions.append(_begins_with(column, criterion.startswith_))
    return conditions


def _begins_with(column: Column[Any], beginnings: Sequence[str]) -> Condition:
    if len(beginnings) > _SPELT_OUT:
        return begins_with_any(column, _one_parameter(beginnings, Texts))
    return or_(false(), *(column.startswith(start, autoescape=True) for start in beginnings))


def like(column: Column[Any], text: str) -> Condition:
    """The column contains the text, in any case."""
    return func.lower(column).contains(text.lower(), autoescape=True)


def _type_is(column: Column[Any], criterion: StateTypeIs) -> list[Condition]:
    conditions: list[Condition] = []
    if criterion.any_ is not None:
        conditions.append(among(column, [str(kind) for kind in criterion.any_]))
    if criterion.not_any_ is not None:
        conditions.append(not_(among(column, [str(kind) for kind in criterion.not_any_])))
    return conditions


def _tags_are(column: Column[Any], criterion: TagsAre) -> list[Condition]:
    conditions: list[Condition] = []
    if criterion.all_ is not None:
        conditions += _has_all(column, sorted(set(criterion.all_)))
    if criterion.any_ is not None:
        conditions.append(_has_any(column, sorted(set(criterion.any_))))
    if criterion.is_null_ is not None:
        is_empty = column == literal([], Json)
        conditions.append(is_empty if criterion.is_null_ else not_(is_empty))
    return conditions


def _has_all(column: Column[Any], tags: list[str]) -> list[Condition]:
    if len(tags) <= 1:
        return [array_has(column, literal(tag)) for tag in tags]
    return [number_in_array(column, _one_parameter(tags, Texts)) == len(tags)]


def _has_any(column: Column[Any], tags: list[str]) -> Condition:
    if len(tags) <= 1:
        return or_(false(), *(array_has(column, literal(tag)) for tag in tags))
    return array_has_any(column, _one_parameter(tags, Texts))


def _time_is(column: Column[Any], criterion: TimeIs) -> list[Condition]:
    conditions = _null(column, criterion.is_null_)
    if criterion.before_ is not None:
        conditions.append(column <= criterion.before_)
    if criterion.after_ is not None:
        conditions.append(column >= criterion.after_)
    return conditions


def _number_is(column: Column[Any], criterion: NumberIs) -> list[Condition]:
    conditions = _null(column, criterion.is_null_)
    if criterion.ge_ is not None:
        conditions.append(column >= criterion.ge_)
    if criterion.le_ is not None:
        conditions.append(column <= criterion.le_)
    return conditions


def _flag_is(column: Column[Any], criterion: FlagIs) -> list[Condition]:
    return [] if criterion.eq_ is None else [column.is_(criterion.eq_)]


def _null_is(column: Column[Any], criterion: NullIs) -> list[Condition]:
    return _null(column, criterion.is_null_)


def _creator_is(column: Column[Any], criterion: CreatorIs) -> list[Condition]:
    conditions = _null(column, criterion.is_null_)
    if criterion.id_ is not None:
        conditions.append(among(member(column, literal("id")), [str(i) for i in criterion.id_]))
    if criterion.type_ is not None:
        conditions.append(among(member(column, literal("type")), criterion.type_))
    return conditions


def _text_search(column: Column[Any], criterion: TextSearch) -> list[Condition]:
    conditions: list[Condition] = []
    for sign, phrase, word in _WORDS.findall(criterion.query):
        found = like(column, phrase or word)
        conditions.append(not_(found) if sign in {"-", "!"} else found)
    return conditions


_CONDITIONS: dict[type, Callable[[Column[Any], Any], list[Condition]]] = {
    IdIs: _id_is,
    TextIs: _text_is,
    StateTypeIs: _type_is,
    TagsAre: _tags_are,
    TimeIs: _time_is,
    NumberIs: _number_is,
    FlagIs: _flag_is,
    NullIs: _null_is,
    CreatorIs: _creator_is,
    TextSearch: _text_search,
}
