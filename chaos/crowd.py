"""Thousands of runs whose workers are of the protocol, while servers are killed.

Real processes show what can happen to a flow; these show how often it holds. Many at once make,
claim and end runs; some die, and some come back when their run has long been given to another.
"""

import asyncio
import random
import uuid
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import aiohttp
from bench.compare.postgres import Cluster as Postgres

from chaos.books import (
    Told,
    expect_no_errors,
    judge_attempts,
    judge_creations,
    judge_histories,
    rest,
    stop,
)
from chaos.client import CODE, Client
from chaos.cluster import LEASE, Cluster
from chaos.goals import Goals
from chaos.killer import Killer
from chaos.nemesis import Diary
from chaos.patient import Patient, entry_of_log, entry_of_state
from chaos.record import Run, read
from chaos.watch import Watch

_LIMIT = 100
_MAKERS, _WORKERS, _SLOTS = 20, 8, 20
#: Runs that wait or run: enough that no worker is idle.
_BACKLOG = 200
#: Seconds between two servers that are killed.
_PAUSE = (2.0, 6.0)
#: What becomes of an execution, and of how many in a hundred.
_FATES = {"completes": 60, "is killed": 15, "falls silent": 10, "starts twice": 9, "comes back": 6}
#: Answers that say no to somebody whose claim is over.
_NO = frozenset({401, 403, 404, 409, 410})


def crowd(
    goals: Goals,
    folder: Path,
    *,
    replicas: int,
    postgres: Postgres | None,
    seed: int,
    claims: int,
) -> None:
    """So many claims while servers are killed; then peace, and the books are checked."""
    cluster = Cluster(folder, replicas=replicas, workers=0, postgres=postgres, seed=seed)
    killer = Killer(cluster, seed, _PAUSE)
    try:
        client = Client(cluster.network.url, cluster.key, seed)
        deployment = client.prepare(CODE, limit=_LIMIT)["chaos"]
        watch = Watch(Client(cluster.network.url, cluster.key), goals, _LIMIT)
        play = _Play(cluster, deployment, goals, seed)
        for each in (killer, watch):
            each.start()
        deeds = asyncio.run(play.until_rest(claims, killer))
        watch.stop()
        expect_no_errors(goals, client)
        stop(cluster)
        play.judge(read(cluster.database))
    finally:
        cluster.close()
    fates = ", ".join(f"{fate} {times:,}" for fate, times in sorted(play.fates.items()))
    print(f"  {len(play.owners):,} claims: {fates}; {deeds}", flush=True)


class _Play:
    """Everybody's part, and what they were told."""

    def __init__(self, cluster: Cluster, deployment: str, goals: Goals, seed: int) -> None:
        self._cluster, self._goals = cluster, goals
        self._create = f"/deployments/{deployment}/create_flow_run"
        self._chance = random.Random(seed)
        self._makers = [Told() for _ in range(_MAKERS)]
        #: (run, token) -> the workers that were told it is theirs.
        self.owners: defaultdict[tuple[str, int], set[uuid.UUID]] = defaultdict(set)
        #: Run -> the executions of it that were let begin.
        self._begun: defaultdict[str, set[str]] = defaultdict(set)
        self._fate_of: dict[str, str] = {}
        #: Runs that were asked for, and those of them whose first attempt is over.
        self._made = self._ended = 0
        self._is_over = asyncio.Event()
        self._lives: set[asyncio.Task[None]] = set()

    @property
    def fates(self) -> Counter[str]:
        return Counter(self._fate_of.values())

    async def until_rest(self, claims: int, killer: Killer) -> str:
        """Play so many claims; then nobody is killed any more, and all runs end."""
        urls = [server.url for server in self._cluster.servers]
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            self._ask = Patient(session, urls, self._cluster.key, self._chance).ask
            workers = [asyncio.create_task(self._work()) for _ in range(_WORKERS)]
            await asyncio.gather(*(self._make(each, claims) for each in self._makers))
            deeds = await asyncio.to_thread(killer.stop)
            await asyncio.to_thread(rest, self._cluster, self._goals)
            self._is_over.set()
            await asyncio.gather(*workers, *self._lives)
            await self._fill_every_slot()
        return deeds

    async def _make(self, maker: Told, claims: int) -> None:
        name = self._makers.index(maker)
        while len(self.owners) < claims:
            if self._made - self._ended > _BACKLOG:
                await asyncio.sleep(0.02)
                continue
            self._made += 1
            key = f"maker {name} {len(maker.told)}"
            retries = self._chance.choice([0, 1, 3])
            policy = {"retries": retries, "retry_delay": 0}
            body = {"idempotency_key": key, "parameters": {}, "empirical_policy": policy}
            maker.told[key] = None
            # Some are impatient, and ask several times at once: one run all the same.
            asking = [
                self._ask(self._create, body, tries=self._chance.choice([1, 9]))
                for _ in range(self._chance.choice([1, 1, 1, 3]))
            ]
            for status, made in await asyncio.gather(*asking):
                if status not in {200, 201}:
                    continue
                if maker.told[key] not in {None, made["id"]}:
                    maker.conflicts.append(f"{key} made {made['id']} and {maker.told[key]}")
                maker.told[key] = made["id"]
            if maker.told[key] is None:
                self._made -= 1  # nobody waits for what may not be there

    async def _work(self) -> None:
        me = uuid.uuid4()
        path = f"/work_pools/p/workers/{me}/sync"
        held: dict[str, dict[str, Any]] = {}
        while not self._is_over.is_set():
            refs = [
                {name: spec[name] for name in ("flow_run_id", "token", "execution_id")}
                for spec in held.values()
            ]
            free = max(0, _SLOTS - len(held))
            body = {"worker_name": "w", "free": free, "executions": refs, "wait_ms": 300}
            status, answer = await self._ask(path, body, tries=1)
            if status != 200:
                continue
            for spec in (each["spec"] for each in answer["claimed"]):
                self.owners[spec["flow_run_id"], spec["token"]].add(me)
                if spec["execution_id"] not in held:
                    held[spec["execution_id"]] = spec
                    life = asyncio.create_task(self._live(spec, held))
                    self._lives.add(life)
                    life.add_done_callback(self._lives.discard)
            if not free:
                await asyncio.sleep(0.05)

    async def _live(self, spec: dict[str, Any], held: dict[str, dict[str, Any]]) -> None:
        try:
            await self._meet_fate(spec, held)
        finally:
            held.pop(spec["execution_id"], None)
            self._ended += spec["attempt"] == 1

    async def _meet_fate(self, spec: dict[str, Any], held: dict[str, dict[str, Any]]) -> None:
        [fate] = self._chance.choices(list(_FATES), list(_FATES.values()))
        run = spec["flow_run_id"]
        if fate == "starts twice":
            other = {**spec, "execution_id": str(uuid.uuid4())}
            answers = [*await asyncio.gather(self._begin(spec), self._begin(other))]
        else:
            answers = [await self._begin(spec)]
        if 200 not in answers:
            return  # its claim had lapsed before it could begin
        self._fate_of[run] = fate
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        if fate == "is killed":
            await self._exit(spec, signal=9)
        elif fate in {"falls silent", "comes back"}:
            del held[spec["execution_id"]]
            if fate == "comes back" and await self._is_given_up(run):
                await self._speak_too_late(spec)
        else:
            await self._journal(
                spec, 1, entry_of_log(run, "line 0"), entry_of_state(run, "COMPLETED")
            )
            await self._exit(spec, exit_code=0)

    async def _begin(self, spec: dict[str, Any]) -> int:
        run = spec["flow_run_id"]
        status = await self._journal(spec, 0, entry_of_state(run, "RUNNING"))
        if status == 200:
            self._begun[run].add(spec["execution_id"])
        return status

    async def _journal(self, spec: dict[str, Any], first: int, *entries: Any) -> int:
        body = {"token": spec["token"], "execution_id": spec["execution_id"]}
        path = f"/flow_runs/{spec['flow_run_id']}/journal"
        return (await self._ask(path, {**body, "first": first, "entries": entries}))[0]

    async def _exit(self, spec: dict[str, Any], **how: int) -> int:
        body = {"token": spec["token"], "execution_id": spec["execution_id"], **how}
        return (await self._ask(f"/flow_runs/{spec['flow_run_id']}/exit", body))[0]

    async def _is_given_up(self, run: str) -> bool:
        """Wait until it is. After each outage of all servers its lease is whole again."""
        crashed = {"id": {"any_": [run]}, "state": {"type": {"any_": ["CRASHED"]}}}
        end = asyncio.get_running_loop().time() + 40 * LEASE
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(LEASE / 3)
            if (await self._ask("/flow_runs/count", {"flow_runs": crashed}))[1] == 1:
                return True
        return False

    async def _speak_too_late(self, spec: dict[str, Any]) -> None:
        """All that a zombie may say: its run is another's by now."""
        run, key = spec["flow_run_id"], spec["credential"]
        said = {
            "that it has completed": self._journal(spec, 1, entry_of_state(run, "COMPLETED")),
            "a line": self._journal(spec, 1, entry_of_log(run, "too late")),
            "its exit": self._exit(spec, exit_code=0),
        }
        answers = {what: await saying for what, saying in said.items()}
        artifact = {"key": "late", "type": "markdown", "data": "late", "flow_run_id": run}
        answers["an artifact"] = (await self._ask("/artifacts/", artifact, key=key))[0]
        answers["a run of its own"] = (await self._ask(self._create, {}, key=key))[0]
        for what, status in answers.items():
            self._goals["G4 a zombie's late words are refused"].expect(
                status in _NO, f"{run} said {what} and was answered {status}"
            )

    async def _fill_every_slot(self) -> None:
        """No slot has leaked: as many as the limit says can be had at once."""
        goal = self._goals["G9 afterwards every slot can be had"]
        keys = [f"slot {number}" for number in range(_LIMIT + 10)]
        for key in keys:
            await self._ask(self._create, {"idempotency_key": key})
        path = f"/work_pools/p/workers/{uuid.uuid4()}/sync"
        refs: list[dict[str, Any]] = []
        for _ in range(5):
            body = {"worker_name": "w", "free": len(keys), "executions": refs, "wait_ms": 500}
            answer = (await self._ask(path, body))[1]
            refs += [
                {name: each["spec"][name] for name in ("flow_run_id", "token", "execution_id")}
                for each in answer["claimed"]
            ]
        goal.expect(len(refs) == _LIMIT, f"{len(refs)} of {_LIMIT}")

    def judge(self, runs: dict[str, Run]) -> None:
        """What was answered against what is kept."""
        goals = self._goals
        runs = {id_: run for id_, run in runs.items() if not _is_filler(run)}
        judge_creations(goals, runs, self._makers)
        judge_histories(goals, runs, Diary())
        judge_attempts(goals, runs)
        for (run, token), workers in self.owners.items():
            goals["G3 a claim is one worker's"].expect(
                len(workers) == 1, f"{run} with token {token} was given to {len(workers)}"
            )
        for run, executions in self._begun.items():
            goals["G3 nothing starts twice"].expect(
                len(executions) == 1, f"{run} was begun by {len(executions)} executions"
            )
        dies = {"is killed", "falls silent", "comes back"}
        for run, fate in self._fate_of.items():
            ended = runs[run].row.state_type
            name = "G6 who dies has crashed" if fate in dies else "G7 nothing healthy is crashed"
            wanted = "CRASHED" if fate in dies else "COMPLETED"
            goals[name].expect(
                ended == wanted, f"{run} {fate}, and is {ended}: {runs[run].row.state}"
            )


def _is_filler(run: Run) -> bool:
    return (run.row.idempotency_key or "").startswith("slot ")
