"""Values held against the JSON Schemas that users keep with deployments and pools."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from runwright.server.formats import FORMATS
from runwright.server.problems import Unprocessable

_LONGEST = 300
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
    """Refuse what is no JSON Schema; `what` names it in the message.

    Raises:
        Unprocessable: code `invalid_schema`.
    """
    try:
        _validator(msgspec.json.encode(schema, order="deterministic"))
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
    try:
        validator = _validator(msgspec.json.encode(schema, order="deterministic"))
    except (ValueError, jsonschema_rs.ValidationError):
        return None
    errors = validator.iter_errors(dict(values))
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


def _is_named_float(error: Any) -> bool:
    """Numbers that JSON has no word for are given by their names, and pydantic reads those."""
    if not isinstance(error.instance, str) or error.instance not in _FLOAT_NAMES:
        return False
    branches = [inner for branch in getattr(error.kind, "context", ()) for inner in branch]
    return any("number" in getattr(each.kind, "types", ()) for each in (error, *branches))


@lru_cache(512)
def _validator(schema: bytes) -> Any:
    # References to other documents are not followed: a schema must not make the server fetch.
    return jsonschema_rs.validator_for(
        msgspec.json.decode(schema), retriever=_refuse, validate_formats=True, formats=FORMATS
    )


def _refuse(uri: str) -> Any:
    raise ValueError(f"it refers to {uri!r}, and only references inside it are allowed")


def _why(error: Exception) -> str:
    return getattr(error, "message", None) or str(error)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
