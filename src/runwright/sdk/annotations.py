"""How an argument is to be taken: not mapped over, not resolved, or even though it failed."""

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Annotated(Generic[T]):
    """An argument with a wish attached. `unwrap` gives the argument."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def unwrap(self) -> T:
        """The argument itself."""
        return self.value

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.value == other.value  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self.value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(Annotated[T]):  # noqa: N801  # used like a function
    """The whole value for every call of a `map`, though it is iterable."""

    __slots__ = ()

    def __getitem__(self, _: object) -> T:
        return self.value


class allow_failure(Annotated[T]):  # noqa: N801
    """Run even if this upstream run failed; its error is passed in place of its result."""

    __slots__ = ()


class quote(Annotated[T]):  # noqa: N801
    """Pass the value as it is, without looking for futures in it."""

    __slots__ = ()

    def unquote(self) -> T:
        """The value itself."""
        return self.value


def unwrapped(value: Any) -> Any:
    """The argument without its annotations: they may be nested."""
    while isinstance(value, Annotated):
        value = value.value
    return value
