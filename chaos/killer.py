"""Servers that are killed one after the other, and started again at once."""

import random
import threading

from chaos.cluster import Cluster


class Killer(threading.Thread):
    """Kills a server every so many seconds until it is told to stop."""

    def __init__(
        self, cluster: Cluster, seed: int, pause: tuple[float, float], *, crashes: float = 0
    ) -> None:
        """`pause` is the least and the most between two of them.

        `crashes` is how often the database, a Postgres, goes down with the server: 1 is always.
        """
        super().__init__(name="killer", daemon=True)
        self._cluster, self._chance = cluster, random.Random(seed)
        self._pause, self._crashes = pause, crashes
        self._is_over = threading.Event()
        self.kills = 0
        self.crashes = 0

    def run(self) -> None:
        """Until `stop`."""
        cluster = self._cluster
        while not self._is_over.wait(self._chance.uniform(*self._pause)):
            server = self._chance.choice(cluster.servers)
            server.kill()
            self.kills += 1
            if cluster.postgres is not None and self._chance.random() < self._crashes:
                cluster.postgres.crash()
                self.crashes += 1
            server.start()
            if len(cluster.servers) == 1:
                server.wait_until_up()

    def stop(self) -> str:
        """No more; every server is up again. What was done, in words."""
        self._is_over.set()
        self.join(60)
        for server in self._cluster.servers:
            server.wait_until_up()
        crashed = f", {self.crashes} crashes of Postgres" if self.crashes else ""
        return f"{self.kills} servers killed{crashed}"
