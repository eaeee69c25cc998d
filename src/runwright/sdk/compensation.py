"""Tells task runners which of their threads wait for other task runs, so that those may go on.

A runner with a limited number of threads runs dry when all of them wait for tasks that have not
begun. So whoever is about to wait says so, and another thread may take its place meanwhile.
"""

import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from runwright.sdk.context import TaskRunContext

#: An exception that is raised in a thread from outside arrives between two steps of Python code.
#: So nobody waits for longer than this in one step.
_SLICE_SECONDS = 0.25


class Place(Protocol):
    """The place of a thread in a task runner."""

    def waiting(self) -> AbstractContextManager[bool]:
        """While inside, another thread may take the place. False: there is no room for more."""
        ...


class _Here(threading.local):
    #: The place of this thread, set by the runner that it belongs to.
    place: Place | None = None


here = _Here()
_NO_PLACE: AbstractContextManager[bool] = nullcontext(True)


def waiting_for(context: "TaskRunContext | None") -> AbstractContextManager[bool]:
    """To be entered round every wait for a task run, or for any of several.

    False is given when no thread can take the place of this one.
    """
    place = here.place
    if place is None and context is not None:
        place = _place_of_caller(context)
    return _NO_PLACE if place is None else place.waiting()


def _place_of_caller(context: "TaskRunContext") -> Place | None:
    """For threads of the user's own: the task that submitted the run waits for its threads."""
    parent, flow_run = context.parent, context.flow_run
    if parent is None or flow_run is None:
        return None
    return flow_run.place_for_guest()


def is_inside_loop() -> bool:
    """Whether an event loop runs in this thread."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001


def wait_in_slices(wait: Callable[[float], Any], timeout: float | None) -> bool:
    """`wait(seconds)` again and again, until it gives something true or the time is over."""
    if timeout is None:
        while not wait(_SLICE_SECONDS):
            pass
        return True
    deadline = _monotonic() + timeout
    left = timeout
    while not wait(max(0.0, min(_SLICE_SECONDS, left))):
        left = deadline - _monotonic()
        if left <= 0:
            return False
    return True


def _monotonic() -> float:
    from runwright.clock import SystemClock

    return SystemClock().monotonic()
