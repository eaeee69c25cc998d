"""A client of the stream of events that is cut again and again hears every state, in order.

It comes back with the latest `received` that it has seen, as the cursor; what it hears twice it
knows by the id.
"""

import threading
from collections import defaultdict

from tests.acceptance.worker.raw_websocket import RawWebsocket

from runwright.credentials import key_for

RUNS, MOVES, CUT_AFTER = 8, 30, 7


class Follower:
    """Hears the states of runs, cuts its connection every few events, and comes back."""

    def __init__(self, site):
        self.site, self.key = site, key_for(site.home, site.url)
        self.cursor, self.cuts, self.repeated = "2000-01-01T00:00:00Z", 0, 0
        self.states = defaultdict(list)
        self.known = set()
        self.is_over = threading.Event()

    def follow(self):
        while not self.is_over.is_set():
            socket = RawWebsocket(self.site.port, "/api/events/out", self.key)
            wanted = {
                "occurred": {"since": self.cursor},
                "event": {"prefix": ["prefect.flow-run."]},
            }
            socket.send({"type": "filter", "filter": wanted})
            new = 0
            while new < CUT_AFTER and (frame := socket.receive()) is not None:
                new += self.hear(frame["event"])
            socket.close()
            self.cuts += 1

    def hear(self, event):
        self.cursor = max(self.cursor, event["received"])
        if event["id"] in self.known:
            self.repeated += 1
            return False
        self.known.add(event["id"])
        self.states[event["resource"]["prefect.resource.id"].rpartition(".")[2]].append(event["id"])
        return True


def test_a_client_that_is_cut_hears_all_states_of_each_run_in_their_order(site):
    flow = site.ask("POST", "/flows/", {"name": "f"})["id"]
    runs = [
        site.ask("POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})["id"]
        for _ in range(RUNS)
    ]
    follower = Follower(site)
    following = threading.Thread(target=follower.follow)
    following.start()
    try:
        for number in range(MOVES):
            for run in runs:
                state = {"type": ("RUNNING", "PAUSED")[number % 2]}
                site.ask("POST", f"/flow_runs/{run}/set_state", {"state": state, "force": True})
        site.until(lambda: len(follower.known) >= RUNS * (MOVES + 1))
    finally:
        follower.is_over.set()
        site.ask("POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})
        site.stop_server()
        following.join(30)
    assert follower.cuts >= RUNS * MOVES // CUT_AFTER
    site.start_server()
    for run in runs:
        history = site.ask("GET", f"/flow_run_states/?flow_run_id={run}")
        assert follower.states[run] == [each["id"] for each in history]
        assert len(history) == MOVES + 1
