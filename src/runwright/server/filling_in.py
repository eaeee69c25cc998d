"""The templates inside an action: taken out, filled in all at once, and put back.

Parameters may hold values of three kinds instead of plain ones: `{"__prefect_kind": "jinja",
"template": ...}`, `{"__prefect_kind": "json", "value": ...}`, whose text is JSON, and
`{"__prefect_kind": "workspace_variable", "variable_name": ...}`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from runwright.server.problems import Unprocessable

_KIND = "__prefect_kind"
#: Texts that are templates as a whole.
_MESSAGES = ("subject", "body", "payload")
_WITH_KINDS = ("parameters", "job_variables")


def templates_of(action: Mapping[str, Any]) -> list[str]:
    """The templates of an action, in the order in which they are put back."""
    found: list[str] = []

    def keep(template: str) -> str:
        found.append(template)
        return ""

    filled_in(action, keep, {}, is_final=False)
    return found


def variables_named(action: Mapping[str, Any]) -> list[str]:
    """The variables that the parameters of an action name."""
    return sorted(set(_names([action.get(field) for field in _WITH_KINDS])))


def put_back(
    action: Mapping[str, Any], texts: Sequence[str], variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The action with the texts in the places of its templates.

    Raises:
        Unprocessable: a text was to be JSON and is none, or there is no such variable.
    """
    rest = iter(texts)
    return filled_in(action, lambda _: next(rest), variables)


def filled_in(
    action: Mapping[str, Any],
    fill: Callable[[str], str],
    variables: Mapping[str, Any],
    *,
    is_final: bool = True,
) -> dict[str, Any]:
    """The action with `fill` applied to each of its templates."""
    new = dict(action)
    for field in _MESSAGES:
        if field in new:
            new[field] = _filled(new[field], fill)
    for field in _WITH_KINDS:
        if new.get(field):
            new[field] = _hydrated(new[field], fill, variables, is_final=is_final)
    return new


def _filled(value: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, Mapping):
        return {key: _filled(each, fill) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, fill) for each in value]
    return value


def _hydrated(
    value: Any, fill: Callable[[str], str], variables: Mapping[str, Any], *, is_final: bool
) -> Any:
    if isinstance(value, list):
        return [_hydrated(each, fill, variables, is_final=is_final) for each in value]
    if not isinstance(value, Mapping):
        return value
    match value.get(_KIND):
        case "jinja":
            return fill(str(value.get("template", "")))
        case "json":
            inner = _hydrated(value.get("value"), fill, variables, is_final=is_final)
            return _decoded(inner) if is_final else inner
        case "workspace_variable":
            name = value.get("variable_name")
            if is_final and name not in variables:
                raise Unprocessable(f"There is no variable {name!r}.")
            return variables.get(name)  # type: ignore[arg-type]  # None is not there either
    return {key: _hydrated(each, fill, variables, is_final=is_final) for key, each in value.items()}


def _decoded(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise Unprocessable(f"A parameter was to be JSON and is none: {error}.") from None


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.get(_KIND) == "workspace_variable":
            yield str(value.get("variable_name"))
        for each in value.values():
            yield from _names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)
