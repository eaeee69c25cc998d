"""Events while servers are killed: each match fires once, each action arrives, with one key."""

import asyncio
import random
import subprocess
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.compare.postgres import Cluster as Postgres
from sqlalchemy import select

from chaos.books import expect_no_errors, stop
from chaos.client import Client
from chaos.cluster import Cluster, until
from chaos.goals import Goals
from chaos.killer import Killer
from chaos.sink import Delivery, deliveries
from runwright.server.services.dispatcher import MOST_HOLDERS
from runwright.storage.engine import open_storage
from runwright.storage.tables import (
    automation,
    automation_action,
    automation_firing,
    event,
    event_queue,
)

_GROUPS, _THRESHOLD = 7, 5
#: One event in so many is one that nothing can be done about.
_POISON = 25
_QUIET = 20
_MOST_ENDLESS = 2
#: Seconds that telling takes at least, so that servers can be killed meanwhile.
_TELLING = 5.0
_RAISES, _LOOPS = "{{ 1 / 0 }}", "{% for a in 'x' * 9999 %}" * 4 + "{% endfor %}" * 4
_TOLD, _DEAD, _LATER = "chaos.told", "chaos.dead", "chaos.later"
_BAD, _ENDLESS = "chaos.bad", "chaos.endless"


def automations(
    goals: Goals,
    folder: Path,
    *,
    replicas: int,
    postgres: Postgres | None,
    seed: int,
    events: int,
    pause: tuple[float, float],
) -> None:
    """So many events are told while servers are killed; then peace, and everything is counted."""
    folder.mkdir(parents=True)
    shared = {
        "RUNWRIGHT_ENCRYPTION_KEY_FILE": str(folder / "encryption.keys"),
        "RUNWRIGHT_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "RUNWRIGHT_ACTION_RETRY_DELAY": "0.2",
    }
    environment = {f"server-{number}": shared for number in range(replicas)}
    with _sink(folder) as (url, received):
        cluster = Cluster(
            folder,
            replicas=replicas,
            workers=0,
            postgres=postgres,
            seed=seed,
            environment=environment,
        )
        try:
            client = Client(cluster.network.url, cluster.key, seed)
            _prepare(client, url)
            killer = Killer(cluster, seed, pause)
            killer.start()
            told = _tell(client, events, seed)
            deeds = killer.stop()
            _wait_for_rest(client)
            _quiet(goals, client, received)
            expect_no_errors(goals, client)
            stop(cluster)
            rows, left = asyncio.run(_record(cluster.database))
            goals["I-22 every event is judged"].expect(not left, f"{left} are left")
            _judge(goals, rows, told, deliveries(received))
        finally:
            cluster.close()
    print(f"  {events} events, {deeds}", flush=True)


@contextmanager
def _sink(folder: Path) -> Iterator[tuple[str, Path]]:
    received = folder / "received"
    received.touch()
    command = [sys.executable, "-m", "chaos.sink", str(received)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", received
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def _prepare(client: Client, url: str) -> None:
    kind = client.insist("POST", "/block_types/", {"name": "Webhook", "slug": "webhook"})
    fields = {"block_type_id": kind["id"], "fields": {"block_type_slug": "webhook"}}
    schema = client.insist("POST", "/block_schemas/", fields)
    blocks = {}
    for name in ("fine", "flaky", "dead"):
        body = {
            "name": name,
            "data": {"url": f"{url}/{name}"},
            "block_type_id": kind["id"],
            "block_schema_id": schema["id"],
        }
        blocks[name] = client.insist("POST", "/block_documents/", body)["id"]

    def call(name: str, payload: str = "{{ event.id }}") -> dict[str, Any]:
        return {"type": "call-webhook", "block_document_id": blocks[name], "payload": payload}

    for name, expected, actions, more in (
        ("each", _TOLD, [call("flaky")], {}),
        ("groups", _TOLD, [{"type": "do-nothing"}],
         {"threshold": _THRESHOLD, "within": 3600, "for_each": ["group"]}),
        ("dead", _DEAD, [call("dead"), call("fine")], {}),
        ("bad", _BAD, [call("fine", _RAISES), call("fine")], {}),
        ("endless", _ENDLESS, [call("fine", _LOOPS), call("fine")], {}),
        ("quiet", _LATER, [call("fine")], {}),
    ):  # fmt: skip
        trigger = {"type": "event", "posture": "Reactive", "expect": [expected], **more}
        client.insist(
            "POST", "/automations/", {"name": name, "trigger": trigger, "actions": actions}
        )


def _event(name: str, group: int) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": "chaos", "group": str(group)},
    }


def _tell(client: Client, events: int, seed: int) -> list[dict[str, Any]]:
    """All events, a few at a time, each again and again until it was answered."""
    chance = random.Random(seed)
    told: list[dict[str, Any]] = []
    for number in range(events):
        name = chance.choice([_DEAD, _BAD, _ENDLESS]) if number % _POISON == 0 else _TOLD
        told.append(_event(name, chance.randrange(_GROUPS)))
    # Few of them compute for ever: each costs a second of a core.
    for each in [each for each in told if each["event"] == _ENDLESS][_MOST_ENDLESS:]:
        each["event"] = _BAD
    for begin in range(0, events, 10):
        client.insist("POST", "/events", told[begin : begin + 10])
        time.sleep(max(0.02, _TELLING * 10 / events))
    return told


def _wait_for_rest(client: Client) -> None:
    """Until what was told has been judged, and all that came of it has an end."""
    ids = [each["id"] for each in client.insist("POST", "/automations/filter", {})]

    def is_at_rest() -> bool:
        for id_ in ids:
            body = {"limit": 200}
            found = client.insist("POST", f"/automations/{id_}/firings/filter", body)
            if any(a["status"] == "pending" for each in found for a in each["actions"]):
                return False
        return True

    deadline = time.monotonic() + 300
    at_rest = 0
    while at_rest < 5:  # so often in a row: what is queued still has no firing
        at_rest = at_rest + 1 if is_at_rest() else 0
        if time.monotonic() > deadline:
            return  # the books will tell
        time.sleep(0.2)


def _quiet(goals: Goals, client: Client, received: Path) -> None:
    """How soon an event has led to its action, where nothing else is to be done."""
    for _ in range(_QUIET):
        later = _event(_LATER, 0)
        begun = time.time()
        client.insist("POST", "/events", [later])

        def arrived(id_: str = later["id"]) -> Delivery | None:
            return next((each for each in deliveries(received) if each.body == id_), None)

        found = until("the webhook", arrived, 30)
        goals["an event leads to its action"].within(found.at - begun, 1, later["id"])


async def _record(database_url: str) -> tuple[list[Any], list[str]]:
    """Every action with its firing, and the events that were not judged."""
    storage = open_storage(database_url)
    await storage.start()
    f, a = automation_firing.c, automation_action.c
    actions = (
        select(
            automation.c.name.label("automation"), f.id.label("firing"), f.event, f.outcome,
            a.id, a.number, a.status, a.tries, a.error,
        )
        .join(automation_firing, f.automation_id == automation.c.id)
        .outerjoin(automation_action, a.firing_id == f.id)
    )  # fmt: skip
    queued = (
        select(event_queue.c.event_id)
        .join(event, event.c.id == event_queue.c.event_id)
        .where(event.c.event.startswith("chaos."))
    )
    try:
        rows = await storage.read(lambda tx: tx.execute(actions).all())
        left = await storage.read(lambda tx: tx.execute(queued).scalars())
    finally:
        await storage.stop()
    return list(rows), [str(id_) for id_ in left]


def _judge(
    goals: Goals, rows: list[Any], told: list[dict[str, Any]], received: list[Delivery]
) -> None:
    by_event: defaultdict[tuple[str, str], set[Any]] = defaultdict(set)
    for row in rows:
        by_event[row.automation, row.event["id"]].add(row.firing)
    names = {_TOLD: "each", _DEAD: "dead", _BAD: "bad", _ENDLESS: "endless"}
    once = goals["I-21 an automation fires once for each match"]
    for each in told:
        fired = len(by_event[names[each["event"]], each["id"]])
        once.expect(fired == 1, f"{each['event']} {each['id']} fired {fired} times")
    wanted = Counter(each["resource"]["group"] for each in told if each["event"] == _TOLD)
    found = Counter(row.event["resource"]["group"] for row in rows if row.automation == "groups")
    for group, number in wanted.items():
        once.expect(
            found[group] == number // _THRESHOLD,
            f"group {group}: {number} events, fired {found[group]} times",
        )
    _judge_deliveries(goals, rows, received)


def _judge_deliveries(goals: Goals, rows: list[Any], received: list[Delivery]) -> None:
    arrived: defaultdict[str, list[Delivery]] = defaultdict(list)
    keys: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for each in received:
        arrived[each.key].append(each)
        keys[each.path, each.body].add(each.key)
    one_key = goals["I-21 what arrives twice has the same key"]
    for (path, body), used in keys.items():
        one_key.expect(len(used) == 1, f"{path} {body} came under {used}")
    goes_on = goals["I-22 what cannot be done is given up, and the rest is done"]
    for row in rows:
        times = len(arrived[str(row.id)])
        is_poison = row.number == 0 and row.automation in {"dead", "bad", "endless"}
        expected = {"dead": "dead"}.get(row.automation, "failed") if is_poison else "executed"
        goes_on.expect(
            row.status == expected, f"{row.automation} {row.id} is {row.status}: {row.error}"
        )
        if row.automation == "dead" and is_poison:
            goes_on.expect(1 <= times <= MOST_HOLDERS, f"{row.id} was sent {times} times")
        elif row.automation != "groups" and not is_poison:
            goals["I-21 each action arrives"].expect(times >= 1, f"{row.id} did not arrive")
