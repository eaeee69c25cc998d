"""A client that goes on making runs, whatever happens to the servers."""

import random
import threading
from pathlib import Path

from chaos.client import Client, Refused, Unknown


class Creator(threading.Thread):
    """A client that makes runs, and knows of each what it was told."""

    def __init__(self, client: Client, deployment: str, folder: Path, seed: int) -> None:
        super().__init__(name="creator", daemon=True)
        self._client = client
        self._deployment = deployment
        self._folder = folder
        self._chance = random.Random(seed)
        self._is_over = threading.Event()
        self._name = f"creator {seed}"
        #: Idempotency key -> the id, or None where no answer came.
        self.told: dict[str, str | None] = {}
        self.conflicts: list[str] = []

    def run(self) -> None:
        """Until `stop`."""
        while not self._is_over.wait(self._chance.uniform(0.1, 0.5)):
            key = f"{self._name} {len(self.told)}"
            body = {
                "idempotency_key": key,
                "parameters": {
                    "folder": str(self._folder),
                    "steps": self._chance.randrange(1, 8),
                    "seconds": round(self._chance.uniform(0.01, 0.3), 2),
                },
                "empirical_policy": {"retries": self._chance.choice([0, 1, 3]), "retry_delay": 0},
            }
            self.told[key] = None
            for _ in range(self._chance.choice([1, 1, 3])):  # some ask again, though answered
                try:
                    path = f"/deployments/{self._deployment}/create_flow_run"
                    made = self._client.ask("POST", path, body, seconds=3)["id"]
                except (Unknown, Refused):
                    continue
                if self.told[key] not in {None, made}:
                    self.conflicts.append(f"{key} made {made} and {self.told[key]}")
                self.told[key] = made

    def stop(self) -> None:
        self._is_over.set()
        self.join(30)
