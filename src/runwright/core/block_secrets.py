"""Which values of a block are secret, and how they look to those who may not see them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HIDDEN = "********"

#: The names and indexes that lead to one value.
Place = tuple[str | int, ...]


class AmbiguousSecret(ValueError):
    """A hidden item came back in a list of another length: which one it was is not known."""

    code = "ambiguous_secret"
    status = 422


def hide(data: Mapping[str, Any], secret_fields: Iterable[str]) -> dict[str, Any]:
    """The data with its secrets hidden. A field is a path as in `login.password` or `keys.*`."""
    hidden: Any = dict(data)
    for field in secret_fields:
        hidden = _hidden(hidden, field.split("."))
    return hidden


def restore(given: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, with what is hidden in it as it was kept: shown, and sent back unchanged.

    Raises:
        AmbiguousSecret: a list with a hidden item has another length than before.
    """
    return {name: _restored(value, kept.get(name)) for name, value in given.items()}


def secret_places(data: Mapping[str, Any], secret_fields: Iterable[str]) -> set[Place]:
    """Where in the data there are secrets."""
    return {
        place for field in secret_fields for place in _places(data, field.split("."), ()) if place
    }


def is_kept(given: Mapping[str, Any], place: Place, *, merges: bool) -> bool:
    """Whether a change keeps the secret of a place, which it does not say itself.

    What is given there is not compared with the secret: that would tell who guesses it.
    `merges`: what is not named at the top stays.
    """
    value: Any = given
    for depth, step in enumerate(place):
        if isinstance(value, Mapping):
            if step not in value:
                return depth == 0 and merges
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            break
    return value == HIDDEN


def _places(value: Any, path: list[str], place: Place) -> Iterator[Place]:
    if not path:
        if value is not None:
            yield place
        return
    step, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if step in ("*", name):
                yield from _places(inner, rest, (*place, name))
    elif isinstance(value, list) and step == "*":
        for index, inner in enumerate(value):
            yield from _places(inner, rest, (*place, index))


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
    if isinstance(given, list) and isinstance(kept, list):
        if len(given) == len(kept):
            return [_restored(*pair) for pair in zip(given, kept, strict=True)]
        if HIDDEN in given:
            raise AmbiguousSecret(
                f"A list of {len(kept)} values came back with {len(given)}, some of them hidden. "
                "Which they were is not known: give all of them."
            )
    return given
