"""What only the operating system can do for us: parentage, signals, open files.

Linux has all of it; elsewhere the parts that do not exist do nothing, and leftovers of a run are
found by their process group alone.
"""

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36

#: Forking a warm interpreter is safe only where its libraries start no threads of their own.
CAN_FORK = sys.platform == "linux"

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

#: Orders come to a supervisor as signals. They stay blocked until it can act on them.
STOP_SIGNALS = {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}


def die_with_parent() -> None:
    """Let the kernel kill this process when the thread that forked it ends."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of every descendant that loses its own."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def name_process(name: str) -> None:
    """What `ps -o comm` shows of a fork; 15 bytes at most."""
    if _libc is not None:
        _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def children_of(pid: int) -> list[int]:
    """The living and the unreaped children of a single-threaded process."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def kill_quietly(pid: int, signal_number: int) -> None:
    """Send a signal to a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal_number)


def kill_group(leader: int) -> None:
    """SIGKILL the whole process group of `leader`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_orphans(keep: frozenset[int] = frozenset()) -> int:
    """SIGKILL and reap every child of this process but `keep`; the number of those found.

    Each death may bring its own children under an adopting parent, so this goes on until none
    is left.
    """
    found = 0
    while True:
        orphans = [pid for pid in children_of(os.getpid()) if pid not in keep]
        if not orphans:
            return found
        for pid in orphans:
            kill_quietly(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            found += 1


def close_files_but(*keep: int) -> None:
    """Close every open file above standard error except `keep`."""
    start = 3
    for fd in sorted(keep):
        os.closerange(start, fd)
        start = max(start, fd + 1)
    os.closerange(start, 1 << 20)


def default_signals() -> None:
    """Undo what a parent has set: default handlers, nothing blocked, no wake-up descriptor."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


def reap_dead(keep: int) -> None:
    """Reap the adopted children that have ended, all but `keep`."""
    for pid in children_of(os.getpid()):
        if pid != keep:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
