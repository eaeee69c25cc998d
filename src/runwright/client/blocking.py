"""The client for code that is not asynchronous: the same one, driven on a loop of its own."""

import asyncio
from typing import TYPE_CHECKING, Any, Self, TypeVar

from runwright.client.call import Call
from runwright.client.http import Client, open_client

if TYPE_CHECKING:
    from runwright.settings import Settings

T = TypeVar("T")


class BlockingClient:
    """Use with `with`, in one thread."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._runner = asyncio.Runner()

    @property
    def url(self) -> str:
        """The API's root."""
        return self._client.url

    def __enter__(self) -> Self:
        self._runner.run(self._client.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.__aexit__())
        self._runner.close()

    def call(self, call: Call[T]) -> T:
        """Send a call and read its answer. Raises what `Client.call` raises."""
        return self._runner.run(self._client.call(call))

    def send(
        self, method: str, path: str, body: Any = None, *, patience: float = 0.0
    ) -> tuple[int, bytes]:
        """Status and body of the answer, whatever it says."""
        return self._runner.run(self._client.send(method, path, body, patience=patience))


def connect(settings: "Settings") -> BlockingClient:
    """A client of the configured server, else of the one that runs on this machine.

    Raises:
        ServerUnreachable: there is neither.
    """
    return BlockingClient(open_client(settings))
