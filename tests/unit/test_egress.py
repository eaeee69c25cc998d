"""Where requests of users may go: every address of a name is looked at, and one of them called."""

import asyncio
import ipaddress

import pytest
from aiohttp.abc import AbstractResolver

from runwright.errors import ConfigurationError
from runwright.server.egress import Egress
from runwright.server.outbound import Refused, Request, may_call, networks_of

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
]


class Names(AbstractResolver):
    """A name server that says something else each time."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=0):
        found = self.answers.pop(0)
        return [
            {"hostname": host, "host": each, "port": port, "family": family, "proto": 0, "flags": 0}
            for each in found
        ]

    async def close(self):
        pass


def sent(url, *answers, allowed=()):
    async def go():
        egress = Egress(networks_of(allowed), timeout=5)
        egress._guard._resolver = Names(*answers) if answers else None
        try:
            return await egress.send(Request(method="POST", url=url))
        finally:
            await egress.close()

    return asyncio.run(go())


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused_as_numbers_and_as_names(address):
    host = f"[{address}]" if ":" in address else address
    for url, answers in (
        (f"http://{host}/", ()),
        ("http://a.example/", ([address],)),
        ("http://a.example/", (["8.8.8.8", address],)),
    ):
        with pytest.raises(Refused, match="not a public address"):
            sent(url, *answers)


def test_a_public_address_may_be_called():
    for text in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"):
        assert may_call(ipaddress.ip_address(text), [])


def test_an_allowed_network_may_be_called_and_no_other():
    allowed = networks_of(["10.1.0.0/16", "127.0.0.1"])
    for text, may in (("10.1.2.3", True), ("10.2.0.1", False), ("127.0.0.1", True)):
        assert may_call(ipaddress.ip_address(text), allowed) is may


def test_a_network_that_is_none_is_refused_at_the_start():
    with pytest.raises(ConfigurationError, match=r"10\.1\.0\.0/16"):
        networks_of(["the office"])
