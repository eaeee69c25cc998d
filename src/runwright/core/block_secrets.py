"""Which values of a block are secret, and how they look to those who may not see them."""

from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "********"


def hide(data: Mapping[str, Any], secret_fields: Iterable[str]) -> dict[str, Any]:
    """The data with its secrets hidden. A field is a path as in `login.password` or `keys.*`."""
    hidden: Any = dict(data)
    for field in secret_fields:
        hidden = _hidden(hidden, field.split("."))
    return hidden


def restore(given: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, with what is hidden in it as it was kept: shown, and sent back unchanged."""
    return {name: _restored(value, kept.get(name)) for name, value in given.items()}


def _hidden(value: Any, path: list[str]) -> Any:
    if not path:
        return value if value is None else HIDDEN
    step, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return {
            name: _hidden(inner, rest) if step in ("*", name) else inner
            for name, inner in value.items()
        }
    if isinstance(value, list) and step == "*":
        return [_hidden(inner, rest) for inner in value]
    return value


def _restored(given: Any, kept: Any) -> Any:
    if given == HIDDEN and kept is not None:
        return kept
    if isinstance(given, Mapping) and isinstance(kept, Mapping):
        return restore(given, kept)
    return given
