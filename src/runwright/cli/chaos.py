"""`runwright chaos`: whether a flow may be killed anywhere and run again."""

import shlex
import shutil
import subprocess
import time
from typing import Annotated, Any

from cyclopts import App, Parameter

from runwright.api.deployments import Deployment, DeploymentRunCreate
from runwright.api.filters import FlowRunFilter, IdIs, Query
from runwright.api.flow_runs import FlowRun
from runwright.cli import lookup
from runwright.cli.exit_codes import Exit
from runwright.cli.render import Column, Output, note, show
from runwright.cli.session import Caller, session
from runwright.cli.values import json_object, pairs_for, pairs_of_text
from runwright.cli.watching import next_attempt
from runwright.client.calls import deployments, flow_runs, task_runs
from runwright.core.states import TERMINAL, StateType
from runwright.errors import ConfigurationError, FlowError
from runwright.sdk.kill_points import VARIABLE

app = App(name="chaos", help="Whether a flow may be killed anywhere and run again.")

_PAUSE = 0.2
_MOST_TASKS = 200
_EFFECTS_SECONDS = 300


class Trial:
    """One run, killed after one of its tasks or not at all, and what it has left behind."""

    def __init__(self, killed_after: int, run: FlowRun, attempts: int, effects: str) -> None:
        self.killed_after = killed_after
        self.run = run
        self.attempts = attempts
        self.effects = effects
        self.verdict = ""


@app.command
def run(  # noqa: PLR0913  # the options of a run, by name
    name: str,
    /,
    *,
    effects: str,
    kill_at: Annotated[str, Parameter(name="--kill-at")] = "each-task",
    reset: str | None = None,
    param: list[str] | None = None,
    params: str | None = None,
    output: Output = "table",
) -> int:
    """Run a deployment undisturbed, then kill it after each of its tasks in turn, and compare.

    A killed run is run again from the beginning, as often as its retries say. A flow is idempotent
    when what it leaves behind is the same nevertheless. Exits with 1 where it is not.

    Parameters
    ----------
    name
        `flow/name`, or the deployment's id. It needs retries, and a worker that is online. Give it
        a place of its own to act on: it is run many times.
    effects
        A command that prints what the flow has left behind: `sh -c "sort out/*.csv"`.
    kill_at
        each-task, or the number of one task: after it the flow's process is killed.
    reset
        A command that takes away what earlier runs have left, before each run.
    param
        A parameter, as name=value; values that are JSON are read as JSON.
    params
        All parameters as one JSON object.
    """
    given = json_object(params or "{}", "--params")
    pairs_of_text(param or (), "--param")  # before anybody is asked
    with session(follows=True) as caller:
        found = lookup.deployment(caller, name)
        given |= pairs_for(param or (), "--param", found.parameter_openapi_schema or {})
        _check(found, kill_at)
        for command in (effects, reset):
            _check_command(command)

        def trial(killed_after: int) -> Trial:
            _command(reset)
            made = caller.call(
                deployments.create_run(found.id, _wanted(found, given, killed_after))
            )
            ended, attempts = _ended(caller, made)
            return Trial(killed_after, ended, attempts, _command(effects))

        calm = trial(0)
        calm.verdict = "as it should be"
        if calm.run.state_type is not StateType.COMPLETED:
            raise FlowError(
                f"Undisturbed, {calm.run.name} is {calm.run.state_name}: mend that first. "
                f"See: runwright flow-run logs {calm.run.id}"
            )
        places = _places(caller, calm.run, kill_at)
        note(f"undisturbed: {calm.run.name}; now killed after {len(places)} tasks in turn")
        trials = [calm]
        for place in places:
            trials.append(trial(place))
            trials[-1].verdict = _verdict(trials[-1], calm)
            note(f"killed after task {place}: {trials[-1].verdict}")
    columns = [
        Column("KILLED AFTER TASK", lambda t: t.killed_after or "-"),
        Column("ATTEMPTS", lambda t: t.attempts),
        Column("STATE", lambda t: t.run.state_name),
        Column("EFFECTS", lambda t: t.verdict),
        Column("LAST RUN", lambda t: t.run.id),
    ]
    if output == "json":
        show([t.run for t in trials], columns, output, name=str)
    else:
        show(trials, columns, output, name=lambda t: str(t.run.id))
    return Exit.OK if all(t.verdict in {calm.verdict, "the same"} for t in trials) else Exit.ERROR


def _check(found: Deployment, kill_at: str) -> None:
    if kill_at != "each-task" and not (kill_at.isdecimal() and int(kill_at) > 0):
        raise ConfigurationError(
            f"--kill-at is each-task or the number of a task, not {kill_at!r}."
        )
    if found.retries < 1:
        raise ConfigurationError(
            f"Deployment {found.name!r} has no retries, so nothing is run again after a crash. "
            "Give the flow @flow(retries=1) and deploy it again."
        )


def _check_command(text: str | None) -> None:
    """What cannot be run is told before anything else is."""
    try:
        words = shlex.split(text or "true")
    except ValueError as error:
        raise ConfigurationError(f"The command {text!r} cannot be read: {error}.") from error
    if shutil.which(words[0] if words else "") is None:
        raise ConfigurationError(f"The command {text!r} cannot be run: there is no such program.")


def _wanted(found: Deployment, given: dict[str, Any], killed_after: int) -> DeploymentRunCreate:
    env = {VARIABLE: str(killed_after)} if killed_after else {}
    known = found.job_variables.get("env") or {}
    variables = {"env": {**known, **env}} if env else None
    return DeploymentRunCreate(parameters=given, job_variables=variables, tags=["chaos"])


def _ended(caller: Caller, run: FlowRun) -> tuple[FlowRun, int]:
    """The last attempt, ended, and the number of attempts."""
    attempts = 1
    while True:
        run = caller.call(flow_runs.read(run.id))
        if run.state_type in TERMINAL:
            following = next_attempt(caller, run)
            if following is None:
                return run, attempts
            run, attempts = following, attempts + 1
        time.sleep(_PAUSE)  # noqa: TID251  # a person watches


def _places(caller: Caller, calm: FlowRun, kill_at: str) -> list[int]:
    if kill_at != "each-task":
        return [int(kill_at)]
    of_run = Query(flow_runs=FlowRunFilter(id=IdIs(any_=[calm.id])), limit=_MOST_TASKS)
    count = len(caller.call(task_runs.find(of_run)))
    if count == 0:
        raise FlowError(f"{calm.name} has run no task: there is no boundary to kill it at.")
    return list(range(1, count + 1))


def _verdict(trial: Trial, calm: Trial) -> str:
    if trial.attempts < 2:  # noqa: PLR2004  # the killed one and the next
        return "was not killed: it ran fewer tasks"
    if trial.run.state_type is not StateType.COMPLETED:
        return f"ended as {trial.run.state_name}"
    return "the same" if trial.effects == calm.effects else "DIFFERENT"


def _command(text: str | None) -> str:
    if text is None:
        return ""
    try:
        done = subprocess.run(
            shlex.split(text),
            capture_output=True,
            text=True,
            timeout=_EFFECTS_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"The command {text!r} cannot be run: {error}") from error
    if done.returncode:
        raise ConfigurationError(f"The command {text!r} failed: {done.stderr.strip()}")
    return done.stdout
