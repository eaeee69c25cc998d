"""A real server whose database is taken away, has a second name, or is asked too much."""

import stat
import subprocess
import threading
import time
from pathlib import Path
from uuid import uuid4

from tests.hostile.conftest import HostileSite


def database_of(site: HostileSite) -> Path:
    return site.home / "runwright.db"


def test_all_that_a_server_leaves_on_disk_is_private(site: HostileSite) -> None:
    assert site.send("POST", "/flows/", {"name": "f"}).status == 201

    found = [site.home, *site.home.rglob("*")]
    assert {f"runwright.db{suffix}" for suffix in ("", "-wal", "-shm", ".lock")} <= {
        each.name for each in found
    }
    open_to_others = [each for each in found if stat.S_IMODE(each.lstat().st_mode) & 0o077]
    assert not [each for each in open_to_others if not each.is_symlink()]


def test_a_database_that_is_taken_away_is_noticed_at_once(site: HostileSite) -> None:
    assert site.send("GET", "/ready").status == 200
    database_of(site).rename(site.home / "elsewhere.db")
    begun = time.monotonic()

    refused = site.send("POST", "/flows/", {"name": "lost"})

    assert refused.status == 503
    assert refused.json["code"] == "database_lost"
    assert "was removed or moved" in refused.json["detail"]
    assert "Stop the server, put the database in its place" in refused.json["detail"]
    assert site.send("GET", "/ready").status == 503
    assert time.monotonic() - begun < 5
    (site.home / "elsewhere.db").rename(database_of(site))
    site.until(lambda: site.send("GET", "/ready").status == 200)
    assert site.send("POST", "/flows/", {"name": "kept"}).status == 201


def test_a_second_server_by_another_name_of_the_file_is_refused(
    site: HostileSite, tmp_path: Path
) -> None:
    other = tmp_path / "another-name.db"
    other.hardlink_to(database_of(site))
    url = f"sqlite:///{other}"
    second = site.cli("server", "start", "--port", "0", "--database-url", url)

    assert isinstance(second, subprocess.CompletedProcess)
    assert second.returncode != 0
    assert "in use by a server" in second.stderr


def test_filters_of_ten_thousand_values_hold_up_nobody(site_on_both: HostileSite) -> None:
    site = site_on_both
    flow = site.send("POST", "/flows/", {"name": "f"}).json["id"]
    for _ in range(20):
        body = {"flow_id": flow, "tags": ["t", "u"]}
        assert site.send("POST", "/flow_runs/", body).status == 201
    tags = [f"no-{number}" for number in range(9_999)]
    ids = [str(uuid4()) for _ in range(10_000)]
    wanted = [
        ({"tags": {"any_": [*tags, "t"]}}, 20),
        ({"tags": {"all_": [*tags, "t"]}}, 0),
        ({"id": {"any_": ids}}, 0),
        ({"id": {"not_any_": ids}, "tags": {"any_": ["t"]}}, 20),
        ({"name": {"startswith_": tags[:100]}}, 0),
    ]
    wrong: list[object] = []

    def ask(criteria: object, count: int) -> None:
        reply = site.send("POST", "/flow_runs/filter", {"flow_runs": criteria}, seconds=30)
        if reply.status != 200 or len(reply.json) != count:
            wrong.append((reply.status, reply.content[:200]))

    asking = [threading.Thread(target=ask, args=each) for each in wanted * 3]
    for each in asking:
        each.start()
    slowest = 0.0
    while any(each.is_alive() for each in asking):
        begun = time.monotonic()
        assert site.send("POST", "/flow_runs/", {"flow_id": flow}).status == 201
        slowest = max(slowest, time.monotonic() - begun)
        assert site.send("DELETE", f"/flows/{uuid4()}").status == 404
    for each in asking:
        each.join()
    assert not wrong
    assert slowest < 5
