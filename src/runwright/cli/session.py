"""A command's connection: the server, or the embedded control plane where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from runwright.client.call import Call
from runwright.client.problems import FIRST_REFUSAL, refusal
from runwright.errors import ConfigurationError, ServerUnreachable
from runwright.settings import Settings, load_settings, resolve_api

if TYPE_CHECKING:
    from runwright.server.embedded import EmbeddedControlPlane

T = TypeVar("T")


class Caller(Protocol):
    """Whatever answers calls."""

    def call(self, call: Call[T]) -> T:
        """Send a call and read its answer. Raises what `Client.call` raises."""
        ...

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body of the answer, whatever it says."""
        ...


@contextmanager
def session(settings: Settings | None = None, *, follows: bool = False) -> Iterator[Caller]:
    """The control plane for one command; a server, for one that `follows` a run.

    Raises:
        ServerUnreachable: on entering, when a run is to be followed and there is no server.
    """
    settings = settings or load_settings()
    if resolve_api(settings) is not None:
        # Late: the HTTP client takes 0.1 s to load, and `--help` does not need it.
        from runwright.client.blocking import connect

        with connect(settings) as client:
            yield client
        return
    if follows:
        raise ServerUnreachable(
            "Following a run needs a server, and none is configured or runs on this machine: "
            "without one, runs are read when a command begins. Start one with "
            "`runwright server start`, or set RUNWRIGHT_API_URL."
        )
    with server_packages():
        # Late: loads the whole server, which only a command without a server needs.
        from runwright.server.embedded import EmbeddedControlPlane

    with EmbeddedControlPlane(settings) as control_plane:
        yield _Embedded(control_plane)


@contextmanager
def server_packages() -> Iterator[None]:
    """Import what only the server needs; where it is not installed, say how it would be.

    Raises:
        ConfigurationError: a package of `runwright[server]` is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "runwright":
            raise
        raise ConfigurationError(
            f"This needs the server's packages, and {error.name!r} is not installed: "
            "`pip install 'runwright[server]'`. To use a server elsewhere, set RUNWRIGHT_API_URL."
        ) from error


class _Embedded:
    def __init__(self, control_plane: "EmbeddedControlPlane") -> None:
        self._control_plane = control_plane

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        content = None if body is None else msgspec.json.encode(body)
        return self._control_plane.request(method, path, content)

    def call(self, call: Call[T]) -> T:
        status, content = self.send(call.method, call.path, call.body)
        if status >= FIRST_REFUSAL:
            raise refusal(call.method, call.path, status, content)
        if call.answer is None:
            return None  # type: ignore[return-value]  # such a Call is a Call[None]
        return msgspec.json.decode(content, type=call.answer)
