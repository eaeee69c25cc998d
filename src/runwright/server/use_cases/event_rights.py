"""Which events a client may tell: none that would pass for the server's own word.

Automations act on events, and Prefect's runners stop flows on them, so what the server itself tells
is told by nobody else. What Prefect's clients tell of task runs is the record of those, and their
heartbeats keep runs alive: that takes the scope by which such a client moves its runs.
"""

from collections.abc import Sequence

from runwright.api.events import Event
from runwright.server.keys import Principal
from runwright.server.problems import Denied

#: Names of events that the server tells: states of flow runs, automations, forced moves.
_SERVERS_OWN = ("prefect.flow-run.", "prefect.automation.", "runwright.")
_HEARTBEAT = "prefect.flow-run.heartbeat"
_TASK_RUN = "prefect.task-run."
_MOVES_RUNS = "runs:write"


def why_refused(principal: Principal, event: Event) -> str | None:
    """Why the principal may not tell of this event; None where it may."""
    name = event.event
    if name == _HEARTBEAT or name.startswith(_TASK_RUN):
        if _MOVES_RUNS in principal.scopes:
            return None
        return f"To tell of {name!r}, which counts as the word of a run, needs {_MOVES_RUNS}."
    if name.startswith(_SERVERS_OWN):
        return f"Events named {name!r} are told by the server alone: give yours another name."
    return None


def refuse_forged(principal: Principal, events: Sequence[Event]) -> None:
    """Refuse all where one would pass for the server's, or for a run's.

    Raises:
        Denied: 403.
    """
    for each in events:
        why = why_refused(principal, each)
        if why is not None:
            raise Denied(f"Event {each.id}: {why} Nothing was stored.", status=403)
