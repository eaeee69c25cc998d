"""One connection of the execution plane to the control plane."""

from typing import Protocol, Self

import aiohttp

from runwright.errors import ServerUnreachable
from runwright.worker.orders import Surroundings


class ControlPlane(Protocol):
    """Sends requests below the API's root, as one key."""

    async def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of the answer, whatever it says. `body` is JSON.

        Raises:
            ServerUnreachable: there was no answer.
        """
        ...

    async def __aenter__(self) -> Self:
        """Make ready; connects at the first request."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        ...


class _Plain:
    def __init__(self, surroundings: Surroundings, key: str) -> None:
        self._surroundings = surroundings
        self._key = key

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=self._surroundings.request_timeout),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        url = self._surroundings.api_url.rstrip("/") + path
        try:
            async with self._session.request(method, url, data=body) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServerUnreachable(str(error)) from error


def connect(surroundings: Surroundings, key: str) -> ControlPlane:
    """A connection to the control plane of `surroundings`, as the holder of `key`."""
    return _Plain(surroundings, key)
