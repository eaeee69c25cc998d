"""What a proxy says of a request, and of whom it is believed."""

import asyncio

import pytest

from runwright.errors import ConfigurationError
from runwright.server.proxies import TrustedProxies
from runwright.settings import load_settings


def seen(peer, headers, *, kind="http", trusted="10.0.0.0/24,fd00::/8"):
    """The scope that is passed on."""
    found = {}

    async def behind(scope, receive, send):
        del receive, send
        found.update(scope)

    settings = load_settings({"RUNWRIGHT_TRUSTED_PROXIES": trusted})
    scope = {
        "type": kind,
        "scheme": "http" if kind == "http" else "ws",
        "client": None if peer is None else (peer, 1),
        "headers": [(b"host", b"inner"), (b"accept", b"*/*"), *headers],
    }
    asyncio.run(TrustedProxies(behind, settings)(scope, None, None))
    return found


FORWARDED = [
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"rw.example.com"),
    (b"x-forwarded-for", b"1.1.1.1, 8.8.8.8, 10.0.0.7"),
    (b"forwarded", b"for=1.1.1.1"),
]


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1"])
def test_a_trusted_proxy_is_believed(peer):
    scope = seen(peer, FORWARDED)
    assert scope["scheme"] == "https"
    assert scope["headers"] == [(b"accept", b"*/*"), (b"host", b"rw.example.com")]
    assert scope["client"] == (peer, 1)  # of the connection, which can be cut
    assert seen(peer, FORWARDED, kind="websocket")["scheme"] == "wss"


@pytest.mark.parametrize("peer", ["10.0.1.1", "127.0.0.1", "8.8.8.8", "::1", "", "unix", None])
def test_nobody_else_is(peer):
    scope = seen(peer, FORWARDED)
    assert scope["scheme"] == "http"
    assert scope["headers"] == [(b"host", b"inner"), (b"accept", b"*/*")]


def test_without_the_setting_nobody_is():
    assert seen("10.0.0.1", FORWARDED, trusted="")["scheme"] == "http"


def test_nonsense_of_a_trusted_proxy_changes_nothing():
    nonsense = [
        (b"x-forwarded-proto", b"gopher"),
        (b"x-forwarded-for", b""),
        (b"x-forwarded-x", b"y"),
    ]
    scope = seen("10.0.0.1", nonsense)
    assert (scope["scheme"], scope["headers"][0]) == ("http", (b"host", b"inner"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "the proxy"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("PUBLIC_URL", "runwright.example.com"),
        ("PUBLIC_URL", "https://a.example/path"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("ALLOWED_ORIGINS", "https://a.example,*"),
        ("ALLOWED_ORIGINS", "https://user@a.example"),
        ("ALLOWED_ORIGINS", "https://a.example:none"),
    ],
)
def test_settings_that_are_none_are_refused_at_the_start(name, value):
    with pytest.raises(ConfigurationError, match=name.lower()):
        load_settings({f"RUNWRIGHT_{name}": value})
