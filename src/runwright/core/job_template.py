"""Job templates: what a pool starts for a run, with `{{ name }}` where a variable goes.

Placeholders are replaced in values that are already parsed, never in JSON text: a value with
quotes or braces in it stays one value. A string that is nothing but one placeholder becomes the
variable's value with its type; inside longer text it becomes text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
#: Variables that are laid over each other key by key instead of being replaced.
MERGED = ("env", "labels")
_NOTHING = object()
#: Characters that variables may add to a configuration by being used again and again.
_MOST_REPEATED = 1024 * 1024


class InvalidJobTemplate(ValueError):
    """A base job template that no run could be started from."""

    code = "invalid_job_template"
    status = 422


class JobTooLarge(ValueError):
    """A job configuration that repeats large variables."""

    code = "job_configuration_too_large"
    status = 422


class UnknownJobVariable(ValueError):
    """A job variable that the pool's template does not have."""

    code = "unknown_job_variable"
    status = 422

    def __init__(self, name: str, known: list[str]) -> None:
        there_are = f"It has: {', '.join(known)}." if known else "It has none."
        super().__init__(
            f"The job variable {name!r} is not in the work pool's base job template. {there_are}"
        )
        self.name = name


def check(template: Mapping[str, Any]) -> None:
    """Refuse a template that lacks a part or uses a variable it does not declare.

    The empty template is right: it has no variables.

    Raises:
        InvalidJobTemplate: says which part is wrong.
    """
    if not template:
        return
    for part in ("job_configuration", "variables"):
        if not isinstance(template.get(part), dict):
            raise InvalidJobTemplate(
                f"The base job template needs an object {part!r}. A template looks like "
                '{"job_configuration": {"command": "{{ command }}"}, '
                '"variables": {"type": "object", "properties": {"command": {"type": "string"}}}}.'
            )
    properties = template["variables"].get("properties", {})
    if not isinstance(properties, dict):
        raise InvalidJobTemplate("In the base job template, variables.properties is no object.")
    unknown = sorted({*_names_in(template["job_configuration"])} - {*properties})
    if unknown:
        raise InvalidJobTemplate(
            f"The job configuration uses the variable {unknown[0]!r}, which is not in "
            "variables.properties of the base job template. Declare it there."
        )


def variables_schema(template: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a template's variables. The empty template takes any."""
    schema = template.get("variables")
    return schema if isinstance(schema, dict) else {}


def defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that have a default."""
    properties = variables_schema(template).get("properties") or {}
    return {
        name: about["default"]
        for name, about in properties.items()
        if isinstance(about, Mapping) and "default" in about
    }


def merge(*layers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Job variables laid over each other, the last one on top.

    `env` and `labels` are merged key by key, so that a run can add to those of its deployment.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in (layer or {}).items():
            below = merged.get(name)
            if name in MERGED and isinstance(value, Mapping) and isinstance(below, Mapping):
                merged[name] = {**below, **value}
            else:
                merged[name] = value
    return merged


def refuse_unknown(template: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
    """Raise UnknownJobVariable for a variable that the template does not declare."""
    schema = variables_schema(template)
    if not schema or schema.get("additionalProperties"):
        return
    known = schema.get("properties") or {}
    for name in variables:
        if name not in known:
            raise UnknownJobVariable(name, sorted(known))


def resolve(template: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The job configuration with `variables`, and defaults for the others, filled in.

    A member whose whole value is a variable without value and default is left out. The empty
    template gives the variables themselves.

    Raises:
        UnknownJobVariable: a variable is not in the template.
        JobTooLarge: it uses large variables again and again.
    """
    if not template:
        return dict(variables)
    refuse_unknown(template, variables)
    values = _Values(merge(defaults(template), variables))
    filled = _fill(template.get("job_configuration") or {}, values)
    return filled if isinstance(filled, dict) else {}


class _Values:
    """The values of variables, each of which is counted when it is used again."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._sizes: dict[str, int | None] = {}
        self._repeated = 0

    def get(self, name: str) -> Any:
        value = self._values.get(name, _NOTHING)
        if name not in self._sizes:
            self._sizes[name] = None
            return value
        size = self._sizes[name]
        if size is None:
            size = self._sizes[name] = len(json.dumps(value, default=str))
        self._repeated += size
        if self._repeated > _MOST_REPEATED:
            raise JobTooLarge(
                f"the work pool's base job template uses the variable {name!r} and others so often "
                f"that its job configuration has more than {_MOST_REPEATED:,} characters. Use them "
                "less often, or make them shorter."
            )
        return value


def _fill(value: Any, values: _Values) -> Any:
    if isinstance(value, str):
        return _fill_text(value, values)
    if isinstance(value, Mapping):
        members = ((key, _fill(item, values)) for key, item in value.items())
        return {key: item for key, item in members if item is not _NOTHING}
    if isinstance(value, list):
        return [item for item in (_fill(item, values) for item in value) if item is not _NOTHING]
    return value


def _fill_text(text: str, values: _Values) -> Any:
    whole = _PLACEHOLDER.fullmatch(text.strip())
    if whole is not None:
        return values.get(whole[1])
    return _PLACEHOLDER.sub(lambda match: _as_text(values.get(match[1])), text)


def _as_text(value: Any) -> str:
    if value is None or value is _NOTHING:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _names_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names_in(item)
