"""THE order of the rules, with the reason for each place."""

from collections.abc import Callable
from typing import NamedTuple

from runwright.core.rules.cancelling import cancel_before_start, finish_cancelling
from runwright.core.rules.claiming import (
    claim_only_once,
    respect_limits,
    start_only_once,
)
from runwright.core.rules.enclosing import start_only_in_living_flow
from runwright.core.rules.finality import (
    keep_ended_runs_ended,
    keep_to_the_lifecycle,
    refuse_repeated_move,
)
from runwright.core.rules.pausing import (
    pause_only_if_running,
    resume_in_time,
    suspend_only_if_resumable,
)
from runwright.core.rules.retrying import name_retries, retry_failed_run
from runwright.core.rules.scheduling import (
    keep_scheduled_time,
    late_only_if_scheduled,
    wait_for_scheduled_time,
)
from runwright.core.transitions import Decision, Transition


class Rule(NamedTuple):
    """A rule and why it stands where it stands."""

    decide: Callable[[Transition], Decision]
    why: str
    #: `force` skips guards; a law holds for everybody.
    is_law: bool = False


FLOW_RUN_RULES: tuple[Rule, ...] = (
    Rule(refuse_repeated_move, "first: a repeated request must change nothing, however old", True),
    Rule(keep_ended_runs_ended, "before all that judges how a run may go on", True),
    Rule(cancel_before_start, "before finish_cancelling: there is no process to wait for", True),
    Rule(finish_cancelling, "before claims, starts and retries: a cancelled run begins nothing"),
    Rule(claim_only_once, "before limits: the second claimer must stop, not queue up"),
    Rule(start_only_once, "with the claim: both keep one process per run"),
    Rule(respect_limits, "after the claim is known to be the first"),
    Rule(late_only_if_scheduled, "before times are filled in: it may refuse the state"),
    Rule(pause_only_if_running, "gives better reasons than the lifecycle would"),
    Rule(suspend_only_if_resumable, "after the pause itself was found possible"),
    Rule(resume_in_time, "before scheduled times: a pause that timed out is over"),
    Rule(keep_to_the_lifecycle, "after the rules with better reasons; the rest may trust it", True),
    Rule(keep_scheduled_time, "completes a state that will stand", True),
    Rule(wait_for_scheduled_time, "after everything that refuses for good: waiting must help"),
    Rule(retry_failed_run, "after finish_cancelling, which ends what a retry would revive"),
    Rule(name_retries, "last: only a name", True),
)

TASK_RUN_RULES: tuple[Rule, ...] = (
    Rule(refuse_repeated_move, "first: a repeated request must change nothing, however old", True),
    Rule(keep_ended_runs_ended, "before all that judges how a run may go on", True),
    Rule(finish_cancelling, "before starts and retries: a cancelled run begins nothing"),
    Rule(start_only_in_living_flow, "before waiting: no wait makes the flow run come back"),
    Rule(keep_to_the_lifecycle, "the rest may trust it", True),
    Rule(keep_scheduled_time, "completes a state that will stand", True),
    Rule(wait_for_scheduled_time, "after everything that refuses for good: waiting must help"),
    Rule(retry_failed_run, "after finish_cancelling, which ends what a retry would revive"),
    Rule(name_retries, "last: only a name", True),
)
