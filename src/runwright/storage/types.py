"""Column types that read the same from both databases."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, String, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


#: An odd number of backslashes before `u0000`: a NUL, which Postgres cannot store.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def json_text(value: Any) -> str:
    """A value as JSON that both databases can store: NUL becomes U+FFFD."""
    text = _encode(value).decode()
    return _NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text


# Between Python and SQLite. msgspec converts a UUID four times as fast as its own methods do.


def id_text(value: UUID) -> str:
    """A UUID as SQLite keeps it."""
    text: str = msgspec.to_builtins(value)
    return text


def id_of(text: str) -> UUID:
    """The UUID that SQLite keeps as this text."""
    return msgspec.convert(text, UUID)


def instant_number(value: datetime) -> int:
    """An instant as SQLite keeps it: microseconds since 1970."""
    return (value - _EPOCH) // _MICROSECOND


def instant_of(number: int) -> datetime:
    """The instant that SQLite keeps as this number."""
    return _EPOCH + number * _MICROSECOND


class Id(TypeDecorator[UUID]):
    """A UUID: native on Postgres, 36 characters on SQLite."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            PG_UUID(as_uuid=True) if dialect.name == "postgresql" else String(36)
        )

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else id_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return id_of(value) if isinstance(value, str) else value


class Ids(TypeDecorator[list[UUID]]):
    """Several ids as one value, never stored: an array on Postgres, a JSON list on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            ARRAY(PG_UUID(as_uuid=True)) if dialect.name == "postgresql" else Text()
        )

    def process_bind_param(self, value: list[UUID] | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else json_text(value)


class Texts(TypeDecorator[list[str]]):
    """Several texts as one value, never stored: an array on Postgres, a JSON list on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else json_text(value)


class Instant(TypeDecorator[datetime]):
    """An instant in UTC: `timestamptz` on Postgres, microseconds since 1970 on SQLite."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger()
        )

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return instant_number(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return instant_of(value) if isinstance(value, int) else value


class Json(TypeDecorator[Any]):
    """A JSON document: `jsonb` on Postgres, text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            JSONB(none_as_null=True) if dialect.name == "postgresql" else Text()
        )

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return msgspec.to_builtins(value)
        return json_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if dialect.name == "sqlite" and isinstance(value, str):
            return msgspec.json.decode(value)
        return value
