"""How a process ended. The end is what the kernel tells its parent, never a closed pipe."""

import asyncio
import os
import resource
import signal
import sys
from dataclasses import dataclass

from runwright.worker import kernel


@dataclass(frozen=True)
class Death:
    """What `wait` tells of a process that is gone. Exactly one of code and signal is set."""

    exit_code: int | None
    signal: int | None
    #: The most memory that was resident at one time.
    peak_memory_bytes: int

    @property
    def was_killed(self) -> bool:
        """By SIGKILL: by somebody, or by the kernel when memory ran out."""
        return self.signal == signal.SIGKILL


async def await_death(pid: int) -> Death:
    """Wait for a child's end, then end and reap whatever it has left behind."""
    if hasattr(os, "pidfd_open"):
        await _readable(pid)
        # It is not reaped yet, so its number still stands for its process group.
        kernel.kill_group(pid)
        _, status, usage = os.wait4(pid, 0)  # noqa: ASYNC222  # it has ended: this is instant
    else:
        _, status, usage = await asyncio.to_thread(os.wait4, pid, 0)
        kernel.kill_group(pid)
    kernel.kill_orphans()
    return _death(status, usage)


async def _readable(pid: int) -> None:
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(pid)
    has_ended = asyncio.Event()
    loop.add_reader(descriptor, has_ended.set)
    try:
        await has_ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _death(status: int, usage: resource.struct_rusage) -> Death:
    code = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return Death(
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        peak_memory_bytes=usage.ru_maxrss * unit,
    )
