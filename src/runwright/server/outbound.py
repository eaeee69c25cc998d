"""What is sent to addresses of users, and which addresses those may be."""

import ipaddress
from collections.abc import Sequence
from typing import Any

import msgspec

from runwright.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


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


def may_call(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether it is a public address, or in a network that the settings allow."""
    meant = _meant(address)
    if any(meant in network for network in allowed):
        return True
    return meant.is_global and not meant.is_multicast and not meant.is_reserved


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


def refusal(host: str, address: Address) -> str:
    """Why an address is not called, and what an administrator could do."""
    what = host if host == str(address) else f"{host} leads to {address}, which"
    return (
        f"{what} is not a public address. An administrator may allow its "
        "network: RUNWRIGHT_WEBHOOK_ALLOWED_NETWORKS."
    )
