"""Where requests of users may go: every address of a name is looked at, and one of them called."""

import asyncio
import ipaddress

import pytest
from aiohttp.abc import AbstractResolver

from runwright.errors import ConfigurationError
from runwright.server.egress import Egress
from runwright.server.notifiers import identified, webhook
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
    "192.0.0.8",
    "192.0.0.9",
    "192.0.0.10",
    "192.0.0.170",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.88.99.2",
    "192.175.48.1",
    "198.51.100.1",
    "203.0.113.1",
    "64:ff9b:1::808:808",
    "64:ff9b::c000:8",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:808:808::f7f7:f7f7",
    "2001:1::1",
    "2001:2::1",
    "2001:3::1",
    "2001:4:112::1",
    "2001:20::1",
    "2001:30::1",
    "2002:808:808::",
    "2620:4f:8000::1",
    "3ffe::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "::808:808",
    "::ffff:0:7f00:1",
    "fec0::1",
    "feff:ffff::1",
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


def sent(url, *answers, allowed=(), method="POST", **headers):
    async def go():
        egress = Egress(networks_of(allowed), timeout=5)
        egress._guard._resolver = Names(*answers) if answers else None
        try:
            return await egress.send(Request(method=method, url=url, headers=headers))
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("Content-Length", "0"),
        ("Host", "metadata.internal"),
        ("Connection", "X-Auth"),
        ("Proxy-Authorization", "Basic x"),
        ("Expect", "100-continue"),
        ("Upgrade", "h2c"),
        ("TE", "trailers"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Fine", "a\r\nTransfer-Encoding: chunked"),
        ("X-Fine", "a\nb"),
        ("X-Fine", "a\0b"),
        ("X-Bad\r\nHost", "a"),
        ("X Bad", "a"),
        ("X-Bad:", "a"),
        ("", "a"),
    ],
)
def test_headers_that_change_how_a_request_is_framed_are_refused(name, value):
    with pytest.raises(Refused, match="header"):
        sent("http://127.0.0.1:9/", allowed=["127.0.0.1"], **{name: value})


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "GET / HTTP/1.1\r\nX: y", ""])
def test_methods_that_are_none_are_refused(method):
    with pytest.raises(Refused, match="method"):
        sent("http://127.0.0.1:9/", allowed=["127.0.0.1"], method=method)


def test_a_header_is_sent_once_however_it_is_written():
    block = {"url": "http://a.example", "headers": {"content-type": "x/y", "idempotency-key": "z"}}
    made = identified(webhook("webhook", block, "{}"), "the-key", "agent")
    expected = {"content-type": "x/y", "Idempotency-Key": "the-key", "User-Agent": "agent"}
    assert made.headers == expected
