"""Requests to addresses that users have given: never to where the users themselves could not go.

A name is resolved once, every address that it has is looked at, and the connection goes to one of
those. Redirects are not followed, and of an answer only the status and a little is read.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from runwright.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_READ = 16 * 1024


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request as a block and a message make it."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""


class Refused(Exception):
    """It will not be sent there, now or later."""


class Undelivered(Exception):
    """It may have arrived or not: another try may do better."""


def networks_of(texts: Sequence[str]) -> list[Network]:
    """The networks of a setting.

    Raises:
        ConfigurationError: one of them is none.
    """
    try:
        return [ipaddress.ip_network(text, strict=False) for text in texts]
    except ValueError as error:
        raise ConfigurationError(
            f"webhook_allowed_networks: {error}. Give networks such as 10.1.0.0/16, with commas "
            "between them."
        ) from None


class Egress:
    """Sends, where it may. `allowed` are private networks that may be sent to all the same."""

    def __init__(self, allowed: Sequence[Network], *, timeout: float) -> None:
        self._guard = _Guard(allowed)
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> int:
        """The status of the answer, from 200 to 299.

        Raises:
            Refused: the address may not be called, or its answer says no for good.
            Undelivered: there was no answer, or one that says to come again.
        """
        url = self._guard.checked(request.url)
        session = self._session = self._session or self._open()
        try:
            async with session.request(
                request.method,
                url,
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
            ) as answer:
                await answer.content.read(_READ)
                return _judged(answer.status)
        except _NotAllowed as error:
            raise Refused(str(error)) from None
        except (aiohttp.InvalidURL, ValueError) as error:
            raise Refused(f"The address cannot be used: {error}") from None
        except TimeoutError:
            raise Undelivered(f"No answer within {self._timeout.total:g} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error.__cause__, _NotAllowed):
                raise Refused(str(error.__cause__)) from None
            raise Undelivered(f"It cannot be reached: {error}") from None

    async def close(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(resolver=self._guard, use_dns_cache=False, limit=64)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )


class _NotAllowed(OSError):
    pass


class _Guard(AbstractResolver):
    """Resolves names to addresses that may be called."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        self._resolver: AbstractResolver | None = None

    def checked(self, text: str) -> URL:
        """The address, which may be called as far as it is one in numbers: those are not resolved.

        Raises:
            Refused: it is no web address, or may not be called.
        """
        try:
            url = URL(text)
        except ValueError as error:
            raise Refused(f"The address cannot be used: {error}.") from None
        if url.scheme not in {"http", "https"} or not url.host:
            raise Refused("Only http:// and https:// addresses can be called.")
        try:
            address = ipaddress.ip_address(url.host.partition("%")[0])
        except ValueError:
            return url
        if not self.may_call(address):
            raise Refused(_refusal(url.host, address))
        return url

    def may_call(self, address: Address) -> bool:
        """Whether it is a public address, or in a network that the settings allow."""
        meant = _meant(address)
        if any(meant in network for network in self._allowed):
            return True
        return meant.is_global and not meant.is_multicast and not meant.is_reserved

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self._resolver = self._resolver or ThreadedResolver(asyncio.get_running_loop())
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            address = ipaddress.ip_address(each["host"].partition("%")[0])
            if not self.may_call(address):
                raise _NotAllowed(_refusal(host, address))
        return found

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()


def _meant(address: Address) -> Address:
    """The address that one in another's clothes leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner: Any = address.ipv4_mapped or address.sixtofour
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _refusal(host: str, address: Address) -> str:
    what = host if host == str(address) else f"{host} leads to {address}, which"
    return (
        f"{what} is not a public address. An administrator may allow its "
        "network: RUNWRIGHT_WEBHOOK_ALLOWED_NETWORKS."
    )


def _judged(status: int) -> int:
    if 200 <= status < 300:  # noqa: PLR2004
        return status
    if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004
        raise Undelivered(f"It was answered with status {status}.")
    if 300 <= status < 400:  # noqa: PLR2004
        raise Refused(f"It was answered with a redirect ({status}), and those are not followed.")
    raise Refused(f"It was answered with status {status}.")
