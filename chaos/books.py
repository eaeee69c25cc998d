"""When the faults are over: waiting until all has come to rest, and what must hold then."""

import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.client import Client
from chaos.cluster import Cluster, until
from chaos.creator import Creator
from chaos.goals import Goals
from chaos.nemesis import Diary
from chaos.record import ENDED, Run, lineages


@dataclass
class Told:
    """What somebody who makes runs was told of them."""

    #: Idempotency key -> the id, or None where no answer came.
    told: dict[str, str | None] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)


UNFINISHED = {"flow_runs": {"state": {"type": {"not_any_": sorted(ENDED)}}}}
#: How long all may take to come to rest when the faults are over.
_REST_SECONDS = 120.0


def rest(cluster: Cluster, goals: Goals) -> None:
    """Wait until every run has ended."""
    client = Client(cluster.network.url, cluster.key)
    for worker in cluster.workers:
        if worker.process is None or worker.process.poll() is not None:
            worker.start()
    try:
        until(
            "the runs to end",
            lambda: client.insist("POST", "/flow_runs/count", UNFINISHED) == 0,
            _REST_SECONDS,
        )
        stuck: list[Any] = []
    except TimeoutError:
        stuck = client.insist("POST", "/flow_runs/filter", UNFINISHED)
    goals["G8 nothing hangs"].expect(
        not stuck, f"{[(each['id'], each['state_type']) for each in stuck]}"
    )


def stop(cluster: Cluster) -> None:
    for server in cluster.servers:
        server.kill(signal.SIGTERM)


def expect_no_errors(goals: Goals, client: Client) -> None:
    goals["no answer is an error of the server"].trials += 1
    goals["no answer is an error of the server"].violations += client.errors


def judge(
    goals: Goals,
    runs: dict[str, Run],
    creators: list[Creator],
    diary: Diary,
    cluster: Cluster,
    *,
    true_times: bool = True,
) -> None:
    """What was answered against what is kept, and what is kept against what was done."""
    judge_creations(goals, runs, creators)
    judge_starts(goals, runs, cluster)
    judge_histories(goals, runs, diary)
    judge_attempts(goals, runs)
    judge_logs(goals, runs, true_times=true_times)
    judge_last_words(goals, runs, diary, cluster)
    for run in runs.values():
        goals["G8 nothing hangs"].expect(
            run.has_ended and not run.unfinished_tasks and run.row.lease_expires_at is None,
            f"{run.id} is {run.row.state_type}, {run.unfinished_tasks} tasks unfinished",
        )
        if run.row.state_type == "CRASHED":
            begun = run.row.claimed_at.timestamp()
            goals["G7 nothing healthy is crashed"].expect(
                diary.excuses(run.id, run.row.worker_name, begun, run.row.end_time.timestamp()),
                f"{run.id} of {run.row.worker_name} at {run.row.end_time}: "
                f"{run.row.state.get('message')}",
            )
        else:
            goals["G7 nothing healthy is crashed"].trials += 1


def judge_creations(goals: Goals, runs: dict[str, Run], creators: Sequence[Told | Creator]) -> None:
    kept = Counter(run.row.idempotency_key for run in runs.values() if run.row.idempotency_key)
    goal = goals["G1 what was answered is kept, once"]
    for creator in creators:
        goal.violations += creator.conflicts
        for key, told in creator.told.items():
            goal.expect(
                kept[key] == 1 if told else kept[key] <= 1,
                f"{key!r}: {kept[key]} runs, told {told}",
            )
            if told:
                goal.expect(told in runs, f"{told} of {key!r} is gone")


def judge_starts(goals: Goals, runs: dict[str, Run], cluster: Cluster) -> None:
    starts: Counter[str] = Counter()
    for file in cluster.effects.iterdir():
        run, _, _ = file.name.rpartition(".")
        starts[run] += file.read_text().count("start ")
    goal = goals["G3 nothing starts twice"]
    for run, times in starts.items():
        goal.expect(times <= 1, f"{run} started {times} times")  # 0: killed before its first word
        granted = run in runs and runs[run].when("RUNNING") is not None
        goals["G3 nothing starts without leave"].expect(granted, f"{run} was never Running")


def judge_last_words(goals: Goals, runs: dict[str, Run], diary: Diary, cluster: Cluster) -> None:
    """A flow that is killed has logged what it had said a second before, or earlier."""
    goal = goals["G12 the last lines of who is killed are there"]
    for run, killed in diary.killed_at_ns.items():
        row = runs[run].row
        at = diary.flow_killed.get(run, 0)
        if any(
            name == row.worker_name and since <= at + 5 and until >= at - 1
            for name, since, until in diary.bad_times
        ):
            continue  # its supervisor, or what that had written, may be gone too
        [file] = cluster.effects.glob(f"{run}.*")
        steps = [line.split() for line in file.read_text().splitlines()]
        said = sum(what == "step" and int(when) < killed - 10**9 for what, when in steps)
        kept = [each for each in runs[run].lines + runs[run].late_lines if each[:5] == "line "]
        goal.expect(len(kept) >= said, f"{run} has {len(kept)} lines of {said}")


def judge_histories(goals: Goals, runs: dict[str, Run], diary: Diary) -> None:
    late = goals["G4 a zombie's late words are refused"]
    for run in runs.values():
        ended = False
        token = -1
        for seq, kind, _, _, its_token in run.states:
            goals["histories: an end is final, tokens never go back"].expect(
                not ended and its_token >= token, f"{run.id}: {kind} at {seq} after the end"
            )
            ended = kind in ENDED
            token = its_token
        if run.id in diary.frozen:
            ended_as = run.row.state_type
            late.expect(
                ended_as in ENDED and sum(kind in ENDED for _, kind, *_ in run.states) == 1,
                f"{run.id} was frozen, and ended as {ended_as}",
            )


def judge_attempts(goals: Goals, runs: dict[str, Run]) -> None:
    goal = goals["G6 a crash is followed by its next attempt, exactly"]
    for root, attempts in lineages(runs).items():
        numbers = [run.row.attempt for run in attempts]
        goal.expect(numbers == list(range(1, len(numbers) + 1)), f"{root} has attempts {numbers}")
        for run, following in zip(attempts, [*attempts[1:], None], strict=True):
            wanted = run.row.state_type == "CRASHED" and run.row.retries_used < run.row.retries
            goal.expect(
                wanted == (following is not None),
                f"attempt {run.row.attempt} of {root} ended {run.row.state_type} with "
                f"{run.row.retries_used} of {run.row.retries} used; next: {following}",
            )
            if following is not None and (ended := run.when("CRASHED")) is not None:
                began = following.states[0][3].timestamp()
                goal.expect(began >= ended, f"{following.id} began before {run.id} had ended")


def judge_logs(goals: Goals, runs: dict[str, Run], *, true_times: bool = True) -> None:
    """Lines are shown by their times, and so in no order where a clock was set meanwhile."""
    goal = goals["G12 every line once, in its order (runs)"]
    lines = goals["G12 every line once, in its order (lines)"]
    for run in runs.values():
        steps = (run.row.parameters or {}).get("steps", 0)
        mine = [line for line in run.lines if line.startswith("line ")]
        wanted = [f"line {number}" for number in range(steps)]
        if not true_times:
            mine.sort()
        if run.row.state_type == "COMPLETED":
            goal.expect(mine == wanted, f"{run.id} has {_told(mine)} of {len(wanted)}")
        else:
            goal.expect(mine == wanted[: len(mine)], f"{run.id} has {_told(mine)}")
        lines.trials += len(mine)


def _told(lines: list[str]) -> str:
    """Enough of them to see what is wrong."""
    return str(lines) if len(lines) < 20 else f"{len(lines)} lines, {lines[:9]} ... {lines[-9:]}"
