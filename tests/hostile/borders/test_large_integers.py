"""JSON's numbers have no bounds, and parameters keep them on either database."""

from tests.hostile.conftest import HostileSite

HUGE = {"n": 2**70, "more": [-(2**200), {"deep": 2**64}]}


def test_an_integer_beyond_64_bits_is_kept(site_on_both: HostileSite) -> None:
    site = site_on_both
    execution = site.execution("huge", **HUGE)
    assert execution.spec["parameters"] == HUGE
    assert site.send("GET", f"/flow_runs/{execution.run}").json["parameters"] == HUGE
    kept = site.send("POST", "/variables/", {"name": "huge", "value": HUGE})
    assert kept.status == 201
    assert site.send("GET", "/variables/name/huge").json["value"] == HUGE


def test_one_of_too_many_digits_is_refused(site: HostileSite) -> None:
    raw = b'{"name": "huge", "value": ' + b"1" * 5000 + b"}"
    assert site.send("POST", "/variables/", raw=raw).status == 422
