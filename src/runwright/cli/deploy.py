"""`runwright deploy`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from runwright.cli.render import Output, note, say, show_one
from runwright.cli.session import Caller, session
from runwright.cli.values import duration, json_object, pairs, pairs_for
from runwright.sdk.asking import Ask
from runwright.sdk.deploy import from_source, register, to_deployment, with_image
from runwright.sdk.journal import Told
from runwright.sdk.schedules import Cron, Interval, RRule, Schedule


def asking(caller: Caller) -> Ask:
    """The SDK's way to ask, through the connection of this command."""

    def ask(method: str, path: str, body: object = None) -> Told:
        status, content = caller.send(method, path, body)
        return Told(status, msgspec.json.decode(content) if content else None)

    return ask


def deploy(  # noqa: PLR0913  # the options of a deployment, by name
    entrypoint: str,
    /,
    *,
    name: Annotated[str, Parameter(name=["--name", "-n"])],
    pool: Annotated[str, Parameter(name=["--pool", "-p"])],
    queue: Annotated[str | None, Parameter(name=["--queue", "-q"])] = None,
    cron: list[str] | None = None,
    interval: list[str] | None = None,
    rrule: list[str] | None = None,
    timezone: str | None = None,
    catchup: Literal["none", "last", "all"] = "last",
    param: list[str] | None = None,
    params: str | None = None,
    tag: list[str] | None = None,
    job_variable: list[str] | None = None,
    overridable: list[str] | None = None,
    version: str | None = None,
    description: str | None = None,
    concurrency_limit: int | None = None,
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] | None = None,
    paused: bool = False,
    source: str | None = None,
    image: str | None = None,
    build: bool = True,
    push: bool = True,
    output: Output = "table",
) -> None:
    """Deploy a flow from its file, so that the workers of a pool can run it.

    Parameters
    ----------
    entrypoint
        `path/to/file.py:flow`, or `package.module:flow`.
    name
        The deployment's name; it is called `flow/name` everywhere.
    pool
        The work pool whose workers are to run it.
    cron
        A cron expression; may be given several times.
    interval
        Run every so often: 90s, 5m, 2h, 1d.
    rrule
        An iCalendar rule.
    timezone
        The zone that schedules are meant in, for example Europe/Paris. Default: UTC.
    catchup
        What becomes of fires that were missed while no server ran.
    param
        A parameter, as name=value, read as the type that the flow's signature says.
    params
        All parameters as one JSON object.
    overridable
        A job variable that a run may set without the scope runs:infrastructure, as cpus or
        env.APP_*; may be given several times. Without any, those that are named already stay.
    source
        Where the code is: a directory or a git URL. Default: this directory.
    image
        The image to build the code into and to push, as registry/team/project:tag.
    build
        --no-build: the image exists and holds the code already.
    push
        --no-push: the image stays on this machine.
    """
    flow = from_source(source or Path.cwd(), entrypoint)
    given = {
        **json_object(params or "{}", "--params"),
        **pairs_for(param or (), "--param", flow.parameter_schema()),
    }
    options = {"active": True, "catchup": catchup}
    schedules: list[Schedule] = [
        *(Cron(each, timezone, **options) for each in cron or ()),
        *(
            Interval(duration(each, "--interval"), timezone=timezone, **options)
            for each in interval or ()
        ),
        *(RRule(each, timezone, **options) for each in rrule or ()),
    ]
    # Without any, those that the deployment has already stay.
    given_schedules: dict[str, Any] = {"schedules": schedules} if schedules else {}
    planned = to_deployment(
        flow,
        name,
        parameters=given,
        tags=tag,
        version=version,
        description=description,
        paused=paused,
        work_pool_name=pool,
        work_queue_name=queue,
        job_variables=pairs(job_variable or (), "--job-variable"),
        overridable_job_variables=overridable,
        concurrency_limit=concurrency_limit,
        collision_strategy=collision_strategy,
        **given_schedules,
    )
    if image is not None:
        planned = with_image(planned, image, build=build, push=push, tell=note)
    with session() as caller:
        made = register(planned, asking(caller))
    if output != "table":
        show_one(made, output, name=planned.full_name)
        return
    say(f"deployed {planned.full_name} to work pool {pool}")
    for schedule in made.schedules:
        say(f"  schedule: {msgspec.json.encode(schedule.schedule).decode()}")
    note(f"run it: runwright deployment run {planned.full_name}")
