"""One connection of the execution plane to the control plane."""

import ssl
from typing import Protocol, Self

import aiohttp

from runwright.errors import ConfigurationError, ServerUnreachable
from runwright.worker.surroundings import Surroundings


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


class _Connection:
    """Kept-alive HTTP; `trust_env` for the proxies of the environment."""

    def __init__(self, surroundings: Surroundings, key: str | None) -> None:
        self._surroundings = surroundings
        self._root = surroundings.api_url.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=self._surroundings.request_timeout),
            connector=aiohttp.TCPConnector(ssl=_tls(self._surroundings)),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        try:
            async with self._session.request(
                method, self._root + path, data=body, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            cause = str(error) or type(error).__name__
            raise ServerUnreachable(
                f"The control plane at {self._root} does not answer: {cause}."
            ) from error


def connect(surroundings: Surroundings, key: str | None) -> ControlPlane:
    """A connection to the control plane of `surroundings`, as the holder of `key`.

    Raises:
        ConfigurationError: a file of the TLS settings cannot be read.
    """
    return _Connection(surroundings, key)


def _tls(surroundings: Surroundings) -> ssl.SSLContext | bool:
    if not surroundings.api_url.startswith("https"):
        return True  # not used; making a context takes longer than forking a flow
    try:
        context = ssl.create_default_context(cafile=surroundings.tls_ca_file)
        if surroundings.tls_client_cert:
            context.load_cert_chain(surroundings.tls_client_cert, surroundings.tls_client_key)
    except OSError as error:
        raise ConfigurationError(
            f"The TLS files in the settings cannot be used: {error}. Look at "
            "RUNWRIGHT_TLS_CA_FILE, RUNWRIGHT_TLS_CLIENT_CERT and RUNWRIGHT_TLS_CLIENT_KEY."
        ) from error
    if not surroundings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
