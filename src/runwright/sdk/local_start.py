"""Starts the control plane of this machine for a flow that asks it something and finds none."""

import logging
import os
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
    tests = _process_of_tests()
    # The usual port may be somebody else's.
    ways = [[], ["--port", "0"]] if tests is None else [_until_exit_of(tests)]
    for options in ways:
        said = _start([*_COMMAND, *options])
        found = resolve_api(settings)
        if found is not None:
            _log.warning(
                "%s needs a control plane: one was started at %s. It goes on until %s.",
                question,
                found[0],
                "`runwright server stop`" if tests is None else f"process {tests} ends",
            )
            return
    raise ServerUnreachable(
        f"{question} needs a control plane; there is none, and none could be started: {said} "
        "Start one with `runwright server start`, or set RUNWRIGHT_API_URL."
    )


def _process_of_tests() -> int | None:
    """The pytest process that this program runs in, or this program where a test started it."""
    if "PYTEST_CURRENT_TEST" not in os.environ:
        return None
    # The workers of pytest-xdist end one by one, and share the home.
    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ and "pytest" in sys.modules
    return os.getppid() if is_one_of_several else os.getpid()


def _until_exit_of(pid: int) -> list[str]:
    return ["--port", "0", "--until-exit-of", str(pid)]


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
