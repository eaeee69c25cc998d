"""How results become bytes and come back as they were."""

from collections.abc import Callable
from typing import Any, Protocol

from runwright.errors import ConfigurationError, SerializationError


class Serializer(Protocol):
    """Bytes from values and back. `type` names it in the record of a result."""

    @property
    def type(self) -> str:
        """The name under which it can be had again."""
        ...

    def dumps(self, value: Any) -> bytes:
        """The value as bytes.

        Raises:
            SerializationError: the value cannot be held.
        """
        ...

    def loads(self, content: bytes) -> Any:
        """The value that `dumps` was given."""
        ...


class JSONSerializer:
    """JSON that comes back as it went in: tuples, sets, dates, enums, dataclasses and models too.

    It refuses what it could not give back.
    """

    type = "json"

    def dumps(self, value: Any) -> bytes:
        # Late, as in the others: results are persisted only where somebody asks for it.
        import json

        from runwright.sdk.tagged_json import tag

        try:
            text = json.dumps(tag(value), ensure_ascii=False, separators=(",", ":"))
        except RecursionError:
            raise SerializationError("JSON cannot hold a value that contains itself") from None
        return text.encode("utf-8", "surrogatepass")

    def loads(self, content: bytes) -> Any:
        import json

        from runwright.sdk.tagged_json import untag

        return untag(json.loads(content.decode("utf-8", "surrogatepass")))


class PickleSerializer:
    """Any Python value that cloudpickle can hold. Load only what you trust: pickles run code."""

    type = "pickle"

    def dumps(self, value: Any) -> bytes:
        import cloudpickle

        try:
            return cloudpickle.dumps(value)
        except Exception as error:
            raise SerializationError(
                f"a value of type {type(value).__qualname__} cannot be pickled: {error}"
            ) from error

    def loads(self, content: bytes) -> Any:
        import cloudpickle

        return cloudpickle.loads(content)


class CompressedSerializer:
    """Another serializer's bytes, compressed by zlib."""

    def __init__(self, serializer: "Serializer | str" = "json") -> None:
        self.serializer = serializer_named(serializer)
        self.type = f"compressed/{self.serializer.type}"

    def dumps(self, value: Any) -> bytes:
        import zlib

        return zlib.compress(self.serializer.dumps(value))

    def loads(self, content: bytes) -> Any:
        import zlib

        return self.serializer.loads(zlib.decompress(content))


_known: dict[str, Callable[[], Serializer]] = {
    "json": JSONSerializer,
    "pickle": PickleSerializer,
}


def register_serializer(name: str, make: Callable[[], Serializer]) -> None:
    """Make a serializer of your own known by name, so that its results can be read again."""
    _known[name] = make


def serializer_named(serializer: Serializer | str) -> Serializer:
    """The serializer itself, or the one of that name: "json", "pickle", "compressed/json".

    Raises:
        ConfigurationError: there is none of that name.
    """
    if not isinstance(serializer, str):
        return serializer
    if serializer.startswith("compressed/"):
        return CompressedSerializer(serializer.removeprefix("compressed/"))
    make = _known.get(serializer)
    if make is None:
        names = ", ".join(repr(name) for name in sorted(_known))
        raise ConfigurationError(
            f"There is no result serializer named {serializer!r}. Known: {names}, each also as "
            "'compressed/<name>'; runwright.serializers.register_serializer adds others."
        )
    return make()
