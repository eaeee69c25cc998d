"""What is sent to addresses of users, and which addresses those may be."""

import ipaddress
import re
from collections.abc import Mapping, Sequence

import msgspec

from runwright.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Only this part of IPv6 is given out for hosts of the Internet.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
#: The special-purpose registries of IANA, and what is reserved or deprecated. The list is our own
#: because Python's `is_global` differs between its versions and lacks some of these.
_SPECIAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; some clouds keep their metadata here
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, with the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments: the dummy address, port control, discovery
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnelling
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the former 6bone
        "3fff::/20",  # documentation
    )
)
#: A request says itself how it is framed and to whom it goes. These would contradict it, or speak
#: to a proxy on the way.
_NOT_SENT = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


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


def refuse_malformed(request: Request) -> None:
    """Refuse a method or headers that would change where or how the request is sent.

    Raises:
        Refused: names the header or method, and why.
    """
    if request.method.upper() not in _METHODS:
        raise Refused(
            f"The method {request.method!r} cannot be sent: use one of "
            f"{', '.join(sorted(_METHODS))}."
        )
    for name, value in request.headers.items():
        if _HEADER_NAME.fullmatch(name) is None:
            raise Refused(f"{name!r} is not the name of a header.")
        if name.lower() in _NOT_SENT or name.lower().startswith("x-forwarded-"):
            raise Refused(
                f"The header {name!r} may not be set: the server sets it, or it speaks to proxies. "
                "Remove it from the block."
            )
        if _CONTROL.search(value):
            raise Refused(f"The value of the header {name!r} contains a control character.")


def merged(*several: Mapping[str, str]) -> dict[str, str]:
    """Headers of which later ones win, however their names are written."""
    found: dict[str, tuple[str, str]] = {}
    for headers in several:
        found |= {name.lower(): (name, value) for name, value in headers.items()}
    return dict(found.values())


def may_call(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether it is a public address, or in a network that the settings allow."""
    meant = _meant(address)
    if any(meant in network or address in network for network in allowed):
        return True
    if isinstance(meant, ipaddress.IPv6Address) and meant not in _GLOBAL_UNICAST:
        return False
    return not any(meant in network for network in _SPECIAL)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped
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
