"""Parameters of flows: bound to names, checked and coerced, and described as JSON Schema.

Values that already are what their annotation asks for never load pydantic; the others are
coerced by it, so the rules are the same either way.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from runwright.core.masks import MASK
from runwright.core.texts import error_text, shown
from runwright.errors import ParameterError
from runwright.sdk.parameter_values import jsonable, secret_schema
from runwright.sdk.signatures import (
    MISSING,
    Parameter,
    bind,
    call_arguments,
    label,
    signature_of,
)

__all__ = ["bind", "call_arguments", "jsonable", "parameter_schema", "validate", "validate_some"]

_PLAIN = (str, int, float, bool, dict, list, NoneType)

#: Says of a value that it needs no coercion.
_Check = Callable[[Any], bool]


def validate_some(
    fn: Callable[..., Any], parameters: Mapping[str, Any], *, flow_name: str | None = None
) -> dict[str, Any]:
    """The given parameters, coerced; the others are to be given later. Raises as `validate`."""
    problems: list[str] = []
    declared = signature_of(fn).parameters
    fitting = {
        name: _fit(declared[name], value, problems)
        if declared[name].annotation is not MISSING
        else value
        for name, value in parameters.items()
        if name in declared
    }
    _refuse(fn, flow_name, problems + _unknown(declared, parameters))
    return fitting


def validate(
    fn: Callable[..., Any],
    parameters: Mapping[str, Any],
    *,
    flow_name: str | None = None,
    coerce: bool = True,
) -> dict[str, Any]:
    """The parameters in the signature's order, coerced, with defaults filled in.

    Coercion is pydantic's lax mode: "3" fits `int`, an ISO date fits `datetime`, a mapping fits a
    model. Defaults are taken as they are. Without `coerce` only the names have to fit.

    Raises:
        ParameterError: naming every parameter that is missing, unknown, or does not fit.
    """
    signature = signature_of(fn)
    fitting: dict[str, Any] = {}
    problems: list[str] = []
    for name, parameter in signature.parameters.items():
        if name in parameters:
            value = parameters[name]
            is_checked = coerce and parameter.annotation is not MISSING
            if is_checked and value is not parameter.default:
                value = _fit(parameter, value, problems)
            fitting[name] = value
        elif parameter.default is not MISSING:
            fitting[name] = parameter.default
        elif parameter.is_required:
            problems.append(f"{name}: missing. {_expectation(parameter)}")
    _refuse(fn, flow_name, problems + _unknown(signature.parameters, parameters))
    return fitting


def _unknown(declared: Mapping[str, Parameter], parameters: Mapping[str, Any]) -> list[str]:
    known = ", ".join(declared) or "no parameters"
    return [
        f"{name}: there is no such parameter (there are: {known})"
        for name in parameters
        if name not in declared
    ]


def _refuse(fn: Callable[..., Any], flow_name: str | None, problems: list[str]) -> None:
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise ParameterError(
            f"Flow {flow_name or label(fn)!r} cannot run with these parameters:\n{listed}"
        )


def _fit(parameter: Parameter, value: Any, problems: list[str]) -> Any:
    annotation = _whole_annotation(parameter)
    check = _check_of(annotation)
    if check is not None and check(value):
        return value
    # From here on the value has to be coerced, or refused.
    from pydantic import ValidationError

    try:
        adapter = _adapter(annotation)
    except Exception as error:  # noqa: BLE001  # annotations are users' code
        _say_once(parameter.name, shown(annotation), error_text(error).partition("\n")[0])
        return value
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problems += [
            f"{'.'.join([parameter.name, *map(str, each['loc'])])}: {each['msg']}. "
            f"{_got(each['input'], annotation)}{_expectation(parameter)}"
            for each in error.errors(include_url=False)
        ]
        return value


@lru_cache(maxsize=1024)
def _say_once(name: str, annotation: str, why: str) -> None:
    from runwright.sdk.logging import warn_in_run  # late: few annotations need it

    warn_in_run("Parameter %s is not validated: %s cannot be read. %s", name, annotation, why)


def _whole_annotation(parameter: Parameter) -> Any:
    if parameter.kind == "var_positional":
        return tuple[parameter.annotation, ...]
    if parameter.kind == "var_keyword":
        return dict[str, parameter.annotation]
    return parameter.annotation


def _got(value: Any, annotation: Any) -> str:
    if secret_schema(annotation) is not None:
        return ""  # the value may be the secret, or have it inside
    return f"Got {shown(value)} ({type(value).__name__}). "


def _expectation(parameter: Parameter) -> str:
    if parameter.annotation is MISSING:
        return "Any value will do."
    return f"Expected: {_type_name(parameter.annotation)}."


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def _check_of(annotation: Any) -> _Check | None:
    """A check for values that need no pydantic; None for annotations that always do."""
    if annotation is Any or annotation is object:
        return _anything
    if annotation is None:
        annotation = NoneType
    if annotation in _PLAIN:
        return lambda value: type(value) is annotation
    origin = get_origin(annotation)
    if origin is Union or origin is UnionType:
        checks = [_check_of(each) for each in get_args(annotation)]
        known = [check for check in checks if check is not None]
        return lambda value: any(check(value) for check in known)
    if origin is list or origin is dict:
        return _check_of_items(origin, [_check_of(each) for each in get_args(annotation)])
    return None


def _check_of_items(origin: type, checks: list[_Check | None]) -> _Check | None:
    known = [check for check in checks if check is not None]
    if len(known) < len(checks):
        return None
    if origin is list:
        (of_items,) = known
        return lambda value: type(value) is list and all(map(of_items, value))
    of_keys, of_values = known
    return lambda value: (
        type(value) is dict and all(map(of_keys, value)) and all(map(of_values, value.values()))
    )


def _anything(_value: Any) -> bool:
    return True


def _adapter(annotation: Any) -> Any:
    try:
        return _cached_adapter(annotation)
    except TypeError:  # an annotation that cannot be hashed
        return _cached_adapter.__wrapped__(annotation)


@lru_cache(maxsize=1024)
def _cached_adapter(annotation: Any) -> Any:
    from pydantic import ConfigDict, PydanticUserError, TypeAdapter  # late: it takes 0.1 s

    try:
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # models, dataclasses and typed dicts bring a configuration along
        return TypeAdapter(annotation)


def parameter_schema(fn: Callable[..., Any]) -> dict[str, Any]:
    """JSON Schema of the parameters, for forms and for the control plane's checks.

    Nested types are below `definitions`. Types that have no schema accept anything.
    """
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    required: list[str] = []
    described = _descriptions(fn)
    for position, (name, parameter) in enumerate(signature_of(fn).parameters.items()):
        schema = _schema_of(parameter, definitions)
        # A reference allows nothing beside it in older drafts; `allOf` carries it.
        if "$ref" in schema:
            schema = {"allOf": [schema]}
        properties[name] = {**schema, "title": name, "position": position}
        if name in described:
            properties[name]["description"] = described[name]
        if parameter.is_required:
            required.append(name)
        elif parameter.default is not MISSING:
            default = jsonable({"default": parameter.default})
            if not _is_placeholder(default["default"], parameter.default):
                properties[name] |= default
    schema = {
        "title": "Parameters",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    if definitions:
        schema["definitions"] = definitions
    return schema


def _is_placeholder(shown_default: Any, default: Any) -> bool:
    """It only stands for the default, or a mask in it does: nobody may give that back."""
    if isinstance(shown_default, str) and not isinstance(default, str):
        return shown_default.startswith("<") or shown_default == MASK
    return _holds_mask(shown_default)


def _holds_mask(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_mask, value.values()))
    if isinstance(value, list):
        return any(map(_holds_mask, value))
    return value == MASK


def _schema_of(parameter: Parameter, definitions: dict[str, Any]) -> dict[str, Any]:
    if parameter.annotation is MISSING:
        return {}
    try:
        # As the items of a list a model comes out as a reference, wherever it is used.
        schema = _adapter(list[_whole_annotation(parameter)]).json_schema(
            ref_template="#/definitions/{model}", by_alias=True
        )
    except Exception:  # noqa: BLE001  # types that have no schema, and those that are users' code
        return {}
    definitions |= {name: _without_masks(each) for name, each in schema.get("$defs", {}).items()}
    return _without_masks(schema.get("items", {}))


def _without_masks(schema: Any) -> Any:
    """Without defaults in which a secret is masked: a form would give the mask back."""
    if isinstance(schema, list):
        return [_without_masks(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    fields = schema.get("properties")
    if isinstance(fields, dict):  # one of them may be called "default"
        kept = {name: _without_masks(each) for name, each in fields.items()}
        rest = {key: value for key, value in schema.items() if key != "properties"}
        return {**_without_masks(rest), "properties": kept}
    return {
        key: _without_masks(value)
        for key, value in schema.items()
        if key != "default" or not _holds_mask(value)
    }


def _descriptions(fn: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of each parameter, in the `Args:` or the `:param x:` style."""
    import inspect
    import re

    doc = inspect.getdoc(fn) or ""
    found = {
        match[1]: match[2].strip()
        for match in re.finditer(r"^:param (?:[^:]*\s)?(\w+):\s*(.+)$", doc, re.MULTILINE)
    }
    section = re.search(
        r"^(?:Args|Arguments|Parameters):\n((?:[ \t]+.*\n?|\n)+)", doc, re.MULTILINE
    )
    if section:
        pattern = r"^\s+(\w+)\s*(?:\([^)]*\))?:\s*(.+(?:\n\s{8,}\S.*)*)"
        for match in re.finditer(pattern, section[1], re.MULTILINE):
            found.setdefault(match[1], " ".join(match[2].split()))
    return found
