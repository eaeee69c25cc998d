"""An endpoint on loopback for probes of a container's or machine's health. Off unless asked for."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from runwright.errors import ConfigurationError

#: A long poll and the longest pause after a failure fit into it twice.
SILENT_SECONDS = 90.0


@asynccontextmanager
async def health_endpoint(port: int | None, age: Callable[[], float]) -> AsyncIterator[None]:
    """Answer `GET /health` on 127.0.0.1: 200 while the worker's loop goes round, else 503.

    `age`: seconds since it last did. A control plane that is away is no ill health of the worker.

    Raises:
        ConfigurationError: the port is taken.
    """
    if port is None:
        yield
        return
    from aiohttp import web  # late: few workers are probed

    async def health(_: Any) -> web.Response:
        silent = age()
        is_well = silent < SILENT_SECONDS
        about = {"status": "ok" if is_well else "stuck", "seconds_since_loop": round(silent, 1)}
        return web.json_response(about, status=200 if is_well else 503)

    application = web.Application()
    application.router.add_get("/health", health)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            raise ConfigurationError(
                f"The health endpoint cannot listen on 127.0.0.1:{port}: {error.strerror}."
            ) from error
        yield
    finally:
        await runner.cleanup()
