"""What is answered without a server, because nobody has defined what is asked for."""

import asyncio
from uuid import uuid4

import msgspec
import pytest

from runwright import flow
from runwright.concurrency.asyncio import concurrency as concurrency_async
from runwright.concurrency.sync import ConcurrencySlotAcquisitionError, concurrency, rate_limit
from runwright.errors import ServerUnreachable
from runwright.sdk import local_start
from runwright.sdk.offline_answers import NO_LEASE, offline_answer
from runwright.server.embedded import EmbeddedControlPlane
from runwright.settings import load_settings
from runwright.variables import Variable

LIMITS = "/v2/concurrency_limits"
LEASED = f"{LIMITS}/increment-with-lease"
WANTED = {"names": ["a", "b"], "slots": 1, "mode": "concurrency", "lease_duration": 300.0}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Those of a home in which nothing is; no server may be started."""
    monkeypatch.setenv("RUNWRIGHT_HOME", str(tmp_path / "a home?#%41"))
    monkeypatch.delenv("RUNWRIGHT_API_URL", raising=False)

    def refuse(settings, question):
        raise ServerUnreachable(f"{question} would have started a server")

    monkeypatch.setattr(local_start, "ensure_local_server", refuse)
    return load_settings()


@pytest.fixture
def home(settings):
    """The same, whose database has the limit b and the variable v."""
    with EmbeddedControlPlane(settings) as plane:
        assert plane.request("POST", f"{LIMITS}/", {"name": "b", "limit": 1})[0] == 201
        assert plane.request("POST", "/variables/", {"name": "v", "value": 1})[0] == 201
    return settings


def test_what_nobody_has_defined_needs_no_server(settings):
    told = offline_answer(settings, "POST", LEASED, WANTED)
    assert (told.status, told.body) == (200, {"lease_id": str(NO_LEASE), "limits": []})
    rate = {"names": ["a"], "slots": 1, "mode": "rate_limit"}
    assert offline_answer(settings, "POST", f"{LIMITS}/increment", rate).body == []
    assert offline_answer(settings, "GET", "/variables/name/a%2Fb", None).status == 404
    assert not settings.home.exists()


def test_what_is_defined_or_wrong_or_elsewhere_is_for_a_server(home):
    assert offline_answer(home, "POST", LEASED, WANTED) is None
    assert offline_answer(home, "POST", LEASED, WANTED | {"names": ["a"]}) is not None
    assert offline_answer(home, "GET", "/variables/name/v", None) is None
    assert offline_answer(home, "GET", "/variables/name/w", None).status == 404
    for body in (WANTED | {"slots": 0}, WANTED | {"names": []}, WANTED | {"names": ["a"] * 5000}):
        assert offline_answer(home, "POST", LEASED, body | {"lease_duration": -1}) is None
    assert offline_answer(home, "POST", "/variables/", {"name": "w", "value": 1}) is None
    assert offline_answer(home, "GET", f"/flow_runs/{uuid4()}", None) is None
    shared = msgspec.structs.replace(home, database_url="postgresql://u@h/name")
    assert offline_answer(shared, "POST", LEASED, WANTED | {"names": ["a"]}) is None


def use_what_is_not_there():
    with concurrency(["a", "c"], occupy=2), concurrency("a"):
        rate_limit("a")
        assert Variable.get("w", "default") == "default"
    missing = pytest.raises(ConcurrencySlotAcquisitionError, match="no limit 'a'")
    with missing, concurrency("a", strict=True):
        raise AssertionError
    return True


async def use_async():
    async with concurrency_async("a"):
        return await Variable.get("w", "default")


def test_a_flow_by_hand_and_a_plain_program_use_limits_that_are_not_there(home):
    assert use_what_is_not_there()
    assert flow(use_what_is_not_there)()
    assert asyncio.run(use_async()) == "default"
    assert asyncio.run(flow(use_async)()) == "default"


def test_a_limit_that_is_there_asks_a_server(home):
    @flow
    def limited():
        with concurrency("b"):
            raise AssertionError

    with pytest.raises(ServerUnreachable, match="would have started a server"):
        limited()
