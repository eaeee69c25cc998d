"""Somebody who looks all the time at what must never be so."""

import threading

from chaos.client import Client, Refused, Unknown
from chaos.goals import Goals

_ACTIVE = {"flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}}}


class Watch(threading.Thread):
    """Looks how many slots are taken."""

    def __init__(self, client: Client, goals: Goals, limit: int) -> None:
        super().__init__(name="watch", daemon=True)
        self._client, self._limit = client, limit
        self._goal = goals["G9 a limit is never passed"]
        self._is_over = threading.Event()

    def run(self) -> None:
        """Until `stop`."""
        while not self._is_over.wait(0.2):
            try:
                count = self._client.ask("POST", "/flow_runs/count", _ACTIVE, seconds=2)
            except (Unknown, Refused):
                continue
            self._goal.expect(count <= self._limit, f"{count} runs in {self._limit} slots")

    def stop(self) -> None:
        self._is_over.set()
        self.join(30)
