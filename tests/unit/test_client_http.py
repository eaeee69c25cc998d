"""The client against a real server on a socket: retries, refusals, timeouts, TLS."""

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from runwright.client.blocking import BlockingClient, connect
from runwright.client.call import Call, get, join, post, with_query
from runwright.client.http import Client, Target
from runwright.errors import (
    AlreadyExists,
    ApiProblem,
    LeaseLost,
    NotFound,
    ServerUnreachable,
    Unauthorized,
    Unprocessable,
)
from runwright.settings import load_settings


class Scripted:
    """A server that answers as it was told, in order; its last answer again and again."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str | None]] = []
        self.answers: list[Callable[[], web.StreamResponse]] = []
        self.released = threading.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(
            (request.method, request.path_qs, request.headers.get("Authorization"))
        )
        make = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if make is silence:
            await asyncio.to_thread(self.released.wait, 10)
        if make is hang_up and request.transport is not None:
            request.transport.abort()
        return make()


def answer(status: int, body: Any = None, **headers: str) -> Callable[[], web.StreamResponse]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: web.json_response(body, status=status, headers=named)


def silence() -> web.StreamResponse:
    return web.Response()


def hang_up() -> web.StreamResponse:
    return web.Response()


def serve(script: Scripted, tls: ssl.SSLContext | None = None) -> Callable[[], None]:
    """Serve in a thread; what is returned stops it."""
    loop = asyncio.new_event_loop()
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", script.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def begin() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        scheme = "http" if tls is None else "https"
        script.url = f"{scheme}://localhost:{port}/api"

    loop.run_until_complete(begin())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def stop() -> None:
        script.released.set()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

    return stop


@pytest.fixture
def script() -> Iterator[Scripted]:
    made = Scripted()
    stop = serve(made)
    yield made
    stop()


@pytest.fixture
def client(script: Scripted) -> Iterator[BlockingClient]:
    with BlockingClient(Client(Target(url=script.url, key="rwk_x", request_timeout=5))) as made:
        yield made


READ: Call[dict[str, int]] = get("/thing", dict[str, int])
WRITE: Call[dict[str, int]] = post("/thing", dict[str, int], {"a": 1})


def test_an_answer_is_read_as_its_type(client: BlockingClient, script: Scripted) -> None:
    script.answers = [answer(200, {"n": 1})]
    assert client.call(READ) == {"n": 1}
    assert script.requests == [("GET", "/api/thing", "Bearer rwk_x")]


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_read_is_repeated_while_the_server_is_busy(
    client: BlockingClient, script: Scripted, status: int
) -> None:
    script.answers = [answer(status), answer(status), answer(200, {"n": 2})]
    assert client.call(READ) == {"n": 2}
    assert len(script.requests) == 3


def test_a_read_is_repeated_when_the_connection_breaks(
    client: BlockingClient, script: Scripted
) -> None:
    script.answers = [hang_up, answer(200, {"n": 3})]
    assert client.call(READ) == {"n": 3}


def test_a_write_is_sent_once(client: BlockingClient, script: Scripted) -> None:
    script.answers = [answer(503, {"detail": "busy"}), answer(200, {})]
    with pytest.raises(ApiProblem, match="busy"):
        client.call(WRITE)
    assert len(script.requests) == 1


def test_the_pause_that_the_server_asks_for_is_kept(
    client: BlockingClient, script: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def note_pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note_pause)
    script.answers = [answer(429, Retry_After="2"), answer(429, Retry_After="x"), answer(200, {})]
    client.call(READ)
    assert pauses[0] >= 2
    assert pauses[1] < 2


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"detail": "no key"}, Unauthorized),
        (403, {"detail": "no scope"}, Unauthorized),
        (404, {"detail": "gone"}, NotFound),
        (409, {"detail": "there"}, AlreadyExists),
        (409, {"code": "lease_lost", "detail": "other"}, LeaseLost),
        (422, {"exception_message": "does not fit"}, Unprocessable),
        (418, {}, ApiProblem),
    ],
)
def test_refusals_are_errors_of_their_kind(
    client: BlockingClient, script: Scripted, status: int, body: Any, kind: type[ApiProblem]
) -> None:
    script.answers = [answer(status, body)]
    with pytest.raises(kind) as raised:
        client.call(READ)
    assert type(raised.value) is kind
    assert raised.value.status == status
    told = body.get("detail") or body.get("exception_message") or "HTTP 418"
    assert told in str(raised.value)


def test_no_server_names_the_url_and_how_to_start_one() -> None:
    with (
        BlockingClient(Client(Target(url="http://127.0.0.1:9/api"))) as client,
        pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:9/api.*runwright server start"),
    ):
        client.call(WRITE)


def test_a_silent_server_is_given_up(script: Scripted) -> None:
    script.answers = [silence]
    target = Target(url=script.url, request_timeout=0.1)
    with BlockingClient(Client(target)) as client, pytest.raises(ServerUnreachable, match="long"):
        client.call(WRITE)


def test_another_kind_of_server_is_told(client: BlockingClient, script: Scripted) -> None:
    script.answers = [lambda: web.Response(text="<html>")]
    with pytest.raises(ServerUnreachable, match="something else than expected"):
        client.call(READ)


def test_redirects_are_not_followed_with_the_key(client: BlockingClient, script: Scripted) -> None:
    script.answers = [answer(302, Location="http://127.0.0.1:9/")]
    assert client.send("GET", "/thing")[0] == 302


def test_paths_are_quoted() -> None:
    assert join("flows", "name", "a/b ?") == "/flows/name/a%2Fb%20%3F"
    assert with_query("/x", {"a": "1&2"}) == "/x?a=1%262"


def test_without_a_server_connect_says_how_to_get_one() -> None:
    with pytest.raises(ServerUnreachable, match="runwright server start"):
        connect(load_settings())


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, signed by an authority of its own."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates, and is not installed")
    folder = tmp_path_factory.mktemp("tls")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    usage = ["-addext", "keyUsage=critical,keyCertSign"]
    authority = ["-x509", "-days", "2", "-subj", "/CN=test authority", *usage]
    sign = ["x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
    for command in (
        [*new, *authority, "-keyout", "ca.key", "-out", "ca.pem"],
        [*new, "-subj", "/CN=localhost", "-keyout", "own.key", "-out", "own.csr"],
        [*sign, "-in", "own.csr", "-extfile", "names", "-out", "own.pem"],
    ):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def secure(certificates: Path) -> Iterator[Scripted]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "own.pem", certificates / "own.key")
    made = Scripted()
    made.answers = [answer(200, {"n": 4})]
    stop = serve(made, context)
    yield made
    stop()


def test_an_authority_of_ones_own_is_trusted_when_named(
    secure: Scripted, certificates: Path
) -> None:
    target = Target(url=secure.url, tls_ca_file=str(certificates / "ca.pem"))
    with BlockingClient(Client(target)) as client:
        assert client.call(READ) == {"n": 4}


def test_an_unknown_authority_is_refused(secure: Scripted) -> None:
    with (
        BlockingClient(Client(Target(url=secure.url))) as client,
        pytest.raises(ServerUnreachable, match="certificate"),
    ):
        client.call(WRITE)


def test_verification_can_be_switched_off(secure: Scripted) -> None:
    with BlockingClient(Client(Target(url=secure.url, tls_verify=False))) as client:
        assert client.call(READ) == {"n": 4}
