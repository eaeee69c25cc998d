"""A control plane whose disk is full says so, keeps what it has, and goes on by itself."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from runwright.credentials import key_for


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("Only root can mount a small disk here.")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def ask(url, key, body, path):
    request = urllib.request.Request(
        f"{url}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def test_a_full_disk_is_told_and_nothing_that_was_answered_is_lost(alone, small_disk):
    database = small_disk / "runwright.db"
    ballast = Path(small_disk, "ballast")
    ballast.write_bytes(os.urandom(1 << 20))
    started = alone.ok(
        "server", "start", "--background", "--port", "0", "--database-url", f"sqlite:///{database}"
    )
    try:
        url = next(word for word in (started.out + started.err).split() if word.startswith("http"))
        url = url.split("/api")[0].rstrip("/.,") + "/api"
        key = key_for(alone.home, url)
        message = "x" * 4_000
        kept = 0
        line = {
            "name": "n", "level": 20, "message": message, "timestamp": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        for _ in range(200):
            status, refusal = ask(url, key, [line] * 10, "/logs/")
            if status != 201:
                break
            kept += 10
        assert status == 507
        assert refusal["code"] == "storage_full"
        assert "space" in refusal["detail"]
        assert ask(url, key, [line] * 10, "/logs/")[0] == 507
        assert ask(url, key, {}, "/flows/count")[0] == 200

        ballast.unlink()
        assert ask(url, key, {"name": "f"}, "/flows/")[0] == 201
        found = 0
        while page := ask(url, key, {"limit": 200, "offset": found}, "/logs/filter")[1]:
            found += len(page)
        assert found == kept > 0
    finally:
        alone("server", "stop")
