"""Automations by the command line, on a server that acts on them."""

import time
from pathlib import Path

import pytest

AUTOMATION = """
name = "run again"
description = "Runs the flow again when it has failed."

[trigger]
posture = "Reactive"
expect = ["prefect.flow-run.*"]
match = { "prefect.resource.id" = "prefect.flow-run.*", "prefect.state-type" = "FAILED" }

[[actions]]
type = "run-deployment"
deployment = "greet/d"
parameters = { name = "again" }
"""


UNKNOWN = """{
  "name": "x",
  "trigger": {"posture": "Reactive"},
  "actions": [{"type": "run-deployment", "deployment": "no/such"}]
}"""


@pytest.fixture(scope="module")
def made(rw, worker):
    del worker
    rw("work-pool", "create", "local")
    for flow in ("greet", "fails"):
        rw.ok("deploy", f"flows.py:{flow}", "-n", "d", "-p", "local")
    (rw.folder / "again.toml").write_text(AUTOMATION)
    assert "created automation run again" in rw.ok("automation", "create", "again.toml").err
    return rw


def until(what, seconds=30):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
    return found


def test_a_run_that_fails_leads_to_another(made):
    assert made("deployment", "run", "fails/d", "--watch").code == 10

    def done():
        found = made.ok("automation", "firings", "run again", "-o", "json").json
        return found and found[0]["actions"][0]["status"] == "executed" and found[0]

    firing = until(done)
    run = firing["actions"][0]["result"]["flow_run_id"]
    watched = made.ok("flow-run", "watch", run)
    assert "hello again" in watched.out
    shown = made.ok("automation", "firings", "run again").out
    assert "run-deployment executed" in shown
    assert "prefect.flow-run.Failed" in shown


def test_they_are_listed_paused_resumed_and_deleted(made):
    listed = made.ok("automation", "ls").out
    assert "run again" in listed
    assert "enabled" in listed
    for command, enabled in (("pause", False), ("resume", True)):
        made.ok("automation", command, "run again")
        assert (
            made.ok("automation", "inspect", "run again", "-o", "json").json["enabled"] is enabled
        )
    two = '{"automations": [{"name": "x", "trigger": {"posture": "Reactive"}, "actions": []}]}'
    Path(made.folder, "two.json").write_text(two)
    made.ok("automation", "create", "two.json")
    made.ok("automation", "delete", "x", "--yes")
    assert made("automation", "inspect", "x").code == 3


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("a.json", "{", 1, "is not JSON"),
        ("a.toml", "name = 'x'", 1, "no trigger"),
        ("a.txt", "", 1, ".toml"),
        ("gone.json", None, 1, "gone.json"),
        ("b.json", '{"name": "x", "trigger": {}, "actions": []}', 4, "posture"),
        (
            "c.json",
            UNKNOWN,
            3,
            "no/such",
        ),
    ],
)
def test_what_cannot_be_created_says_why(made, name, content, code, words):
    if content is not None:
        Path(made.folder, name).write_text(content)
    refused = made("automation", "create", name)
    assert refused.code == code, refused
    assert words in refused.err
    assert "Traceback" not in refused.err


APPLIED = """{"automations": [{
  "name": "applied", "description": "%s",
  "trigger": {"type": "compound", "require": "all", "within": 60, "triggers": [
    {"type": "event", "posture": "Reactive", "expect": ["a"]},
    {"type": "event", "posture": "Reactive", "expect": ["b"], "%s": 2}]},
  "actions": [{"type": "run-deployment", "deployment": "greet/d"}]
}]}"""


def test_apply_creates_updates_by_name_and_refuses_what_it_does_not_know(made):
    file = Path(made.folder, "applied.json")

    def apply(text):
        file.write_text(text)
        return made("automation", "apply", "applied.json")

    refused = apply(APPLIED % ("one", "treshold"))
    assert refused.code != 0
    assert "treshold" in refused.err
    assert "threshold" in refused.err.replace("treshold", "")
    assert made("automation", "inspect", "applied").code == 3
    assert "created automation applied" in apply(APPLIED % ("one", "threshold")).err
    first = made.ok("automation", "inspect", "applied", "-o", "json").json
    made.ok("automation", "pause", "applied")
    assert "updated automation applied" in apply(APPLIED % ("two", "threshold")).err
    assert "unchanged: automation applied" in apply(APPLIED % ("two", "threshold")).err
    last = made.ok("automation", "inspect", "applied", "-o", "json").json
    assert (last["id"], last["description"]) == (first["id"], "two")
    assert last["enabled"] is False
    twice = '{"automations": [%s, %s]}' % (('{"name": "n", "trigger": {}}',) * 2)
    assert "two automations are called 'n'" in apply(twice).err
    assert "'automation'" in apply('{"automations": [], "automation": {}}').err
    made.ok("automation", "create", "again.toml")
    several = made("automation", "apply", "again.toml")
    assert several.code != 0
    assert "Several automations are called 'run again'" in several.err


def test_firings_say_why_an_action_failed(made):
    made.ok("work-pool", "create", "for-a-while")
    made.ok("deploy", "flows.py:greet", "-n", "soon-gone", "-p", "for-a-while")
    text = AUTOMATION.replace("greet/d", "greet/soon-gone").replace("run again", "in vain")
    (made.folder / "vain.toml").write_text(text)
    made.ok("automation", "apply", "vain.toml")
    made.ok("deployment", "delete", "greet/soon-gone", "--yes")
    assert made("deployment", "run", "fails/d", "--watch").code == 10
    shown = until(
        lambda: " failed" in (told := made.ok("automation", "firings", "in vain").out) and told
    )
    assert "run-deployment failed: " in shown
    assert "deployment" in shown.partition("run-deployment failed: ")[2]
