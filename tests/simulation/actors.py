"""Workers and the executions they keep, as the protocol has them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from tests.simulation.world import Simulation

from runwright.api.executions import (
    ClaimedRun,
    ExecutionRef,
    ExitReport,
    ReleaseRequest,
    SyncAnswer,
    SyncRequest,
)
from runwright.api.journal import AnyEntry, FlowRunProposed, JournalAnswer, JournalBatch, LogWritten
from runwright.api.states import WaitDetails
from runwright.core.states import StateType
from runwright.server.problems import Problem
from runwright.server.use_cases.append_journal import append_journal
from runwright.server.use_cases.claim_runs import claim_runs
from runwright.server.use_cases.end_execution import end_execution
from runwright.server.use_cases.release_run import release_run
from runwright.server.use_cases.sync_worker import greet_worker
from runwright.storage.statements import Prepared
from runwright.storage.tables import flow_run

POOL = "p"
SLOTS = 3
_IN_USE = Prepared(select(func.count()).where(flow_run.c.lease_expires_at.is_not(None)))


class Worker:
    """Polls, launches, and may die; a new one takes its place."""

    def __init__(self, simulation: Simulation, name: str, notes: "Notes") -> None:
        self._simulation = simulation
        self._name = name
        self._notes = notes
        self.instance_id = simulation.world.new_id()
        self.held: dict[UUID, Execution] = {}
        self.is_alive = True
        self.is_cut_off = False

    def start(self) -> None:
        self._poll()

    def die(self, *, with_machine: bool) -> None:
        """The process is gone; with its machine, so is all that ran there."""
        self.is_alive = False
        self._simulation.note(f"{self._name} dies{' with its machine' if with_machine else ''}")
        if with_machine:
            for execution in list(self.held.values()):
                execution.vanish()
        successor = Worker(self._simulation, self._name, self._notes)
        self._notes.workers.remove(self)
        self._notes.workers.append(successor)
        self._simulation.later(self._simulation.between(0.5, 10), successor.start)

    def _poll(self) -> None:
        if not self.is_alive:
            return
        request = SyncRequest(
            worker_name=self._name,
            free=max(0, SLOTS - len(self.held)),
            executions=[execution.ref for execution in self.held.values()],
            wait_ms=0,
        )

        def sync(server: Any) -> SyncAnswer:
            policy = self._simulation.policy
            greeting = server.transact(
                lambda tx: greet_worker(tx, POOL, self.instance_id, request, policy)
            )
            claimed = list(greeting.claimed)
            if request.free > len(claimed):
                claimed += server.transact(self._notes.watched_claim(self, request, greeting))
            return SyncAnswer(claimed=claimed, cancel=greeting.cancel, lost=greeting.lost)

        self._simulation.call(f"{self._name} syncs", sync, self._obey, is_cut_off=self.is_cut_off)

    def _obey(self, answer: SyncAnswer | Problem | None) -> None:
        if not self.is_alive:
            return
        simulation = self._simulation
        if not isinstance(answer, SyncAnswer):
            simulation.later(simulation.between(0.5, 5), self._poll)
            return
        for claimed in answer.claimed:
            execution_id = claimed.spec.execution_id
            if execution_id not in self.held:
                is_hostile = simulation.chance(simulation.odds.flow_is_hostile)
                kind = self._notes.hostile if is_hostile else Execution
                self.held[execution_id] = kind(simulation, claimed, self, self._notes)
                self.held[execution_id].launch()
        for ref in answer.cancel:
            if ref.execution_id in self.held:
                self.held[ref.execution_id].stop("the run was cancelled")
        for ref in answer.lost:
            if ref.execution_id in self.held:
                self.held[ref.execution_id].vanish()
        simulation.later(simulation.between(0.5, 4), self._poll)


class Notes:
    """What really happened, whatever the control plane believes."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        #: The kind of execution that writes of what is not its own.
        self.hostile: type[Execution] = Execution
        self.workers: list[Worker] = []
        self.executions: list[Execution] = []
        #: Of each call of user code: run, token, execution.
        self.started: list[tuple[UUID, int, UUID]] = []
        #: Lines written by executions whose end was stored: run -> lines, in their order.
        self.kept_lines: dict[UUID, list[str]] = {}
        #: When the control plane last stored something of an execution, in true seconds.
        self.heard_at: dict[UUID, float] = {}
        self.is_paused = False
        self.limit: int | None = None

    def watched_claim(self, worker: Worker, request: SyncRequest, greeting: Any) -> Any:
        """A claim that looks at its own effects."""
        simulation = self._simulation

        def claim(tx: Any) -> list[ClaimedRun]:
            claimed = claim_runs(
                tx, greeting.pool_id, worker.instance_id, request, simulation.policy
            )
            if claimed and self.is_paused:
                raise simulation.violated("a paused pool has handed out a run")
            if claimed and self.limit is not None:
                used = tx.execute(_IN_USE).scalar()
                if used > self.limit:
                    raise simulation.violated(f"{used} runs hold the {self.limit} slots")
            return claimed

        return claim


class Execution:
    """A flow process and its supervisor: they live and die together, or the flow alone."""

    def __init__(
        self, simulation: Simulation, claimed: ClaimedRun, worker: Worker, notes: Notes
    ) -> None:
        self._simulation = simulation
        self.spec = claimed.spec
        self._worker = worker
        self._notes = notes
        self._renew_s = claimed.lease_ttl_ms / 3000
        self._entries: list[AnyEntry] = []
        self._stored = 0
        self._is_sending = False
        self._on_result: dict[int, Callable[[Any], object]] = {}
        self.lines: list[str] = []
        self.is_gone = False
        self._is_stopping = False
        self._frozen: list[Callable[[], object]] | None = None
        notes.executions.append(self)

    @property
    def ref(self) -> ExecutionRef:
        spec = self.spec
        return ExecutionRef(
            flow_run_id=spec.flow_run_id, token=spec.token, execution_id=spec.execution_id
        )

    @property
    def what(self) -> str:
        return f"{self.spec.flow_run_name} (attempt {self.spec.attempt}, token {self.spec.token})"

    def launch(self) -> None:
        simulation = self._simulation
        if simulation.chance(simulation.odds.launch_fails):
            if simulation.chance(0.5):
                self._report("could not be launched")
            else:
                self._hand_back()
            return
        self._later(simulation.between(0.01, 1), self._ask_to_start)
        self._later(self._renew_s, self._renew)

    def vanish(self) -> None:
        """Be gone without a word."""
        self.is_gone = True
        self._worker.held.pop(self.spec.execution_id, None)

    def stop(self, why: str) -> None:
        """What the worker or the control plane wants."""
        if not self._is_stopping and not self.is_gone:
            self._is_stopping = True
            self._later(self._simulation.between(0, 3), lambda: self._die(why))

    def reconnect(self) -> None:
        """Its machine has its network back."""
        self._worker.is_cut_off = False

    def freeze(self, seconds: float) -> None:
        """SIGSTOP for so long: then it goes on as if nothing had been."""
        if self._frozen is None and not self.is_gone:
            self._simulation.note(f"{self.what} is frozen for {seconds:.0f} s")
            self._frozen = []
            self._simulation.later(seconds, self._thaw)

    def _thaw(self) -> None:
        late, self._frozen = self._frozen or [], None
        for action in late:
            self._simulation.later(self._simulation.between(0, 0.1), self._unless_gone(action))

    def _later(self, seconds: float, action: Callable[[], object]) -> None:
        self._simulation.later(seconds, self._unless_gone(action))

    def _unless_gone(self, action: Callable[[], object]) -> Callable[[], None]:
        def act() -> None:
            if self.is_gone:
                return
            if self._frozen is not None:
                self._frozen.append(action)
            else:
                action()

        return act

    # The flow.

    def _ask_to_start(self) -> None:
        self._propose(StateType.RUNNING, self._start)

    def _start(self, result: Any) -> None:
        if isinstance(result.details, WaitDetails):
            self._later(result.details.delay_seconds, self._ask_to_start)
            return
        if result.state is None or result.state.type is not StateType.RUNNING:
            self._report("was not granted Running")
            return
        spec = self.spec
        self._notes.started.append((spec.flow_run_id, spec.token, spec.execution_id))
        self._simulation.note(f"{self.what} runs")
        self._work(int(self._simulation.between(1, 5)))

    def _work(self, left: int) -> None:
        simulation = self._simulation
        if simulation.chance(simulation.odds.process_dies / 3):
            self._die("was killed by signal 9")
            return
        if left:
            self._write_line()
            self._later(simulation.between(0.1, 15), lambda: self._work(left - 1))
            return
        fails = simulation.chance(simulation.odds.flow_fails)
        self._propose(StateType.FAILED if fails else StateType.COMPLETED, self._end)

    def _end(self, result: Any) -> None:
        state = result.state
        if state is not None and state.type is StateType.SCHEDULED:  # a retry in this process
            self._later(self._simulation.between(0.1, 5), self._ask_to_start)
            return
        if state is not None and state.is_terminal:
            self._notes.kept_lines.setdefault(self.spec.flow_run_id, []).extend(self.lines)
        self._report("ended")

    def _write_line(self) -> None:
        line = f"{self.spec.execution_id} {len(self.lines)}"
        self.lines.append(line)
        self._append(
            LogWritten(
                flow_run_id=self.spec.flow_run_id,
                timestamp=self._simulation.world.clock.now(),
                level=20,
                name="flow",
                message=line,
            )
        )

    def _propose(self, kind: StateType, on_result: Callable[[Any], object]) -> None:
        state = self._simulation.world.state(kind)
        self._on_result[len(self._entries)] = on_result
        self._append(FlowRunProposed(flow_run_id=self.spec.flow_run_id, state=state))

    def _append(self, entry: AnyEntry) -> None:
        self._entries.append(entry)
        self._send()

    # Its supervisor.

    def _renew(self) -> None:
        self._send()
        self._later(self._renew_s * self._simulation.between(0.8, 1.2), self._renew)

    def _send(self) -> None:
        if self._is_sending or self.is_gone:
            return
        self._is_sending = True
        spec = self.spec
        batch = JournalBatch(
            token=spec.token,
            execution_id=spec.execution_id,
            first=self._stored,
            entries=self._entries[self._stored :],
        )

        def journal(server: Any) -> Any:
            return server.transact(
                lambda tx: self._heard(
                    append_journal(tx, spec.flow_run_id, batch, self._simulation.policy)
                )
            )

        self._simulation.call(
            f"journal of {self.what} from {batch.first}, {len(batch.entries)} entries",
            journal,
            lambda answer: self._unless_gone(lambda: self._take(answer))(),
            is_cut_off=self._worker.is_cut_off,
        )

    def _heard(self, answer: Any) -> Any:
        if isinstance(answer, JournalAnswer):
            now = self._simulation.world.clock.monotonic()
            self._notes.heard_at[self.spec.execution_id] = now
        return answer

    def _take(self, answer: JournalAnswer | Problem | None) -> None:
        self._is_sending = False
        if answer is None:
            self._later(self._simulation.between(0.1, 5), self._send)
            return
        if isinstance(answer, Problem):
            if answer.code != "lease_lost":
                raise self._simulation.violated(f"{self.what} is refused with {answer.code}")
            self.vanish()
            return
        self._renew_s = answer.renew_in_ms / 1000
        self._stored = max(self._stored, answer.next)
        if answer.cancel:
            self.stop("the run was cancelled")
        for told in answer.answers:
            if (on_result := self._on_result.pop(told.number, None)) is not None:
                on_result(told.result)
        if self._stored < len(self._entries):
            self._send()

    def _die(self, why: str) -> None:
        """The flow's process is gone; its supervisor sends the rest and tells."""
        self._on_result.clear()
        self._report(why)

    def _hand_back(self) -> None:
        spec = self.spec
        body = ReleaseRequest(token=spec.token, execution_id=spec.execution_id)

        def release(server: Any) -> Any:
            return server.transact(
                lambda tx: release_run(tx, spec.flow_run_id, body, self._simulation.policy)
            )

        self._tell("release", release)

    def _report(self, why: str) -> None:
        spec = self.spec
        report = ExitReport(token=spec.token, execution_id=spec.execution_id, reason=why)

        def exit_(server: Any) -> Any:
            return server.transact(
                lambda tx: end_execution(tx, spec.flow_run_id, report, self._simulation.policy)
            )

        self._tell("exit", exit_)

    def _tell(self, what: str, request: Callable[[Any], Any]) -> None:
        self._is_sending = True  # nothing more goes up

        def told(answer: Any) -> None:
            if answer is None:
                self._later(self._simulation.between(0.1, 5), ask)
            else:
                self.vanish()

        def ask() -> None:
            self._simulation.call(
                f"{what} of {self.what}",
                request,
                lambda answer: self._unless_gone(lambda: told(answer))(),
                is_cut_off=self._worker.is_cut_off,
            )

        ask()
