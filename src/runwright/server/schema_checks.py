"""Values held against the JSON Schemas that users keep with deployments and pools."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from runwright.core.schema_cost import applications, extent, pattern_work
from runwright.server.formats import FORMATS
from runwright.server.problems import Unprocessable

_LONGEST = 300
# A validator holds up everything else in the process while it works, so the work is bounded.
#: What a schema may have: to compile it takes some 5 us for each word.
_MOST_PARTS, _MOST_PATTERNS, _MOST_ALTERNATIVES = 10_000, 500, 10_000
#: Applications of schemas to values, of 30 ns each; and where each error is told, of 70 us.
_MOST_WORK, _MOST_EXPLAINED = 500_000, 500
_PATTERNS = jsonschema_rs.FancyRegexOptions(
    backtrack_limit=10_000, size_limit=1_000_000, dfa_size_limit=1_000_000
)
_FLOAT_NAMES = frozenset({"NaN", "Infinity", "-Infinity"})


def check_parameters(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that a deployment's schema does not allow.

    Raises:
        Unprocessable: code `invalid_parameters`; names the parameter.
    """
    problem = first_problem(schema, parameters)
    if problem is None:
        return
    name, why = problem
    subject = f"Parameter {name!r}" if name else "The parameters"
    raise Unprocessable(
        f"{subject} of this deployment cannot be used: {why}. "
        "Give a value that fits the flow's signature, or deploy the flow again if it changed.",
        field=f"parameters.{name}" if name else "parameters",
        code="invalid_parameters",
    )


def check_job_variables(
    schema: Mapping[str, Any], variables: Mapping[str, Any], pool_name: str
) -> None:
    """Refuse job variables that the pool's base job template does not allow.

    Raises:
        Unprocessable: code `invalid_job_variables`; names the variable.
    """
    problem = first_problem(schema, variables)
    if problem is None:
        return
    name, why = problem
    subject = f"Job variable {name!r}" if name else "The job variables"
    raise Unprocessable(
        f"{subject} cannot be used with work pool {pool_name!r}: {why}. "
        "See what the pool takes in its base job template.",
        field=f"job_variables.{name}" if name else "job_variables",
        code="invalid_job_variables",
    )


def check_schema(schema: Mapping[str, Any], what: str) -> None:
    """Refuse what is no JSON Schema, or too large a one; `what` names it in the message.

    Raises:
        Unprocessable: code `invalid_schema` or `schema_too_complex`.
    """
    try:
        _validator(msgspec.json.encode(schema, order="deterministic"))
    except SchemaTooComplex as error:
        raise Unprocessable(f"{what} cannot be used: {error}.", code=error.code) from None
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise Unprocessable(
            f"{what} is not a JSON Schema: {_short(_why(error))}. Give an object such as "
            '{"type": "object", "properties": {"count": {"type": "integer"}}}.',
            code="invalid_schema",
        ) from None


def first_problem(schema: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first wrong member (empty: the whole) and why, or None where all is well.

    A schema that cannot be used allows everything: it was made by an older client.
    """
    encoded = msgspec.json.encode(schema, order="deterministic")
    try:
        validator = _validator(encoded)
    except (ValueError, jsonschema_rs.ValidationError):
        return None
    given = dict(values)
    size = extent(given)
    work = size.parts * _applications(encoded, size.depth)
    if work > _MOST_WORK:
        return "", (
            "to hold so many values against a schema of so many alternatives would take too long; "
            "give fewer or less deeply nested values, or simplify the schema"
        )
    if validator.is_valid(given):
        return None
    if work > _MOST_EXPLAINED:
        return _unexplained(schema, validator, given)
    return _explained(validator, given)


def _explained(validator: Any, given: dict[str, Any]) -> tuple[str, str] | None:
    errors = validator.iter_errors(given)
    error = next((error for error in errors if not _is_named_float(error)), None)
    if error is None:
        return None
    path = list(error.instance_path)
    missing = getattr(error.kind, "property", None)
    if not path and isinstance(missing, str):
        return missing, "it is required and has no value"
    inner = ".".join(str(step) for step in path[1:])
    why = _short(error.message)
    return (str(path[0]) if path else ""), f"{inner}: {why}" if inner else why


def _unexplained(
    schema: Mapping[str, Any], validator: Any, given: dict[str, Any]
) -> tuple[str, str] | None:
    """Which member is wrong, of so many values that to tell each error would take too long."""
    numbers = _with_numbers(given)
    if numbers != given and validator.is_valid(numbers):
        return None
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if name not in given:
            return name, "it is required and has no value"
    lenient = msgspec.json.encode({**schema, "required": []}, order="deterministic")
    alone = _validator(lenient)
    for name, value in given.items():
        member = {name: value}
        if alone.is_valid({name: numbers[name]}):
            continue
        size = extent(member)
        if size.parts * _applications(lenient, size.depth) <= _MOST_EXPLAINED:
            return _explained(alone, member) or (name, "it does not fit the schema")
        return name, "it does not fit the schema"
    return "", "they do not fit the schema"


def _with_numbers(value: Any) -> Any:
    """The same with numbers for the names of numbers that JSON has no word for."""
    if isinstance(value, dict):
        return {name: _with_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_numbers(each) for each in value]
    return 0.5 if isinstance(value, str) and value in _FLOAT_NAMES else value


def _is_named_float(error: Any) -> bool:
    """Numbers that JSON has no word for are given by their names, and pydantic reads those."""
    if not isinstance(error.instance, str) or error.instance not in _FLOAT_NAMES:
        return False
    branches = [inner for branch in getattr(error.kind, "context", ()) for inner in branch]
    return any("number" in getattr(each.kind, "types", ()) for each in (error, *branches))


class SchemaTooComplex(ValueError):
    """To make a validator of a schema, or to use it, would take too long."""

    code = "schema_too_complex"


@lru_cache(512)
def _validator(schema: bytes) -> Any:
    wanted = msgspec.json.decode(schema)
    _refuse_more(extent(wanted).parts, _MOST_PARTS, "words")
    _refuse_more(pattern_work(wanted), _MOST_PATTERNS, "regular expressions (ten for a large one)")
    # References to other documents are not followed: a schema must not make the server fetch.
    made = jsonschema_rs.validator_for(
        wanted,
        retriever=_refuse,
        validate_formats=True,
        formats=FORMATS,
        pattern_options=_PATTERNS,
    )
    _refuse_more(applications(wanted, 2), _MOST_ALTERNATIVES, "alternatives for one value")
    return made


def _refuse_more(found: int, most: int, what: str) -> None:
    if found > most:
        raise SchemaTooComplex(f"it has more than {most:,} {what}, which is too complex")


@lru_cache(4096)
def _applications(schema: bytes, depth: int) -> int:
    return applications(msgspec.json.decode(schema), depth)


def _refuse(uri: str) -> Any:
    raise ValueError(f"it refers to {uri!r}, and only references inside it are allowed")


def _why(error: Exception) -> str:
    return getattr(error, "message", None) or str(error)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
