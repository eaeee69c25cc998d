"""`runwright deployment schedule`."""

from typing import Literal

from cyclopts import App

from runwright.api.deployments import Deployment
from runwright.api.schedules import Schedule, ScheduleUpdate
from runwright.cli import lookup
from runwright.cli.confirm import confirm
from runwright.cli.deployment import spec_text
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.render import Column, Output, acted, note, show, when
from runwright.cli.session import Caller, session
from runwright.cli.values import duration
from runwright.client.calls import deployments
from runwright.errors import ConfigurationError, NotFound
from runwright.sdk.schedules import Cron, Interval, RRule

app = App(name="schedule", help="The schedules of a deployment.")


@app.command(name="ls")
def ls(deployment: str, /, *, output: Output = "table") -> None:
    """List the schedules of a deployment."""
    with session() as caller:
        found = caller.call(deployments.schedules(lookup.deployment(caller, deployment).id))
    columns = [
        Column("SCHEDULE", lambda s: spec_text(s.schedule)),
        Column("ACTIVE", lambda s: "yes" if s.active else "no"),
        Column("NEXT", lambda s: when(s.next_fire_at)),
        Column("SLUG", lambda s: s.slug),
        Column("ID", lambda s: s.id),
    ]
    show(found, columns, output, name=lambda s: str(s.id))


@app.command
def create(  # noqa: PLR0913  # the fields of a schedule, by name
    deployment: str,
    /,
    *,
    cron: str | None = None,
    interval: str | None = None,
    rrule: str | None = None,
    timezone: str | None = None,
    catchup: Literal["none", "last", "all"] = "last",
    slug: str | None = None,
    output: Output = "table",
) -> None:
    """Give a deployment one more schedule: --cron, --interval or --rrule."""
    if sum(each is not None for each in (cron, interval, rrule)) != 1:
        raise ConfigurationError("Give one of --cron, --interval and --rrule.")
    options = {"catchup": catchup, "slug": slug}
    if cron is not None:
        schedule = Cron(cron, timezone, **options)
    elif interval is not None:
        schedule = Interval(duration(interval, "--interval"), timezone=timezone, **options)
    else:
        schedule = RRule(rrule or "", timezone, **options)
    with session() as caller:
        found = lookup.deployment(caller, deployment)
        made = caller.call(deployments.add_schedule(found.id, schedule.to_wire()))
    if output == "table":
        note(
            f"{deployment} runs by {spec_text(made[0].schedule)}; next {when(made[0].next_fire_at)}"
        )
    else:
        show(made, [], output, name=lambda s: str(s.id))


@app.command
def pause(deployment: str, schedule: str, /, *, output: Output = "table") -> None:
    """Let a schedule, named by its id or slug, fire no more."""
    _edit(deployment, schedule, ScheduleUpdate(active=False))
    acted("paused", schedule, output)


@app.command
def resume(deployment: str, schedule: str, /, *, output: Output = "table") -> None:
    """Undo `pause`."""
    _edit(deployment, schedule, ScheduleUpdate(active=True))
    acted("resumed", schedule, output)


@app.command
def delete(deployment: str, schedule: str, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Take a schedule away, with the runs that it made and nobody has claimed."""
    if not confirm(f"Delete schedule {schedule} of {deployment}?", yes=yes):
        return Exit.ERROR
    with session() as caller:
        owner, found = _find(caller, deployment, schedule)
        caller.call(deployments.remove_schedule(owner.id, found.id))
    acted("deleted", schedule, output)
    return Exit.OK


@app.command
def clear(deployment: str, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Take all schedules of a deployment away."""
    if not confirm(f"Delete all schedules of {deployment}?", yes=yes):
        return Exit.ERROR
    with session() as caller:
        owner = lookup.deployment(caller, deployment)
        for schedule in caller.call(deployments.schedules(owner.id)):
            caller.call(deployments.remove_schedule(owner.id, schedule.id))
    acted("no schedules left:", deployment, output)
    return Exit.OK


def _edit(deployment: str, schedule: str, change: ScheduleUpdate) -> None:
    with session() as caller:
        owner, found = _find(caller, deployment, schedule)
        caller.call(deployments.edit_schedule(owner.id, found.id, change))


def _find(caller: Caller, deployment: str, named: str) -> tuple[Deployment, Schedule]:
    owner = lookup.deployment(caller, deployment)
    there = caller.call(deployments.schedules(owner.id))
    for schedule in there:
        if named in {str(schedule.id), schedule.slug}:
            return owner, schedule
    known = ", ".join(s.slug or str(s.id) for s in there) or "none"
    raise NotFound(
        f"{deployment} has no schedule {named!r}. Its schedules: {known}.",
        status=404,
        code="not_found",
    )
