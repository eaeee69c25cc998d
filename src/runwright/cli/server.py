"""`runwright server`."""

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urljoin

import msgspec
from cyclopts import App, Parameter

from runwright.cli.exit_codes import Exit
from runwright.cli.render import Output, acted, log_to_stderr, note, say, show_one
from runwright.cli.session import server_packages, session
from runwright.cli.waiting import until
from runwright.client.calls import keys
from runwright.client.calls import server as calls
from runwright.errors import RunwrightError, ServerUnreachable
from runwright.local_server import LocalServer, local_server, wait_for_exit
from runwright.private_files import open_private, private_folder
from runwright.settings import Settings, load_settings, resolve_api

app = App(name="server", help="Start, stop and ask after the control plane on this machine.")

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@app.command
def start(
    *,
    host: str | None = None,
    port: int | None = None,
    database_url: str | None = None,
    scheduler: Annotated[bool, Parameter(negative="--no-scheduler")] = True,
    background: Annotated[bool, Parameter(negative="")] = False,
    until_exit_of: int | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; with --background, return as soon as it answers.

    Parameters
    ----------
    host
        The address to listen on. Default: that of the settings, 127.0.0.1.
    port
        The port; 0 takes a free one. Default: that of the settings, 4300.
    database_url
        sqlite:///path or postgresql://user@host/name. Default: that of the settings.
    scheduler
        Make runs of schedules. One of several servers of a database is enough.
    background
        Go on as a process of its own, whose output goes to server.log in the home.
    until_exit_of
        Stop when the process of this id has ended: for a server that tests need.
    """
    settings = load_settings()
    if database_url is not None:
        settings = msgspec.structs.replace(settings, database_url=database_url)
    running = local_server(settings.home)
    if running is not None:
        note(f"A server of this home runs already: {running.url}, process {running.pid}.")
    if background:
        options = _options(host=host, port=port, scheduler=scheduler, until_exit_of=until_exit_of)
        _start_in_background(settings, options)
        return
    with server_packages():
        # Late: loads the whole server.
        from runwright.server.main import serve
    log_to_stderr(settings.log_level, _FORMAT)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of its plugins at INFO
    if until_exit_of is not None:
        threading.Thread(target=_stop_after, args=(until_exit_of,), daemon=True).start()
    serve(settings, host=host, port=port, scheduler=scheduler)


@app.command
def sign_in(*, output: Output = "table") -> None:
    """Print a link that signs one browser in, once, within 15 minutes."""
    with session() as caller:
        link = caller.call(keys.sign_in_link())
    api = resolve_api(load_settings())
    if not link.is_public and link.path and api is not None:
        # The server was not told its address; this command reached it under this one.
        link = msgspec.structs.replace(link, url=urljoin(api[0], link.path))
    if output == "table":
        say(link.url)
    else:
        show_one(link, output, name=link.url)


@app.command
def stop(*, output: Output = "table") -> int:
    """Stop the server of this home, once it has answered what it was asked."""
    settings = load_settings()
    running = local_server(settings.home)
    if running is None:
        note(f"No server runs here: there is none of {settings.home}.")
        return Exit.UNREACHABLE
    os.kill(running.pid, signal.SIGTERM)
    if not until(lambda: local_server(settings.home) != running, _STOP_SECONDS):
        note(f"Process {running.pid} was told to stop and still runs after {_STOP_SECONDS:g} s.")
        return Exit.ERROR
    acted("stopped", running.url, output)
    return Exit.OK


@app.command
def status(*, output: Output = "table") -> int:
    """Tell whether the server answers: the configured one, else that of this home.

    Exit status 5 when it does not.
    """
    settings = load_settings()
    found = resolve_api(settings)
    if found is None:
        note("No server is configured and none runs here. Start one: runwright server start")
        return Exit.UNREACHABLE
    running = local_server(settings.home)
    about: dict[str, Any] = {
        "url": found[0],
        "pid": running.pid if running is not None and running.url == found[0] else None,
        "version": None,
        "health": "unreachable",
    }
    problem = _ask(settings, about)
    show_one(about, output, name=found[0])
    if problem is not None:
        note(f"Error: {problem}")
        return Exit.UNREACHABLE
    return Exit.OK


def _ask(settings: Settings, about: dict[str, Any]) -> RunwrightError | None:
    # Late: the HTTP client takes 0.1 s to load.
    from runwright.client.blocking import connect

    try:
        with connect(settings) as client:
            client.call(calls.health())
            about["health"] = "ok"
            about["version"] = client.call(calls.version())
    except RunwrightError as error:
        if about["health"] != "ok":
            return error
        note(f"It answers, and did not tell its version: {error}")
    return None


def _options(
    *, host: str | None, port: int | None, scheduler: bool, until_exit_of: int | None
) -> list[str]:
    """The options of `start`, for a command line."""
    options = [] if host is None else ["--host", host]
    options += [] if port is None else ["--port", str(port)]
    options += [] if scheduler else ["--no-scheduler"]
    return options + ([] if until_exit_of is None else ["--until-exit-of", str(until_exit_of)])


def _stop_after(pid: int) -> None:
    """Stop this server once the process has ended."""
    wait_for_exit(pid)
    os.kill(os.getpid(), signal.SIGTERM)


def _start_in_background(settings: Settings, options: list[str]) -> None:
    command = [sys.executable, "-m", "runwright.cli.main", "server", "start"]
    command += ["--database-url", str(settings.database_url), *options]
    log = private_folder(settings.home) / "server.log"
    # It says whose runs these are, and what went wrong with them.
    with open_private(log, "ab") as output:
        begin = output.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    until(lambda: process.poll() is not None or _is_up(settings, process.pid), _START_SECONDS)
    running = _announced(settings, process.pid)
    if running is None:
        process.terminate()
        raise ServerUnreachable(f"The server did not start. {_said(log, begin)}")
    say(f"Runwright serves {running.url} (process {running.pid}, output in {log})")


def _is_up(settings: Settings, pid: int) -> bool:
    return _announced(settings, pid) is not None


def _announced(settings: Settings, pid: int) -> LocalServer | None:
    running = local_server(settings.home)
    return running if running is not None and running.pid == pid else None


def _said(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read().decode(errors="replace").strip() or f"It said nothing; see {log}."
