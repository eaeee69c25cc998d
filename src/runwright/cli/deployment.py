"""`runwright deployment`."""

from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from runwright.api.deployments import DeploymentRunCreate
from runwright.api.states import ProposedDetails, StateCreate, StateType
from runwright.cli import lookup
from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.render import Column, Output, acted, say, show, show_one, span, when
from runwright.cli.session import session
from runwright.cli.values import duration, instant, json_object, pairs, pairs_for, pairs_of_text
from runwright.cli.watching import follow
from runwright.client.calls import deployments
from runwright.clock import SystemClock
from runwright.errors import ConfigurationError

app = App(name="deployment", help="Deployments: run, pause, schedule.")
app.command("runwright.cli.schedule:app", name="schedule", help="The schedules of a deployment.")


def spec_text(schedule: dict[str, Any]) -> str:
    """A schedule in a word: its cron, rrule or interval, and its zone."""
    what = (
        schedule.get("cron") or schedule.get("rrule") or f"every {span(schedule.get('interval'))}"
    )
    return f"{what} {schedule.get('timezone') or 'UTC'}"


@app.command(name="ls")
def ls(*, flow: str | None = None, limit: int = 200, output: Output = "table") -> None:
    """List deployments."""
    with session() as caller:
        found = caller.call(deployments.find(flow=flow, limit=limit))
        names = lookup.full_names(caller, found)
    columns = [
        Column("NAME", lambda d: names[d.id]),
        Column("POOL", lambda d: d.work_pool_name),
        Column("STATUS", lambda d: "PAUSED" if d.paused else d.status),
        Column(
            "SCHEDULES",
            lambda d: ", ".join(" ".join(spec_text(s.schedule).split()) for s in d.schedules),
        ),
        Column("ID", lambda d: d.id),
    ]
    show(found, columns, output, name=lambda d: names[d.id])


@app.command
def inspect(name: str, /, *, output: Output = "table") -> None:
    """Show everything about a deployment, named as `flow/name` or by its id."""
    with session() as caller:
        found = lookup.deployment(caller, name)
    show_one(found, output, name=str(found.id))


@app.command
def run(  # noqa: PLR0913  # the options of a run, by name
    name: str,
    /,
    *,
    param: list[str] | None = None,
    params: str | None = None,
    at: str | None = None,
    after: Annotated[str | None, Parameter(name="--in")] = None,
    tag: list[str] | None = None,
    job_variable: list[str] | None = None,
    run_name: str | None = None,
    idempotency_key: str | None = None,
    watch_it: Annotated[bool, Parameter(name=["--watch"], negative="")] = False,
    output: Output = "table",
) -> int:
    """Create a run of a deployment.

    Parameters
    ----------
    name
        `flow/name`, or the deployment's id.
    param
        A parameter, as name=value, read as the type that the flow's signature says.
    params
        All parameters as one JSON object.
    at
        When it is due: 2026-01-31T09:00. Default: now.
    after
        In how long it is due: 90s, 5m, 2h, 1d.
    idempotency_key
        The same key gives the same run, however often it is asked for.
    watch_it
        Follow the run and its attempts, and exit with the outcome: 0 completed, 10 failed,
        11 crashed, 12 cancelled.
    """
    given = json_object(params or "{}", "--params")
    pairs_of_text(param or (), "--param")  # before anybody is asked
    wanted = DeploymentRunCreate(
        name=run_name,
        state=_due(at, after),
        tags=tag or [],
        job_variables=pairs(job_variable, "--job-variable") if job_variable else None,
        idempotency_key=idempotency_key,
    )
    with session(follows=watch_it) as caller:
        found = lookup.deployment(caller, name)
        given |= pairs_for(param or (), "--param", found.parameter_openapi_schema or {})
        wanted = msgspec.structs.replace(wanted, parameters=given)
        made = caller.call(deployments.create_run(found.id, wanted))
        if output == "table":
            say(f"created run {made.name} ({made.id}) of {name}")
        elif not watch_it:
            show_one(made, output, name=str(made.id))
        return follow(caller, made, output) if watch_it else Exit.OK


def _due(at: str | None, after: str | None) -> StateCreate | None:
    if at is not None and after is not None:
        raise ConfigurationError("Give --at or --in, not both.")
    if at is not None:
        due = instant(at, "--at")
    elif after is not None:
        due = SystemClock().now() + duration(after, "--in")
    else:
        return None
    details = ProposedDetails(scheduled_time=due)
    return StateCreate(type=StateType.SCHEDULED, state_details=details)


@app.command
def pause(name: str, /, *, output: Output = "table") -> None:
    """Fire and hand out nothing of a deployment. What runs goes on."""
    with session() as caller:
        caller.call(deployments.pause(lookup.deployment(caller, name).id))
    acted("paused", name, output)


@app.command
def resume(name: str, /, *, output: Output = "table") -> None:
    """Undo `pause`."""
    with session() as caller:
        caller.call(deployments.resume(lookup.deployment(caller, name).id))
    acted("resumed", name, output)


@app.command
def versions(name: str, /, *, output: Output = "table") -> None:
    """List what a deployment executed, the newest version first."""
    with session() as caller:
        found = caller.call(deployments.versions(lookup.deployment(caller, name).id))
    columns = [
        Column("VERSION", lambda v: v.number),
        Column("NAME", lambda v: v.version),
        Column("IMAGE", lambda v: v.image),
        Column("ENTRYPOINT", lambda v: v.entrypoint),
        Column("SINCE", lambda v: when(v.created)),
        Column("BACK TO", lambda v: v.rolled_back_to),
    ]
    show(found, columns, output, name=lambda v: str(v.number))


@app.command
def rollback(
    name: str,
    /,
    *,
    to: Annotated[int | None, Parameter(name="--to")] = None,
    output: Output = "table",
) -> None:
    """Let a deployment execute again what an earlier version executed.

    Runs that have begun go on with what they have.

    Parameters
    ----------
    to
        The version, as `runwright deployment versions` numbers them. Default: the one before.
    """
    with session() as caller:
        found = lookup.deployment(caller, name)
        changed = caller.call(deployments.roll_back(found.id, to))
    acted("rolled back", f"{name}, now version {changed.version_number}", output)


@app.command
def delete(name: str, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Delete a deployment. Its runs stay."""
    with session() as caller:
        found = lookup.deployment(caller, name)
        if not confirm(f"Delete deployment {name}?", yes=yes):
            return Exit.ERROR
        caller.call(deployments.remove(found.id))
    acted("deleted", name, output)
    return Exit.OK
