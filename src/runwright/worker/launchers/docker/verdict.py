"""How a container ended, in the words of a report."""

from typing import Any
from uuid import UUID

from runwright.worker.launcher import Ended
from runwright.worker.supervisor import NOT_TOLD, TOLD

_BY_SIGNAL = 128


def verdict(execution_id: UUID, found: dict[str, Any], last_lines: list[str]) -> Ended:
    """The end of an execution, from what the engine says about its container.

    The supervisor in it has told the control plane, unless it was killed or never began.
    """
    state, limit = found["State"], found["HostConfig"].get("Memory") or None
    code = state.get("ExitCode", 0)
    if code == TOLD and not state.get("Error"):
        return Ended(execution_id, is_reported=True)
    signal = code - _BY_SIGNAL if code > _BY_SIGNAL else None
    is_out_of_memory = bool(state.get("OOMKilled")) and signal is not None
    return Ended(
        execution_id,
        is_reported=False,
        reason=_reason(state, code),
        exit_code=None if signal is not None or code == NOT_TOLD else code,
        signal=signal,
        oom_killed=is_out_of_memory,
        memory_limit_bytes=limit if is_out_of_memory else None,
        last_lines=last_lines,
    )


def removed(execution_id: UUID) -> Ended:
    """The engine knows no such container any more."""
    return Ended(execution_id, is_reported=False, reason="its container was removed")


def not_started(execution_id: UUID, found: dict[str, Any]) -> Ended:
    """It was made, and the engine cannot start it."""
    said = found["State"].get("Error") or "the engine does not say why"
    return Ended(execution_id, is_reported=False, reason=f"its container could not start: {said}")


def _reason(state: dict[str, Any], code: int) -> str:
    if state.get("Error"):
        return f"its container could not start: {state['Error']}"
    if code == NOT_TOLD:
        return "its container could not reach the control plane"
    return "its container ended"
