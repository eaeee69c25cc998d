"""The asynchronous client, and the only file that knows the HTTP library."""

import asyncio
import base64
import os
import random
import ssl
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiohttp
import msgspec

from runwright.client.call import Call
from runwright.client.problems import FIRST_REFUSAL, TRY_AGAIN, refusal
from runwright.errors import ConfigurationError, ServerUnreachable
from runwright.settings import resolve_api

if TYPE_CHECKING:
    from runwright.settings import Settings

T = TypeVar("T")

#: How often an idempotent call is sent before its failure is told.
_TRIES = 5
_LONGEST_PAUSE = 5.0
_encode = msgspec.json.Encoder().encode


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A control plane and how to reach it."""

    #: The API's root, ending in /api.
    url: str
    key: str | None = None
    #: NAME:PASSWORD, in the place of a key.
    basic_auth: str | None = None
    tls_ca_file: str | None = None
    tls_verify: bool = True
    tls_client_cert: str | None = None
    tls_client_key: str | None = None
    #: Seconds for one request.
    request_timeout: float = 30.0


class Client:
    """Kept-alive connections to one control plane. Proxies are those of the environment."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._root = target.url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """The API's root."""
        return self._root

    async def __aenter__(self) -> Self:
        target = self._target
        headers = {"Content-Type": "application/json"}
        if target.key:
            headers["Authorization"] = f"Bearer {target.key}"
        elif target.basic_auth:
            encoded = base64.b64encode(target.basic_auth.encode()).decode()
            headers["Authorization"] = f"Basic {encoded}"
        self._session = aiohttp.ClientSession(
            headers=headers,
            connector=aiohttp.TCPConnector(ssl=_tls(target)),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=_has_proxy(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self, method: str, path: str, body: Any = None, *, patience: float = 0.0
    ) -> tuple[int, bytes]:
        """Status and body of the answer, whatever it says. Sent once.

        `body` is encoded as JSON unless it is bytes; `patience` seconds are added to the timeout.

        Raises:
            ServerUnreachable: there was no answer.
        """
        status, content, _ = await self._exchange(method, path, body, patience)
        return status, content

    async def call(self, call: Call[T]) -> T:
        """Send a call and read its answer.

        Idempotent calls are repeated while the server is away or busy, for some seconds.

        Raises:
            ApiProblem: the server refused.
            ServerUnreachable: there was no answer.
        """
        for attempt in range(1, _TRIES + 1):
            is_last = attempt == _TRIES or not call.is_idempotent
            pause = random.uniform(0, min(_LONGEST_PAUSE, 0.1 * 2**attempt))  # noqa: S311
            try:
                status, content, asked_pause = await self._exchange(
                    call.method, call.path, call.body, call.patience
                )
            except ServerUnreachable:
                if is_last:
                    raise
            else:
                if status < FIRST_REFUSAL:
                    return self._read(call, content)
                if is_last or status not in TRY_AGAIN:
                    raise refusal(call.method, call.path, status, content)
                pause = max(pause, asked_pause)
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")

    async def _exchange(
        self, method: str, path: str, body: Any, patience: float
    ) -> tuple[int, bytes, float]:
        if self._session is None:
            raise ConfigurationError("The client is not open: use it with `async with`.")
        content = body if body is None or isinstance(body, bytes) else _encode(body)
        timeout = aiohttp.ClientTimeout(total=self._target.request_timeout + patience)
        try:
            async with self._session.request(
                method, self._root + path, data=content, timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read(), _asked_pause(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServerUnreachable(
                f"No answer from {self._root} ({_reason(error)}). "
                "Is the server running? Start one with `runwright server start`, "
                "or set RUNWRIGHT_API_URL."
            ) from error

    def _read(self, call: Call[T], content: bytes) -> T:
        if call.answer is None:
            return None  # type: ignore[return-value]  # such a Call is a Call[None]
        try:
            return msgspec.json.decode(content, type=call.answer)
        except msgspec.DecodeError as error:
            raise ServerUnreachable(
                f"{self._root}{call.path} answered with something else than expected ({error}). "
                "Is this the URL of a Runwright server, with /api at its end?"
            ) from error


def open_client(settings: "Settings") -> Client:
    """A client of the configured server, else of the one that runs on this machine.

    Raises:
        ServerUnreachable: there is neither.
    """
    found = resolve_api(settings)
    if found is None:
        raise ServerUnreachable(
            "No server is configured and none runs on this machine. Start one with "
            "`runwright server start`, or set RUNWRIGHT_API_URL."
        )
    url, key = found
    return Client(
        Target(
            url=url,
            key=key,
            tls_ca_file=_text(settings.tls_ca_file),
            tls_verify=settings.tls_verify,
            tls_client_cert=_text(settings.tls_client_cert),
            tls_client_key=_text(settings.tls_client_key),
            request_timeout=settings.request_timeout,
        )
    )


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted: {error.certificate_error}; see tls_ca_file"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    if isinstance(error, TimeoutError):
        return "it took too long; see request_timeout"
    return f"{type(error).__name__}: {error}"


def _has_proxy() -> bool:
    """Whether the environment names a proxy; else aiohttp need not look, in a thread, each time."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return any(os.environ.get(name) or os.environ.get(name.lower()) for name in names)


def _text(path: object) -> str | None:
    return None if path is None else str(path)


def _asked_pause(answer: aiohttp.ClientResponse) -> float:
    try:
        return min(float(answer.headers.get("Retry-After", "0")), _LONGEST_PAUSE)
    except ValueError:
        return 0.0


def _tls(target: Target) -> ssl.SSLContext | bool:
    if not target.url.startswith("https:"):
        return True
    try:
        context = ssl.create_default_context()
        if target.tls_ca_file:
            context.load_verify_locations(target.tls_ca_file)
        if target.tls_client_cert:
            context.load_cert_chain(target.tls_client_cert, target.tls_client_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The TLS files cannot be used ({error}): check tls_ca_file, tls_client_cert and "
            "tls_client_key."
        ) from error
    if not target.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
