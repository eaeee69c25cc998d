"""Results of runs: kept by whoever runs them, known to the control plane by reference only."""

import platform
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from runwright.clock import SystemClock
from runwright.core.clock import Clock
from runwright.errors import MissingResult, ResultError, SerializationError
from runwright.sdk.result_storage import ResultStorage
from runwright.sdk.result_stores.local import LocalResultStorage
from runwright.sdk.serializers import Serializer, serializer_named

if TYPE_CHECKING:
    from runwright.settings import Settings


class ResultReference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a result is. It goes into `State.data` and says nothing of the value."""

    storage_key: str
    storage: str
    serializer: str
    expiration: datetime | None = None
    size_bytes: int | None = None
    type: str = "reference"

    @classmethod
    def of(cls, data: Any) -> "ResultReference | None":
        """The reference in a state's `data`, also as it comes back from the wire."""
        if isinstance(data, cls):
            return data
        if isinstance(data, dict) and "storage_key" in data and "serializer" in data:
            try:
                return msgspec.convert(data, cls, strict=False)
            except msgspec.ValidationError:
                return None
        return None


class _Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line of a stored result; the value's bytes follow."""

    serializer: str
    size: int
    expiration: datetime | None = None
    python: str = ""


class ResultStore(msgspec.Struct, frozen=True, eq=False):
    """What one flow or task does with its results."""

    storage: ResultStorage
    serializer: Serializer
    #: Whether results are kept at all.
    persists: bool
    #: Whether the run's own process also keeps the value at hand.
    caches_in_memory: bool = True
    clock: Clock = SystemClock()

    def write(
        self, key: str, value: Any, expires_at: datetime | None = None, *, owner: str = "this run"
    ) -> ResultReference:
        """Keep a value. `owner` names the task or flow in messages, as "task 'load'".

        Raises:
            SerializationError: the serializer cannot hold the value.
            ResultError: the storage cannot keep it.
        """
        content = self._dump(value, owner)
        header = _Header(
            serializer=self.serializer.type,
            size=len(content),
            expiration=expires_at,
            python=platform.python_version(),
        )
        try:
            self.storage.write(key, msgspec.json.encode(header) + b"\n" + content)
        except OSError as error:
            raise ResultError(
                f"The result of {owner} ({len(content):,} bytes) cannot be written to "
                f"{self.storage.location}: {error.strerror or error}. Free some space there, set "
                "another result_storage, or persist_result=False."
            ) from error
        return ResultReference(
            storage_key=key,
            storage=self.storage.location,
            serializer=header.serializer,
            expiration=expires_at,
            size_bytes=header.size,
        )

    def read(self, reference: "ResultReference | str") -> Any:
        """The value that was kept.

        Raises:
            MissingResult: there is none, or only part of it.
            SerializationError: it cannot be turned into a value here.
        """
        key = reference if isinstance(reference, str) else reference.storage_key
        storage = self.storage if isinstance(reference, str) else self._storage_of(reference)
        header, content = self._open(storage, key)
        serializer = self.serializer
        if serializer.type != header.serializer:
            serializer = serializer_named(header.serializer)
        try:
            return serializer.loads(content)
        except SerializationError:
            raise
        except Exception as error:
            raise SerializationError(
                f"The result {key!r} in {storage.location}, written by the {header.serializer!r} "
                f"serializer under Python {header.python}, cannot be read under Python "
                f"{platform.python_version()}: {type(error).__name__}: {error}"
            ) from error

    def exists(self, key: str) -> bool:
        """Whether there is a whole result of that key that has not expired."""
        if not self.storage.exists(key):
            return False
        try:
            header, _ = self._open(self.storage, key)
        except MissingResult:
            return False
        return header.expiration is None or header.expiration > self.clock.now()

    def reference(self, key: str) -> ResultReference:
        """A reference to what is there already.

        Raises:
            MissingResult: there is none.
        """
        header, _ = self._open(self.storage, key)
        return ResultReference(
            storage_key=key,
            storage=self.storage.location,
            serializer=header.serializer,
            expiration=header.expiration,
            size_bytes=header.size,
        )

    def new_key(self) -> str:
        """A key that nothing else has."""
        return uuid4().hex

    def _dump(self, value: Any, owner: str) -> bytes:
        try:
            return self.serializer.dumps(value)
        except Exception as error:
            kind = type(value)
            advice = (
                'Set result_serializer="pickle" there,'
                if "json" in self.serializer.type
                else "Return something else,"
            )
            raise SerializationError(
                f"The result of {owner}, of type {kind.__module__}.{kind.__qualname__}, cannot be "
                f"persisted by the {self.serializer.type!r} serializer: {error}. {advice} or "
                "persist_result=False to not keep it."
            ) from error

    def _storage_of(self, reference: ResultReference) -> ResultStorage:
        """Another run may have kept its results in another directory."""
        if reference.storage == self.storage.location or "://" in reference.storage:
            return self.storage
        return LocalResultStorage(reference.storage)

    def _open(self, storage: ResultStorage, key: str) -> tuple[_Header, bytes]:
        try:
            line, _, content = storage.read(key).partition(b"\n")
            header = msgspec.json.decode(line, type=_Header)
        except FileNotFoundError as error:
            raise MissingResult(
                f"There is no result {key!r} in {storage.location}. Results are kept where a run "
                "took place; was it on another machine, or has the file been deleted?"
            ) from error
        except (OSError, msgspec.MsgspecError) as error:
            raise MissingResult(
                f"The result {key!r} in {storage.location} cannot be read: {error}"
            ) from error
        if len(content) != header.size:
            raise MissingResult(
                f"The result {key!r} in {storage.location} is cut short: {len(content):,} of "
                f"{header.size:,} bytes. Run the task again with refresh_cache=True."
            )
        return header, content


def result_store(
    settings: "Settings",
    *,
    persist: bool | None = None,
    storage: "ResultStorage | Path | str | None" = None,
    serializer: Serializer | str | None = None,
    cache_in_memory: bool = True,
    parent: ResultStore | None = None,
) -> ResultStore:
    """The store that a flow's or task's options mean. None inherits: from `parent` (the flow
    that calls it), else from the settings.

    A storage or serializer of one's own means that results are to be persisted.

    Raises:
        ConfigurationError: there is no serializer of that name.
    """
    if persist is None and (storage is not None or serializer is not None):
        persist = True
    if persist is None:
        persist = settings.persist_results if parent is None else parent.persists
    kept_in: ResultStorage
    if isinstance(storage, str | Path):
        kept_in = LocalResultStorage(storage)
    elif storage is not None:
        kept_in = storage
    else:
        path = settings.results_path or settings.home / "results"
        kept_in = LocalResultStorage(path) if parent is None else parent.storage
    if serializer is None:
        chosen = serializer_named("json") if parent is None else parent.serializer
    else:
        chosen = serializer_named(serializer)
    return ResultStore(kept_in, chosen, persist, cache_in_memory)
