"""Runs by hand: begun, ended and fenced through the journal; and journals taken in from disk."""

import json
from uuid import uuid4

import pytest

from runwright.server.spool import SpoolReader

NOW = "2026-11-01T10:00:00Z"


def started(run_id, name="by hand"):
    return {"kind": "flow_run", "flow_run_id": run_id, "flow_name": name, "timestamp": NOW}


def moved(run_id, kind):
    state = {"id": str(uuid4()), "type": kind, "name": kind.capitalize(), "timestamp": NOW}
    return {"kind": "flow_state", "flow_run_id": run_id, "state": state}


@pytest.fixture
def ids():
    return str(uuid4()), str(uuid4())


def test_a_run_by_hand_begins_and_ends_with_one_request_each(api, ids):
    run_id, execution_id = ids
    path = f"/api/flow_runs/{run_id}/journal"
    begin = {
        "token": 0,
        "execution_id": execution_id,
        "entries": [started(run_id), moved(run_id, "RUNNING")],
    }
    first = api.ok("POST", path, begin)
    assert first["next"] == 2
    assert [a["result"]["status"] for a in first["answers"]] == ["ACCEPT"]
    assert api.ok("POST", path, begin)["next"] == 2
    body = {
        "token": first["token"],
        "execution_id": execution_id,
        "first": 2,
        "entries": [moved(run_id, "COMPLETED")],
    }
    assert api.ok("POST", path, body)["next"] == 3
    assert api.ok("GET", f"/api/flow_runs/{run_id}")["state_type"] == "COMPLETED"
    stranger = {**body, "execution_id": str(uuid4()), "first": 3}
    reply = api.send("POST", path, stranger)
    assert (reply.status, reply.json["code"]) == (409, "lease_lost")


def test_a_journal_on_disk_is_taken_in_once_its_writer_is_gone(api, ids, tmp_path):
    run_id, execution_id = ids
    spool = tmp_path / "spool"
    spool.mkdir()
    lines = [
        {"root": run_id, "execution_id": execution_id, "version": 1},
        started(run_id),
        moved(run_id, "RUNNING"),
        moved(run_id, "COMPLETED"),
    ]
    file = spool / f"{execution_id}.journal"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    reader = SpoolReader(api.wiring, spool)

    assert api.run(reader.one_pass()) == 3
    assert api.ok("GET", f"/api/flow_runs/{run_id}")["state_type"] == "COMPLETED"
    assert not file.exists()


def test_a_script_that_died_crashes_its_run(api, ids, tmp_path):
    run_id, execution_id = ids
    spool = tmp_path / "spool"
    spool.mkdir()
    lines = [
        {"root": run_id, "execution_id": execution_id, "version": 1},
        started(run_id),
        moved(run_id, "RUNNING"),
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (spool / f"{execution_id}.journal").write_text(text + '{"kind": "half a li')

    api.run(SpoolReader(api.wiring, spool).one_pass())
    assert api.ok("GET", f"/api/flow_runs/{run_id}")["state_type"] == "CRASHED"
    assert list(spool.iterdir()) == []


def test_entries_about_other_runs_are_logged_once_and_leave_nothing(api, ids, caplog, tmp_path):
    run_id, execution_id = ids
    other, owner = str(uuid4()), str(uuid4())
    begin = [started(other, name="theirs"), moved(other, "RUNNING")]
    body = {"token": 0, "execution_id": owner, "entries": begin}
    api.ok("POST", f"/api/flow_runs/{other}/journal", body)
    before = api.ok("GET", f"/api/flow_runs/{other}")
    patch = {"kind": "flow_run_patch", "flow_run_id": other, "name": "evil"}
    entries = [started(run_id), patch, moved(other, "FAILED"), patch]
    path = f"/api/flow_runs/{run_id}/journal"
    # The same from a file, whose states are decided already.
    spool = tmp_path / "spool"
    spool.mkdir()
    lines = [{"root": run_id, "execution_id": execution_id}, *entries, moved(run_id, "COMPLETED")]
    (spool / "x.journal").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    assert api.run(SpoolReader(api.wiring, spool).one_pass()) == len(lines) - 1
    again = {"token": 1, "execution_id": execution_id, "first": 5, "entries": [patch]}
    assert api.send("POST", path, again).status == 200

    after = api.ok("GET", f"/api/flow_runs/{other}")
    for name in ("estimated_run_time", "total_run_time"):
        before.pop(name), after.pop(name)
    assert after == before
    assert api.ok("GET", f"/api/flow_runs/{run_id}")["state_type"] == "COMPLETED"
    (said,) = [each.getMessage() for each in caplog.records if "not its own" in each.getMessage()]
    assert "sent 3 journal entries" in said
    assert f"names flow_run_id {other}" in said
