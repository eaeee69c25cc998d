"""Requests to addresses that users have given: never to where the users themselves could not go.

A name is resolved once, every address that it has is looked at, and the connection goes to one of
those. Redirects are not followed, and of an answer only the status and a little is read.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from runwright.server.outbound import (
    Network,
    Refused,
    Request,
    Undelivered,
    may_call,
    refusal,
    refuse_malformed,
)

_READ = 16 * 1024


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
        refuse_malformed(request)
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
        if not may_call(address, self._allowed):
            raise Refused(refusal(url.host, address))
        return url

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self._resolver = self._resolver or ThreadedResolver(asyncio.get_running_loop())
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            address = ipaddress.ip_address(each["host"].partition("%")[0])
            if not may_call(address, self._allowed):
                raise _NotAllowed(refusal(host, address))
        return found

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()


def _judged(status: int) -> int:
    if 200 <= status < 300:  # noqa: PLR2004
        return status
    if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004
        raise Undelivered(f"It was answered with status {status}.")
    if 300 <= status < 400:  # noqa: PLR2004
        raise Refused(f"It was answered with a redirect ({status}), and those are not followed.")
    raise Refused(f"It was answered with status {status}.")
