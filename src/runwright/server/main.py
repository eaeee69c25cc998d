"""`runwright server start`: the database, the services and HTTP, from the first to the last."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from granian.constants import Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server

from runwright.clock import SystemClock, new_id
from runwright.errors import ConfigurationError
from runwright.local_server import LocalServer, announce_server, withdraw_server
from runwright.private_files import narrow, narrow_home
from runwright.server.app import create_app
from runwright.server.bootstrap import bootstrap
from runwright.server.database import opened
from runwright.server.duties import duties_of, run_duty
from runwright.server.first_key import keep_admin_key
from runwright.server.idle_connections import Connections, Sweeper, places_for_connections
from runwright.server.vault import key_file_of
from runwright.server.wiring import Wiring
from runwright.settings import Settings

#: Connections that wait to be accepted.
_BACKLOG = 1024
#: How long the head of a request may take, in milliseconds; also how long a connection may wait for
#: its next request. Clients give their connections up after 15 seconds, or less.
_HEAD_TIMEOUT_MS = 20_000
_HEAD_BYTES = 64 * 1024
#: When garbage is looked for. As Python has it, one large body would be looked through many times
#: while it is read, and hold up every other request for as long.
GARBAGE = (100_000, 10, 10)
#: How long requests that are under way may take when the server stops.
_DRAIN_SECONDS = 10.0


class PortInUse(ConfigurationError):
    """Another process listens there."""


def serve(
    settings: Settings,
    *,
    host: str | None = None,
    port: int | None = None,
    scheduler: bool = True,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. Port 0 takes a free one.

    `scheduler` False leaves out the duty that makes runs of schedules. `on_ready` is called once,
    when requests are answered; by default two lines are printed.

    Raises:
        PortInUse: another process listens on the port.
        DatabaseError: the database is in use, cannot be reached, or is newer than the program.
        ConfigurationError: the certificate or its key cannot be used.
    """
    check_certificate(settings.server_tls_cert, settings.server_tls_key)
    serving = _Serving(settings, scheduler=scheduler, on_ready=on_ready or _print_ready)
    address = host or settings.server_host
    chosen = settings.server_port if port is None else port
    with asyncio.Runner(loop_factory=_new_event_loop()) as runner:
        runner.run(serving.run(address, free_port(address, chosen)))


def _new_event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """That of uvloop, for which a statement to Postgres is less work; there is none for Windows."""
    try:
        import uvloop  # not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Refuse a certificate that connections would fail with.

    Raises:
        ConfigurationError: a file is missing or no PEM, or the key belongs to another certificate.
    """
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        lacking = "server_tls_key" if key is None else "server_tls_cert"
        raise ConfigurationError(f"For https, {lacking} has to be set too.")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate, key, password=""
        )
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificate {certificate} with the key {key} cannot be used: {error}. Check "
            "server_tls_cert and server_tls_key: both PEM files, the key without a pass phrase."
        ) from error


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        PortInUse: something listens there, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise PortInUse(
                f"Cannot listen on {host}:{port}: {error.strerror or error}. Stop what runs "
                f"there, or choose another port with --port."
            ) from None
        return int(probe.getsockname()[1])


def _print_ready(url: str) -> None:
    sys.stdout.write(f"Runwright serves {url}\n")
    sys.stdout.flush()


class _Serving:
    def __init__(
        self, settings: Settings, *, scheduler: bool, on_ready: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._scheduler = scheduler
        self._on_ready = on_ready

    async def run(self, host: str, port: int) -> None:
        database_url = self._settings.database_url
        if database_url is None:
            raise ConfigurationError("database_url is not set.")
        narrow_home(self._settings.home)
        narrow(key_file_of(self._settings))
        async with opened(database_url, "server") as storage:
            scheme = "https" if self._settings.server_tls_cert else "http"
            shown = f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
            url = f"{scheme}://{shown}:{port}"
            wiring = Wiring(storage, SystemClock(), new_id, self._settings, own_url=url)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, wiring.stopping.set)
            await bootstrap(wiring)
            await keep_admin_key(wiring, self._settings.home, f"{url}/api")
            tasks = [
                asyncio.create_task(run_duty(duty, wiring.stopping, waker=storage.waker))
                for duty in duties_of(wiring, with_scheduler=self._scheduler)
            ]
            try:
                await self._answer(wiring, host, port, url)
            finally:
                wiring.stopping.set()
                storage.waker.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, wiring: Wiring, host: str, port: int, url: str) -> None:
        connections = Connections(create_app(wiring))
        places = places_for_connections()
        server = Server(
            connections,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            log_enabled=False,
            websockets=True,
            backlog=_BACKLOG,
            backpressure=places,
            http1_settings=HTTP1Settings(header_read_timeout=_HEAD_TIMEOUT_MS),
            http2_settings=HTTP2Settings(max_headers_size=_HEAD_BYTES),
            ssl_cert=self._settings.server_tls_cert,
            ssl_key=self._settings.server_tls_key,
        )
        # What is loaded by now stays: searching it for garbage would hold up every request.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        serving = asyncio.create_task(server.serve())
        sweeper = Sweeper(port, places, connections.is_asking)
        sweeper.start()
        try:
            await _until_open(host, port, serving)
            announce_server(self._settings.home, LocalServer(url=f"{url}/api", pid=os.getpid()))
            self._on_ready(f"{url}/api")
            stopped = asyncio.create_task(wiring.stopping.wait())
            await asyncio.wait({stopped, serving}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
        finally:
            sweeper.stop()
            withdraw_server(self._settings.home, os.getpid())
            wiring.storage.waker.close()
            await _finish(server.stop, serving)


async def _finish(stop: Callable[[], object], serving: "asyncio.Task[None]") -> None:
    if serving.done():
        serving.result()
        return
    stop()
    with suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(serving, _DRAIN_SECONDS)


async def _until_open(
    host: str, port: int, serving: "Awaitable[None] | asyncio.Task[None]"
) -> None:
    for _ in range(200):
        if isinstance(serving, asyncio.Task) and serving.done():
            serving.result()
        try:
            _, writer = await asyncio.open_connection(host if host != "0.0.0.0" else None, port)  # noqa: S104
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return
    raise PortInUse(f"The server did not begin to listen on {host}:{port}.")
