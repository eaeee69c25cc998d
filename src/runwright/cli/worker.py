"""`runwright worker`."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from cyclopts import App, Parameter

from runwright.cli.exit_codes import Exit
from runwright.cli.render import Column, Output, log_to_stderr, say, show, when
from runwright.cli.session import session
from runwright.cli.work_pool import unknown_pool
from runwright.client.calls import work_pools
from runwright.errors import ConfigurationError, NotFound, RunwrightError, ServerUnreachable
from runwright.settings import load_settings, resolve_api

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

app = App(name="worker", help="Run flows on this machine for a work pool.")
app.command("runwright.cli.worker_service:app", name="service", help="The worker under systemd.")


@app.command
def start(  # noqa: PLR0913  # the options of a worker, by name
    *,
    pool: Annotated[str, Parameter(name=["--pool", "-p"])],
    queue: Annotated[list[str] | None, Parameter(name=["--queue", "-q"])] = None,
    name: Annotated[str | None, Parameter(name=["--name", "-n"])] = None,
    limit: Annotated[int | None, Parameter(name=["--limit", "-l"])] = None,
    type: str = "process",  # noqa: A002  # the word of the field
    create_pool: Annotated[bool, Parameter(negative="")] = False,
    with_healthcheck: int | None = None,
) -> None:
    """Run flows for a pool until SIGTERM or Ctrl-C; again Ctrl-C does not wait for what runs.

    Parameters
    ----------
    pool
        The work pool to run flows for.
    queue
        Only from these queues of the pool; may be given several times.
    name
        A label. Default: the host's name and the process id; of a docker worker, which finds its
        containers again by it, the host's name.
    limit
        How many flows may run at once. Default: by the number of processors.
    type
        What to launch: process or docker.
    create_pool
        Create the pool when it does not exist.
    with_healthcheck
        Answer GET /health on this port of 127.0.0.1. Without it, the worker listens nowhere.
    """
    # Late: only this command needs the worker.
    from runwright.worker.start import run_worker

    settings = load_settings()
    if resolve_api(settings) is None:
        raise ServerUnreachable(
            "A worker needs a server, and none is configured or runs on this machine. Start one "
            "with `runwright server start`, or set RUNWRIGHT_API_URL."
        )
    log_to_stderr(settings.log_level, _FORMAT)
    work = run_worker(
        settings,
        pool=pool,
        queues=queue or (),
        name=name,
        limit=limit,
        type=type,
        create_pool=create_pool,
        health_port=with_healthcheck,
    )
    try:
        asyncio.run(work)
    except ConfigurationError as error:
        raise _explained(error, pool) from None


def _explained(error: ConfigurationError, pool: str) -> RunwrightError:
    """The error; when the pool is what is missing, with the pools there are."""
    try:
        with session() as caller:
            try:
                caller.call(work_pools.read(pool))
            except NotFound:
                return unknown_pool(caller, pool)
    except RunwrightError:
        return error  # a worker's key may not list pools
    return error


@app.command
def health(port: int, /) -> int:
    """Ask the worker that was started with --with-healthcheck PORT; exit with 0 if it is well."""
    # Late: the smallest client there is, for a command that runs every few seconds.
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        say(answer.read().decode())
    except OSError as error:
        raise ServerUnreachable(
            f"No worker answers on 127.0.0.1:{port}: {error}. Was it started with "
            f"--with-healthcheck {port}?"
        ) from error
    finally:
        connection.close()
    return Exit.OK if answer.status == HTTPStatus.OK else Exit.ERROR


@app.command(name="ls")
def ls(
    *,
    pool: Annotated[str | None, Parameter(name=["--pool", "-p"])] = None,
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    output: Output = "table",
) -> None:
    """List workers that are online; with --all those that are gone too."""
    with session() as caller:
        pools = [pool] if pool else [each.name for each in caller.call(work_pools.find())]
        found = [
            (name, worker)
            for name in pools
            for worker in caller.call(work_pools.workers(name))
            if all_ or worker.status == "ONLINE"
        ]
    columns = [
        Column("NAME", lambda w: w[1].name),
        Column("POOL", lambda w: w[0]),
        Column("STATUS", lambda w: w[1].status),
        Column("RUNS", lambda w: f"{w[1].executions}/{w[1].limit or '?'}"),
        Column("SEEN", lambda w: when(w[1].last_heartbeat_time)),
        Column("ID", lambda w: w[1].id),
    ]
    if output == "json":
        show([worker for _, worker in found], columns, output, name=str)
    else:
        show(found, columns, output, name=lambda w: str(w[1].id))
