"""How persisted results become bytes: `@task(result_serializer="pickle")`."""

from runwright.sdk.serializers import (
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    Serializer,
    register_serializer,
)

__all__ = [
    "CompressedSerializer",
    "JSONSerializer",
    "PickleSerializer",
    "Serializer",
    "register_serializer",
]
