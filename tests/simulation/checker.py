"""What must hold of a world, whatever has happened in it."""

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import select
from tests.simulation.actors import Notes
from tests.simulation.hostile import EVIL
from tests.simulation.operators import Operators
from tests.simulation.world import Simulation, Violation

from runwright.core.states import TERMINAL, StateType
from runwright.storage.tables import artifact, flow_run, flow_run_state, log, task_run_state

_SILENCE = "Nothing was heard"


class Checker:
    """Reads what the control plane has, and compares it with what happened."""

    def __init__(self, simulation: Simulation, notes: Notes, operators: Operators) -> None:
        self._simulation = simulation
        self._notes = notes
        self._operators = operators
        self._crashes_seen: set[UUID] = set()

    def all_have_ended(self) -> bool:
        """Nothing is left to happen: every run has ended, every process is gone."""
        unfinished = self._read(select(flow_run.c.id).where(flow_run.c.state_type.not_in(_ENDED)))
        return not unfinished and all(each.is_gone for each in self._notes.executions)

    def check_crashes(self) -> None:
        """A run that is crashed for its silence has been silent."""
        rows = self._read(
            select(flow_run.c.id, flow_run.c.execution_id, flow_run.c.lease_seconds).where(
                flow_run.c.state_type == str(StateType.CRASHED),
                flow_run.c.exit_report.is_(None),
                flow_run.c.execution_root_id.is_(None),
            )
        )
        now = self._simulation.world.clock.monotonic()
        for run_id, execution_id, lease in rows:
            heard_at = self._notes.heard_at.get(execution_id)
            if run_id in self._crashes_seen or heard_at is None:
                continue
            self._crashes_seen.add(run_id)
            # Half: the clock of the database may have been put forward by up to that.
            if now - heard_at < lease / 2 - 1:
                raise self._wrong(f"run {run_id} was crashed {now - heard_at:.1f} s after a word")

    def check(self) -> None:
        """Everything that must hold when all has come to rest."""
        self._check_creations()
        self._check_starts()
        self._check_histories()
        self._check_attempts()
        self._check_logs()
        self._check_cancelled()
        self._check_borders()
        held = self._read(select(flow_run.c.id).where(flow_run.c.lease_expires_at.is_not(None)))
        if held:
            raise self._wrong(f"slots were never given back: {held}")

    def _check_creations(self) -> None:
        rows = self._read(select(flow_run.c.idempotency_key, flow_run.c.id))
        made = defaultdict(set)
        for key, run_id in rows:
            if key is not None:
                made[key].add(run_id)
        for key, answered in self._operators.asked.items():
            if len(made[key]) > 1 or len(answered) > 1:
                raise self._wrong(f"{key!r} made {made[key]} and was answered {answered}")
            if not answered <= made[key]:
                raise self._wrong(f"the run of {key!r} was promised, and is lost")

    def _check_starts(self) -> None:
        granted = {
            (run_id, token)
            for run_id, token, kind in self._read(
                select(
                    flow_run_state.c.flow_run_id,
                    flow_run_state.c.claim_token,
                    flow_run_state.c.type,
                )
            )
            if kind == str(StateType.RUNNING)
        }
        owners = defaultdict(set)
        for run_id, token, execution_id in self._notes.started:
            owners[run_id, token].add(execution_id)
            if (run_id, token) not in granted:
                raise self._wrong(f"{run_id} ran under token {token} without leave")
        for started, executions in owners.items():
            if len(executions) > 1:
                raise self._wrong(f"{started} ran in {executions}")

    def _check_histories(self) -> None:
        rows = self._read(
            select(
                flow_run_state.c.flow_run_id,
                flow_run_state.c.seq,
                flow_run_state.c.type,
                flow_run_state.c.claim_token,
            ).order_by(flow_run_state.c.flow_run_id, flow_run_state.c.seq)
        )
        before: dict[UUID, Any] = {}
        for run_id, seq, kind, token in rows:
            if run_id in before:
                last_seq, last_kind, last_token = before[run_id]
                if seq != last_seq + 1:
                    raise self._wrong(f"the history of {run_id} has a gap before {seq}")
                if last_kind in _ENDED:
                    raise self._wrong(f"{run_id} became {kind} after {last_kind}")
                if token < last_token:
                    raise self._wrong(f"the token of {run_id} went back at {seq}")
            before[run_id] = seq, kind, token

    def _check_attempts(self) -> None:
        rows = self._read(
            select(
                flow_run.c.root_run_id, flow_run.c.attempt, flow_run.c.state_type,
                flow_run.c.retries, flow_run.c.retries_used, flow_run.c.cancel_requested_at,
            ).order_by(flow_run.c.root_run_id, flow_run.c.attempt)
        )  # fmt: skip
        lineages = defaultdict(list)
        for root, *rest in rows:
            lineages[root].append(rest)
        calls: Counter[UUID] = Counter()
        roots = dict(self._read(select(flow_run.c.id, flow_run.c.root_run_id)))
        for run_id, _, _ in self._notes.started:
            calls[roots[run_id]] += 1
        for root, attempts in lineages.items():
            if calls[root] > attempts[0][2] + 1:
                raise self._wrong(f"{root} was called {calls[root]} times")
            if [number for number, *_ in attempts] != list(range(1, len(attempts) + 1)):
                raise self._wrong(f"the attempts of {root} are {attempts}")
            for number, kind, retries, used, cancelled in attempts:
                goes_on = kind == str(StateType.CRASHED) and used < retries and cancelled is None
                if goes_on == (number == len(attempts)):
                    raise self._wrong(
                        f"attempt {number} of {root} of {len(attempts)} ended {kind} with {used} "
                        f"of {retries} retries used"
                    )
                if used > retries:
                    raise self._wrong(f"{root} used {used} of {retries} retries")

    def _check_logs(self) -> None:
        stored = defaultdict(list)
        for run_id, message, late in self._read(
            select(log.c.flow_run_id, log.c.message, log.c.late_token)
        ):
            if late is None:
                stored[run_id].append(message)
        for run_id, lines in stored.items():
            twice = [line for line, times in Counter(lines).items() if times > 1]
            if twice:
                raise self._wrong(f"{run_id} has lines twice: {twice}")
        for run_id, lines in self._notes.kept_lines.items():
            missing = set(lines) - set(stored[run_id])
            if missing:
                raise self._wrong(f"{run_id} has ended without its lines {missing}")

    def _check_cancelled(self) -> None:
        cancelled = self._operators.cancelled
        later = self._read(
            select(flow_run.c.id, flow_run.c.root_run_id).where(flow_run.c.attempt > 1)
        )
        followed = defaultdict(int)
        for _, root in later:
            followed[root] += 1
        rows = self._read(select(flow_run.c.id, flow_run.c.state_type, flow_run.c.attempt))
        for run_id, kind, _ in rows:
            if run_id in cancelled and kind == str(StateType.CRASHED) and followed[run_id]:
                raise self._wrong(f"{run_id} was cancelled, and tried again")

    def _check_borders(self) -> None:
        """Nothing that one flow wrote of another's is stored, whatever came with it."""
        marks = (
            flow_run.c.name, flow_run_state.c.message, task_run_state.c.message, log.c.message,
            artifact.c.description,
        )  # fmt: skip
        for mark in marks:
            if self._read(select(mark).where(mark == EVIL)):
                raise self._wrong(f"what a hostile flow wrote is in {mark}")

    def _read(self, statement: Any) -> list[Any]:
        return self._simulation.database.run(lambda tx: list(tx.execute(statement).all()))

    def _wrong(self, what: str) -> Violation:
        return self._simulation.violated(what)


_ENDED = [str(kind) for kind in TERMINAL]
