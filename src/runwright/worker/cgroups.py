"""Memory of the control group that this process is in: version 1 or 2 of the kernel's interface.

Inside a container the group's own path is not visible; there its root is the container's group.
"""

from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
#: Version 1 says "no limit" with a number near 2**63.
_NO_LIMIT = 1 << 60


@dataclass(frozen=True)
class MemoryGroup:
    """Where the figures of one group are, and how they are called."""

    folder: Path
    version: int

    def limit_bytes(self) -> int | None:
        """The most memory the group may have; None when there is no limit."""
        limit = _number(self.folder / ("memory.max" if self._is_v2 else "memory.limit_in_bytes"))
        return None if limit is None or limit >= _NO_LIMIT else limit

    def used_bytes(self) -> int | None:
        """What the group has now, page cache included."""
        return _number(self.folder / ("memory.current" if self._is_v2 else "memory.usage_in_bytes"))

    def kills(self) -> int:
        """How many processes of the group the kernel has killed for want of memory."""
        name = "memory.events" if self._is_v2 else "memory.oom_control"
        try:
            lines = (self.folder / name).read_text().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    @property
    def _is_v2(self) -> bool:
        return self.version == 2  # noqa: PLR2004


def memory_group(
    *, root: Path = _ROOT, membership: Path = Path("/proc/self/cgroup")
) -> MemoryGroup | None:
    """The memory group of this process; None where the system has none."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return _visible(root / "memory", path, "memory.usage_in_bytes", 1)
    for line in lines:
        if line.startswith("0::"):
            return _visible(root, line[3:], "memory.current", 2)
    return None


class MemoryWatch:
    """Whether the kernel has killed for want of memory in our group since this was made."""

    def __init__(self) -> None:
        self._group = memory_group()
        self._kills = self._group.kills() if self._group else 0

    def has_run_out(self) -> bool:
        """Some process of the group was killed; the caller knows of one that was."""
        return self._group is not None and self._group.kills() > self._kills

    def limit_bytes(self) -> int | None:
        """The most memory the group may have; None when there is no limit."""
        return self._group.limit_bytes() if self._group else None


def _visible(top: Path, path: str, witness: str, version: int) -> MemoryGroup | None:
    for folder in (top / path.lstrip("/"), top):
        if (folder / witness).exists():
            return MemoryGroup(folder, version)
    return None


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
