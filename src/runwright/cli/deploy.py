"""`runwright deploy`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from runwright.cli.render import Output, note, say, show_one
from runwright.cli.session import Caller, session
from runwright.cli.values import duration, json_object, pairs, pairs_for
from runwright.errors import ConfigurationError
from runwright.sdk.asking import Ask
from runwright.sdk.deploy import from_source, register, to_deployment, with_image
from runwright.sdk.git_source import GitSource, looks_like_git, parse_git
from runwright.sdk.journal import Told
from runwright.sdk.schedules import Cron, Interval, RRule, Schedule


def asking(caller: Caller) -> Ask:
    """The SDK's way to ask, through the connection of this command."""

    def ask(method: str, path: str, body: object = None) -> Told:
        status, content = caller.send(method, path, body)
        return Told(status, msgspec.json.decode(content) if content else None)

    return ask


def _source(
    source: str | None, branch: str | None, commit: str | None, token_env: str | None
) -> str | Path | GitSource:
    given = {"branch": branch, "commit": commit, "token_env": token_env}
    options = {name: value for name, value in given.items() if value is not None}
    if not options:
        return source or Path.cwd()
    names = ", ".join(f"--{name.replace('_', '-')}" for name in options)
    if source is None or not looks_like_git(source) or Path(source).is_dir():
        raise ConfigurationError(
            f"{names} says which code of a git repository: give its --source URL too."
        )
    parsed = parse_git(source)
    if len({"branch", "commit"} & options.keys()) + (parsed != GitSource(url=parsed.url)) > 1:
        raise ConfigurationError(
            "The code is of one branch or one commit, and two are given: use one of --branch, "
            "--commit and URL@name."
        )
    return msgspec.structs.replace(parsed, **options)


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
    branch: str | None = None,
    commit: str | None = None,
    token_env: str | None = None,
    python_path: list[str] | None = None,
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
        Where the code is: a directory or a git URL, which may end in @branch, @tag or @commit.
        Default: this directory.
    branch
        The branch or tag of the repository.
    commit
        The commit of the repository, as its hash.
    token_env
        The environment variable, here and of the workers, that holds an access token for it.
    python_path
        A folder of the source, relative to its root, in which the flow finds modules; may be
        given several times. The folder of the flow's file and the root are searched anyway.
    image
        The image to build the code into and to push, as registry/team/project:tag.
    build
        --no-build: the image exists and holds the code already.
    push
        --no-push: the image stays on this machine.
    """
    where = _source(source, branch, commit, token_env)
    flow = from_source(where, entrypoint, python_path=python_path or ())
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
