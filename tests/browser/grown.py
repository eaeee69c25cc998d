"""A long history, written straight into SQLite: no server takes a million runs in a test's time."""

import sqlite3
import time
from pathlib import Path
from typing import Any

FLOWS = ("orders", "invoices", "training", "report", "cleanup")
#: A tag that few runs have, and one that no run of the last weeks has.
RARE, OLD = "rare", "old"
#: How far back it goes, whatever the count of runs.
DAYS = 90
_BATCH = 50_000

# What a run is follows from its number, so that the tests know what there is: 90 % completed, 5 %
# failed, 2 % crashed, 3 % cancelled.
_RUNS = """
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :last),
run AS (
  SELECT i, (i * 7919) % 100 AS kind, i % :flows AS flow, :now - i * :step AS at,
    printf('%08x-0000-4000-8000-000000000000', i) AS id FROM n
),
made AS (
  SELECT *, CASE WHEN kind < 90 THEN 'COMPLETED' WHEN kind < 95 THEN 'FAILED'
    WHEN kind < 97 THEN 'CRASHED' ELSE 'CANCELLED' END AS type FROM run
)
INSERT INTO flow_run ({columns}) SELECT {values} FROM made
"""
_VALUES = {
    "id": "id",
    "root_run_id": "id",
    "state_id": "id",
    "name": "'grown-' || i",
    "flow_id": "(SELECT id FROM grown_flow WHERE number = flow)",
    "deployment_id": "(SELECT deployment FROM grown_flow WHERE number = flow)",
    "work_pool_id": "(SELECT pool FROM grown_flow WHERE number = flow)",
    "work_queue_id": "(SELECT queue FROM grown_flow WHERE number = flow)",
    "parameters": "'{\"day\": ' || i || '}'",
    "context": "'{}'",
    "empirical_policy": "'{}'",
    "labels": "'{}'",
    "tags": f"""CASE WHEN i % 20000 = 7 THEN '["{RARE}"]' WHEN i > :last_run - 5 THEN '["{OLD}"]'
      WHEN i % 10 = 0 THEN '["nightly", "eu"]' ELSE '[]' END""",
    "auto_scheduled": "1",
    "state_type": "type",
    "state_name": "substr(type, 1, 1) || lower(substr(type, 2))",
    "state_timestamp": "at + 5000000",
    "state": "json_object('id', id, 'type', type, 'name', substr(type, 1, 1) || "
    "lower(substr(type, 2)), 'timestamp', '2026-01-01T00:00:00Z', 'message', "
    "CASE type WHEN 'FAILED' THEN 'ValueError: no price for row ' || i END)",
    "created": "at",
    "updated": "at + 5000000",
    "expected_start_time": "at",
    "start_time": "at + 300000",
    "end_time": "at + 5000000",
    "total_run_time": "4.7",
    "attempt": "1",
    **dict.fromkeys(("state_seq", "run_count", "claim_token", "launch_count"), "3"),
    **dict.fromkeys(("retries", "retries_used", "journal_next"), "0"),
}


def grow(site: Any, runs: int) -> None:
    """Give a site that many ended runs of five deployments in two pools; its server restarts."""
    places = [_place(site, name, f"pool-{number % 2}") for number, name in enumerate(FLOWS)]
    site.stop_server()
    connection = sqlite3.connect(_database(site.home), isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(
        "CREATE TEMP TABLE grown_flow (number PRIMARY KEY, id, deployment, pool, queue)"
    )
    connection.executemany(
        "INSERT INTO grown_flow VALUES (?, ?, ?, ?, ?)",
        [(number, *place) for number, place in enumerate(places)],
    )
    statement = _RUNS.format(columns=", ".join(_VALUES), values=", ".join(_VALUES.values()))
    numbers = {
        "now": int(time.time() * 1_000_000),
        "step": DAYS * 86_400_000_000 // runs,
        "flows": len(FLOWS),
        "last_run": runs,
    }
    for first in range(1, runs + 1, _BATCH):
        last = min(runs + 1, first + _BATCH)
        connection.execute(statement, numbers | {"first": first, "last": last})
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    site.start_server()


def _place(site: Any, flow: str, pool: str) -> tuple[str, str, str, str]:
    made = site.ask("GET", f"/deployments/{site.deploy(flow, pool)}")
    pool_id = site.ask("GET", f"/work_pools/{pool}")["id"]
    return made["flow_id"], made["id"], pool_id, made["work_queue_id"]


def _database(home: Path) -> Path:
    [found] = home.glob("**/*.db")
    return found
