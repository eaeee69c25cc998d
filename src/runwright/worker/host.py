"""How the worker's machine does, as it is told with every sync."""

from pathlib import Path

import psutil

from runwright.api.executions import HostFigures
from runwright.core.clock import Clock
from runwright.worker.cgroups import memory_group

#: Figures are at least this old before they are taken again.
_FRESH_SECONDS = 2.0


class Host:
    """Reads the machine's figures, at most every other second."""

    def __init__(self, disk: Path, *, clock: Clock) -> None:
        self._disk = disk
        self._clock = clock
        self._group = memory_group()
        self._read_at = float("-inf")
        self._figures = HostFigures()
        # The first reading of the processor is the start of the interval that the next one ends.
        psutil.cpu_percent(interval=None)

    def figures(self) -> HostFigures:
        """The latest figures; what cannot be known here is None."""
        now = self._clock.monotonic()
        if now - self._read_at >= _FRESH_SECONDS:
            self._read_at = now
            self._figures = self._read()
        return self._figures

    def _read(self) -> HostFigures:
        memory = psutil.virtual_memory()
        disk = psutil.disk_usage(str(_existing(self._disk)))
        return HostFigures(
            cpu_count=psutil.cpu_count(),
            cpu_used=round(psutil.cpu_percent(interval=None) / 100, 3),
            load_1m=round(psutil.getloadavg()[0], 2),
            memory_total_bytes=memory.total,
            memory_used_bytes=memory.total - memory.available,
            memory_limit_bytes=self._group.limit_bytes() if self._group else None,
            disk_total_bytes=disk.total,
            disk_used_bytes=disk.used,
        )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
