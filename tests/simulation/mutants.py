"""Ways to break the control plane, each of which the simulation must notice.

A mutant is a name and a function that breaks something through pytest's monkeypatch.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace
from tests.simulation import actors, operators
from tests.simulation.world import Server

from runwright.core.transitions import Accept
from runwright.server.services import reaper
from runwright.server.use_cases import (
    append_journal,
    claim_runs,
    create_run,
    end_execution,
    ownership,
)
from runwright.server.use_cases import propose_state as proposing
from runwright.storage import claims, moves

Patch = Any


def _no_token(patch: Patch) -> None:
    patch.setattr(append_journal, "_holds", lambda run, batch: True)


def _exit_without_token(patch: Patch) -> None:
    def end(tx: Any, run_id: Any, report: Any, policy: Any) -> Any:
        run = end_execution.lock_run(tx, run_id)
        if run.state_type in end_execution._ENDED:
            return end_execution._answer(tx, run)
        ended = end_execution.end_run(
            tx, run, end_execution.StateType.CRASHED, "exit", policy, was_reported=True
        )
        return end_execution._answer(tx, ended)

    patch.setattr(actors, "end_execution", end)


def _same_claim(patch: Patch) -> None:
    honest = claim_runs.record_move

    def record(tx: Any, run: Any, state: Any, **changes: Any) -> Any:
        if run.execution_id is not None:
            changes |= {"claim_token": run.claim_token - 1, "execution_id": run.execution_id}
        return honest(tx, run, state, **changes)

    patch.setattr(claim_runs, "record_move", record)


def _reap_by_old_read(patch: Patch) -> None:
    seen: list[Any] = []

    def pass_(self: Any, tx: Any, **_: Any) -> int:
        reaper.note_pass(tx, self.name)
        for run_id in seen:
            run = reaper.lock_run(tx, run_id)
            if run.state_type in ("PENDING", "RUNNING", "CANCELLING"):
                reaper.end_run(
                    tx, run, reaper.StateType.CRASHED, "Nothing was heard", self._policy,
                    was_reported=False,
                )  # fmt: skip
        soon = tx.now + timedelta(seconds=12)
        seen[:] = tx.execute(reaper._LAPSED, {"now": soon}).scalars()
        return 0

    patch.setattr(reaper.Reaper, "_pass", pass_)


def _never_excused(patch: Patch) -> None:
    patch.setattr(reaper, "plan_pass", lambda *_: reaper.Pass.REAP)
    patch.setattr(reaper, "is_our_outage", lambda **_: False)


def _count_running_only(patch: Patch) -> None:
    honest = claims._left

    def left(tx: Any, owner: Any, rows: Any) -> Any:
        return {key: value + 1 for key, value in honest(tx, owner, rows).items()}

    patch.setattr(claims, "_left", left)


def _slots_leak(patch: Patch) -> None:
    honest = moves.columns_after

    def columns(run: Any, state: Any) -> Any:
        found = honest(run, state)
        found.pop("lease_expires_at", None)
        return found

    patch.setattr(moves, "columns_after", columns)


def _no_next_attempt(patch: Patch) -> None:
    patch.setattr(end_execution, "insert_next_attempt", lambda *_, **__: None)


def _always_next_attempt(patch: Patch) -> None:
    honest = end_execution.next_attempt

    def generous(lineage: Any) -> Any:
        return honest(replace(lineage, retries=lineage.retries + 1))

    patch.setattr(end_execution, "next_attempt", generous)


def _cancellation_forgotten(patch: Patch) -> None:
    honest = end_execution.lock_run

    def forgetful(tx: Any, run_id: Any) -> Any:
        run = honest(tx, run_id)
        return run if run is None else run._replace(cancel_requested_at=None)

    patch.setattr(end_execution, "lock_run", forgetful)
    patch.setattr(reaper, "lock_run", forgetful)


def _budget_forgotten(patch: Patch) -> None:
    honest = proposing._claim_columns

    def columns(*arguments: Any) -> Any:
        found = honest(*arguments)
        found.pop("retries_used", None)
        return found

    patch.setattr(proposing, "_claim_columns", columns)


def _terminal_is_not_final(patch: Patch) -> None:
    patch.setattr(proposing, "decide", lambda move: Accept())
    patch.setattr(append_journal, "_holds", lambda run, batch: True)


def _entries_stored_twice(patch: Patch) -> None:
    honest = append_journal._Appending.take

    def take(self: Any, number: int, entry: Any, *, is_new: bool) -> None:
        honest(self, number, entry, is_new=True)

    patch.setattr(append_journal._Appending, "take", take)


def _keys_ignored(patch: Patch) -> None:
    honest = create_run.create_run

    def create(tx: Any, body: Any, policy: Any) -> Any:
        fresh = f"{body.idempotency_key} {policy.new_id()}"
        return honest(tx, replace(body, idempotency_key=fresh), policy)

    patch.setattr(operators, "create_run", create)


def _answered_before_the_commit(patch: Patch) -> None:
    honest = Server.transact

    def transact(self: Any, use_case: Callable[[Any], Any]) -> Any:
        simulation = self._simulation
        if simulation.chance(simulation.odds.server_dies * 3):
            return simulation.database.run(use_case, is_kept=False)
        return honest(self, use_case)

    patch.setattr(Server, "transact", transact)


def _leases_not_renewed(patch: Patch) -> None:
    def renew(tx: Any, run: Any, lease: Any, journal_next: int) -> None:
        honest(tx, run, run.lease_expires_at, journal_next)

    honest = append_journal.renew
    patch.setattr(append_journal, "renew", renew)


def _starts_without_leave(patch: Patch) -> None:
    def ask(self: Any) -> None:
        self._propose(actors.StateType.RUNNING, lambda result: None)
        self._start(_GRANTED)

    patch.setattr(actors.Execution, "_ask_to_start", ask)


class _Granted:
    details = None

    class state:  # noqa: N801  # as the answer has it
        type = actors.StateType.RUNNING


_GRANTED = _Granted()


def _pause_ignored(patch: Patch) -> None:
    honest = claims._locked_pool

    def locked(tx: Any, pool_id: Any) -> Any:
        pool = honest(tx, pool_id)
        return pool if pool is None else pool._replace(is_paused=False)

    patch.setattr(claims, "_locked_pool", locked)


def _everything_is_own(patch: Patch) -> None:
    patch.setattr(ownership, "_is_own", lambda *_: True)


def _logs_are_not_checked(patch: Patch) -> None:
    patch.setattr(ownership.Ownership, "_owned", lambda self, tasks, entries: list(entries))


def _tasks_are_not_checked(patch: Patch) -> None:
    patch.setattr(ownership.Ownership, "_owns_task", lambda *_: True)


def _parents_are_not_checked(patch: Patch) -> None:
    patch.setattr(ownership.Ownership, "allows", lambda *_: True)


MUTANTS: dict[str, Callable[[Patch], None]] = {
    "the token of a journal is not looked at": _no_token,
    "anybody may report the end of a run": _exit_without_token,
    "a second claim is the same as the first": _same_claim,
    "the reaper ends runs by an old read": _reap_by_old_read,
    "the reaper does not excuse its own absence": _never_excused,
    "a limit is passed by one": _count_running_only,
    "slots of ended runs are kept": _slots_leak,
    "no attempt after a crash": _no_next_attempt,
    "an attempt too many": _always_next_attempt,
    "who has died was not to be cancelled": _cancellation_forgotten,
    "retries in the process are not counted": _budget_forgotten,
    "an end is not final": _terminal_is_not_final,
    "entries sent again are stored again": _entries_stored_twice,
    "idempotency keys are ignored": _keys_ignored,
    "answers go out before the commit": _answered_before_the_commit,
    "leases are not renewed": _leases_not_renewed,
    "user code starts without leave": _starts_without_leave,
    "a pause is ignored": _pause_ignored,
    "every run is the execution's own": _everything_is_own,
    "logs and artifacts may name any run": _logs_are_not_checked,
    "logs and artifacts may name any task run": _tasks_are_not_checked,
    "a subflow may name any parent": _parents_are_not_checked,
}
