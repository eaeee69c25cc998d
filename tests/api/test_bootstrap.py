"""Pools and keys that a file declares."""

import asyncio
import dataclasses
import uuid

import msgspec
import pytest

from runwright.errors import ConfigurationError
from runwright.server.bootstrap import bootstrap
from runwright.server.keys import new_key


@pytest.fixture
def declared(api, tmp_path):
    """A file with a pool and two keys; the wiring of a server that reads it, and the keys."""
    keys = {"admin": new_key("user", uuid.uuid4()), "box": new_key("worker", uuid.uuid4())}
    for name, secret in keys.items():
        (tmp_path / name).write_text(f"{secret}\n")
    file = tmp_path / "bootstrap.toml"
    file.write_text(
        '[[pools]]\nname = "boxes"\ntype = "docker"\n'
        f'[[keys]]\nname = "admin"\nfile = "{tmp_path}/admin"\n'
        f'[[keys]]\nname = "box"\npool = "boxes"\nfile = "{tmp_path}/box"\n'
    )
    settings = msgspec.structs.replace(api.wiring.settings, bootstrap_file=file)
    return dataclasses.replace(api.wiring, settings=settings), keys, file


def test_what_is_lacking_is_made_once_by_however_many_at_once(api, declared):
    wiring, keys, _ = declared

    async def together():
        await asyncio.gather(*(bootstrap(wiring) for _ in range(4)))
        await bootstrap(wiring)

    api.run(together())
    assert api.ok("GET", "/api/work_pools/boxes")["type"] == "docker"
    listed = api.ok("POST", "/api/keys/filter", {})
    assert sorted(key["name"] for key in listed if key["name"] in keys) == ["admin", "box"]
    assert api.send("GET", "/api/admin/settings", key=keys["admin"]).status == 200
    # A worker's key speaks for its pool, and for nothing else.
    sync = {"worker_name": "w", "type": "docker", "free": 1, "wait_ms": 0}
    path = f"/api/work_pools/boxes/workers/{uuid.uuid4()}/sync"
    assert api.send("POST", path, sync, key=keys["box"]).status == 200
    assert api.send("POST", "/api/work_pools/filter", {}, key=keys["box"]).status == 403


def test_a_file_of_no_use_says_what_is_wrong(api, declared):
    wiring, _, file = declared
    good = file.read_text()
    for bad, said in (
        (good.replace("[[pools]]", "[[polls]]"), "polls"),
        (good.replace('pool = "boxes"', 'pool = "absent"'), "'absent', which does not exist"),
        (good.replace("/admin", "/gone"), "'admin' cannot be read"),
        (good.replace(f"{file.parent}/box", str(file)), "holds no key"),
    ):
        file.write_text(bad)
        with pytest.raises(ConfigurationError, match=said):
            api.run(bootstrap(wiring))
