"""Requests to the control plane from where no channel carries them."""

from typing import TYPE_CHECKING, Any

import msgspec

from runwright.errors import ServerUnreachable
from runwright.sdk.journal import Told

if TYPE_CHECKING:
    from runwright.settings import Settings


def ask_api(settings: "Settings", method: str, path: str, body: Any = None) -> Told:
    """One request to the configured server, else to the one that runs on this machine.

    Raises:
        ServerUnreachable: there is neither, or no answer.
    """
    # Late: only who asks needs the HTTP client.
    from runwright.client.blocking import connect
    from runwright.settings import resolve_api

    if resolve_api(settings) is None:
        raise ServerUnreachable(
            f"{method} {path} needs a control plane, and there is none. Start one with "
            "`runwright server start`, or set RUNWRIGHT_API_URL."
        )
    with connect(settings) as client:
        status, content = client.send(method, path, body)
    return Told(status, msgspec.json.decode(content) if content else None)
