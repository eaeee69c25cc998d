"""What a function takes: names, kinds, defaults and resolved annotations, read once."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from runwright.errors import ParameterError


class _Missing:
    """Stands for "no default" and "no annotation", which None could be."""


MISSING: Any = _Missing()


class Parameter(NamedTuple):
    """One parameter. `kind` is the name of its `inspect` kind in lower case."""

    name: str
    kind: str
    default: Any
    annotation: Any

    @property
    def is_required(self) -> bool:
        """A call without it cannot work."""
        return self.default is MISSING and self.kind not in {"var_positional", "var_keyword"}


class Signature(msgspec.Struct, frozen=True, eq=False):
    """A function's parameters in order."""

    parameters: dict[str, Parameter]
    #: All are positional-or-keyword, the common case that binds fast.
    is_plain: bool
    names: tuple[str, ...]
    native: Any


def signature_of(fn: Callable[..., Any]) -> Signature:
    """The signature; read once per function."""
    try:
        return _read(fn)
    except TypeError:  # an unhashable callable
        return _read.__wrapped__(fn)


@lru_cache(maxsize=4096)
def _read(fn: Callable[..., Any]) -> Signature:
    import inspect  # late: most of it is not needed until a flow is called

    native = inspect.signature(fn)
    hints = _hints(fn)
    parameters = {
        name: Parameter(
            name,
            parameter.kind.name.lower(),
            MISSING if parameter.default is parameter.empty else parameter.default,
            hints.get(name, MISSING),
        )
        for name, parameter in native.parameters.items()
    }
    is_plain = all(p.kind == "positional_or_keyword" for p in parameters.values())
    return Signature(parameters, is_plain, tuple(parameters), native)


def _hints(fn: Callable[..., Any]) -> dict[str, Any]:
    import inspect
    import typing

    target = inspect.unwrap(getattr(fn, "__func__", fn))
    if not (inspect.isfunction(target) or inspect.ismethod(target)):
        target = getattr(type(target), "__call__", target)  # noqa: B004  # an object one can call
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:  # noqa: BLE001  # annotations are the user's code: any error may come of them
        return _hints_one_by_one(target)


def _hints_one_by_one(target: Any) -> dict[str, Any]:
    """Those that can be resolved. A name imported for type checkers only leaves one out."""
    hints: dict[str, Any] = {}
    for name, annotation in getattr(target, "__annotations__", {}).items():
        if not isinstance(annotation, str):
            hints[name] = annotation
            continue
        try:
            hints[name] = eval(annotation, target.__globals__)  # noqa: S307  # the user's own code
        except Exception:  # noqa: BLE001, S112  # as above
            continue
    return hints


def label(fn: Callable[..., Any]) -> str:
    """The function's name for messages."""
    return getattr(fn, "__name__", type(fn).__name__)


def bind(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Arguments by parameter name, in the signature's order, defaults filled in.

    Raises:
        ParameterError: the arguments do not fit the signature.
    """
    signature = signature_of(fn)
    if not signature.is_plain:
        return _bind_natively(fn, signature, args, kwargs)
    if len(args) > len(signature.names) or any(name not in signature.parameters for name in kwargs):
        return _bind_natively(fn, signature, args, kwargs)  # says what is wrong
    bound = dict(zip(signature.names, args, strict=False))
    for name in signature.names[len(args) :]:
        if name in kwargs:
            bound[name] = kwargs[name]
            continue
        default = signature.parameters[name].default
        if default is MISSING:
            return _bind_natively(fn, signature, args, kwargs)
        bound[name] = default
    if args and kwargs and any(name in kwargs for name in signature.names[: len(args)]):
        return _bind_natively(fn, signature, args, kwargs)
    return bound


def _bind_natively(
    fn: Callable[..., Any],
    signature: Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    try:
        bound = signature.native.bind(*args, **kwargs)
    except TypeError as error:
        raise ParameterError(
            f"{label(fn)!r} cannot be called like this: {error}. "
            f"Its signature is {label(fn)}{signature.native}."
        ) from None
    bound.apply_defaults()
    return dict(bound.arguments)


def receiver(fn: Callable[..., Any]) -> dict[str, Any]:
    """The object that a bound method is called on, by the name of its parameter: `self`."""
    function = getattr(fn, "__func__", None)
    if function is None or getattr(fn, "__self__", None) is None:
        return {}
    names = function.__code__.co_varnames if hasattr(function, "__code__") else ()
    return {names[0] if names else "self": fn.__self__}  # type: ignore[attr-defined]


def call_arguments(
    fn: Callable[..., Any], parameters: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inverse of `bind`: how to call `fn` so that it receives these parameters."""
    signature = signature_of(fn)
    if signature.is_plain:
        return (), dict(parameters)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    has_variadic = any(p.kind == "var_positional" for p in signature.parameters.values())
    for name, value in parameters.items():
        kind = signature.parameters[name].kind
        if kind == "positional_only" or (kind == "positional_or_keyword" and has_variadic):
            args.append(value)
        elif kind == "var_positional":
            args.extend(value)
        elif kind == "var_keyword":
            kwargs.update(value)
        else:
            kwargs[name] = value
    return tuple(args), kwargs
