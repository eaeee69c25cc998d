"""Starts the control plane of this machine for a flow that asks it something and finds none."""

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

from runwright.errors import ServerUnreachable

if TYPE_CHECKING:
    from runwright.settings import Settings

_log = logging.getLogger("runwright.recording")

_COMMAND = [sys.executable, "-m", "runwright.cli.main", "server", "start", "--background"]
_PATIENCE_S = 60


def ensure_local_server(settings: "Settings", question: str) -> None:
    """Start a server in the background, unless one is configured or runs already.

    Of several that are started at once for one home, the database lets one live.

    Raises:
        ServerUnreachable: none could be started; `question` is what is left unanswered.
    """
    from runwright.settings import resolve_api

    if resolve_api(settings) is not None:
        return
    said = ""
    for port in ([], ["--port", "0"]):  # the usual one may be somebody else's
        said = _start([*_COMMAND, *port])
        found = resolve_api(settings)
        if found is not None:
            _log.warning(
                "%s needs a control plane: one was started at %s. It goes on until "
                "`runwright server stop`.",
                question,
                found[0],
            )
            return
    raise ServerUnreachable(
        f"{question} needs a control plane; there is none, and none could be started: {said} "
        "Start one with `runwright server start`, or set RUNWRIGHT_API_URL."
    )


def _start(command: list[str]) -> str:
    """Run the command that starts a server; its last words."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=_PATIENCE_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{error}."
    return done.stderr.strip() or done.stdout.strip()
