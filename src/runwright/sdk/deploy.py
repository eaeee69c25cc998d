"""Deployments: a flow with what is needed to run it without anybody calling it."""

import sys
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote
from uuid import UUID

import msgspec

from runwright.api.deployments import ConcurrencyOptions, Deployment, DeploymentCreate
from runwright.api.flows import Flow as FlowOnWire
from runwright.api.flows import FlowCreate
from runwright.errors import FlowError, NotFound
from runwright.sdk.asking import Ask, answered, default_ask
from runwright.sdk.deployment_runs import run_deployment
from runwright.sdk.flow_source import EntrypointType, FlowSource, from_source, source_of
from runwright.sdk.images import DockerImage, Tell, image_of
from runwright.sdk.parameter_values import given
from runwright.sdk.parameters import validate_some
from runwright.sdk.schedules import Schedule, schedules_of

if TYPE_CHECKING:
    from runwright.sdk.flows import Flow

__all__ = [
    "PlannedDeployment",
    "deploy",
    "from_source",
    "register",
    "run_deployment",
    "to_deployment",
]

_NOT_FOUND = 404


class PlannedDeployment(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A deployment as it is to be. `register` brings it about."""

    flow: Any
    name: str
    source: FlowSource
    schedules: list[Schedule] | None = None
    parameters: dict[str, Any] = {}
    tags: list[str] = []
    version: str | None = None
    description: str | None = None
    paused: bool = False
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = {}
    overridable_job_variables: list[str] | None = None
    concurrency_limit: int | None = None
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] | None = None
    enforce_parameter_schema: bool = True

    @property
    def full_name(self) -> str:
        """`flow/deployment`, by which it is run."""
        return f"{self.flow.name}/{self.name}"

    def to_wire(self, flow_id: UUID) -> DeploymentCreate:
        """The deployment as a request holds it."""
        schedules: Any = msgspec.UNSET
        if self.schedules is not None:
            schedules = [each.to_wire() for each in self.schedules]
        overridable: Any = msgspec.UNSET
        if self.overridable_job_variables is not None:
            overridable = self.overridable_job_variables
        strategy = self.collision_strategy
        return DeploymentCreate(
            name=self.name,
            flow_id=flow_id,
            version=self.version if self.version is not None else self.flow.version,
            description=self.description or self.flow.description,
            paused=self.paused,
            schedules=schedules,
            keep_named_schedules=msgspec.UNSET if schedules is msgspec.UNSET else True,
            concurrency_limit=self.concurrency_limit,
            concurrency_options=strategy and ConcurrencyOptions(collision_strategy=strategy),
            enforce_parameter_schema=self.enforce_parameter_schema,
            parameter_openapi_schema=self.flow.parameter_schema(),
            parameters=given(self.parameters),
            pull_steps=self.source.pull_steps,
            tags=self.tags,
            work_pool_name=self.work_pool_name,
            work_queue_name=self.work_queue_name,
            job_variables=self.job_variables,
            overridable_job_variables=overridable,
            path=self.source.path,
            entrypoint=self.source.entrypoint,
            retries=self.flow.retries,
            retry_delay_seconds=self.flow.retry_delay_seconds,
        )


def to_deployment(  # noqa: PLR0913  # the options of a deployment, by name
    flow: "Flow[..., Any]",
    name: str,
    *,
    parameters: dict[str, Any] | None = None,
    tags: list[str] | None = None,
    version: str | None = None,
    description: str | None = None,
    paused: bool = False,
    work_pool_name: str | None = None,
    work_queue_name: str | None = None,
    job_variables: dict[str, Any] | None = None,
    overridable_job_variables: list[str] | None = None,
    concurrency_limit: int | None = None,
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] | None = None,
    enforce_parameter_schema: bool = True,
    entrypoint_type: EntrypointType = "file",
    **schedules: Any,
) -> PlannedDeployment:
    """What `deploy` would create.

    Schedules: `cron=`, `interval=` (seconds or a timedelta), `rrule=`, each one or a list, with
    `timezone=` and `anchor_date=`; or `schedule=`, `schedules=` with those of
    `runwright.schedules`. Without any, the schedules that a deployment has stay as they are.

    `overridable_job_variables`: those that a run may set without the scope `runs:infrastructure`,
    such as `["cpus", "env.LOG_*"]`.

    Raises:
        ParameterError: parameters do not fit the flow.
        InvalidSchedule: a schedule makes no sense.
        FlowError: an option is unknown, or no worker could load the flow.
    """
    kinds = ("cron", "interval", "rrule", "schedule", "schedules", "timezone", "anchor_date")
    unknown = [option for option in schedules if option not in kinds]
    if unknown:
        raise FlowError(f"A deployment has no option {', '.join(map(repr, unknown))}.")
    if not name or "/" in name:
        raise FlowError(f"{name!r} cannot name a deployment: give a name without slashes.")
    fitting = validate_some(flow.fn, parameters or {}, flow_name=flow.name)
    return PlannedDeployment(
        flow=flow,
        name=name,
        source=source_of(flow, entrypoint_type),
        schedules=schedules_of(schedules),
        parameters=fitting,
        tags=sorted(tags or []),
        version=version,
        description=description,
        paused=paused,
        work_pool_name=work_pool_name,
        work_queue_name=work_queue_name,
        job_variables=dict(job_variables or {}),
        overridable_job_variables=overridable_job_variables,
        concurrency_limit=concurrency_limit,
        collision_strategy=collision_strategy,
        enforce_parameter_schema=enforce_parameter_schema,
    )


def deploy(  # noqa: PLR0913  # as above
    flow: "Flow[..., Any]",
    name: str,
    *,
    work_pool_name: str | None = None,
    image: str | DockerImage | None = None,
    build: bool = True,
    push: bool = True,
    print_next_steps: bool = True,
    **options: Any,
) -> UUID:
    """Create the deployment, or bring the one of that name up to date. The options are those of
    `to_deployment`.

    With an `image`, the flow's code is built into it and it is pushed, unless `build` and `push`
    say otherwise; it becomes the job variable of that name.

    Raises:
        ImageError: the image cannot be built or pushed.
        NotFound: there is no such work pool.
        ServerUnreachable: there is no control plane.
    """
    if work_pool_name is None:
        raise FlowError(
            f"Deploying {flow.name!r} needs work_pool_name=...: its workers are to run it. To run "
            "it from this process, use flow.serve()."
        )
    planned = to_deployment(flow, name, work_pool_name=work_pool_name, **options)
    ask = default_ask()
    if image is not None:
        _check_pool(planned, ask)  # before minutes are spent on an image
        planned = with_image(planned, image, build=build, push=push, tell=_progress)
    deployment = register(planned, ask)
    if print_next_steps:
        print_steps(planned)
    return deployment.id


def with_image(
    planned: PlannedDeployment, image: str | DockerImage, *, build: bool, push: bool, tell: Tell
) -> PlannedDeployment:
    """The deployment with its code in an image, which is built and pushed as far as is wanted.

    Raises:
        ImageError: the image cannot be built or pushed.
        FlowError: folders are to be added to the path of code that is in the image.
    """
    if planned.source.path is not None and planned.source.pull_steps:
        raise FlowError(
            "python_path says where the modules of a directory or a repository are; code in an "
            "image is found by the image's own PYTHONPATH. Set it there (ENV in the Dockerfile), "
            "or by the job variable env.PYTHONPATH."
        )
    wanted = image_of(image) if build or isinstance(image, DockerImage) else image
    if isinstance(wanted, DockerImage):
        if wanted.context is None:
            wanted = msgspec.structs.replace(wanted, context=planned.source.path)
        if build:
            wanted.build(tell)
        if build and push:
            wanted.push(tell)
        wanted = wanted.reference
    source = planned.source
    if source.pull_steps is None:
        # In the image, the entrypoint is relative to its working directory.
        source = msgspec.structs.replace(source, path=None)
    variables = {**planned.job_variables, "image": wanted}
    return msgspec.structs.replace(planned, source=source, job_variables=variables)


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def register(planned: PlannedDeployment, ask: Ask) -> Deployment:
    """Create or update the deployment through `ask`. Repeating it changes nothing.

    Raises:
        ApiProblem: the control plane refused.
    """
    if planned.work_pool_name is not None:
        _check_pool(planned, ask)
    what = f"the deployment {planned.full_name!r}"
    flow = answered(ask("POST", "/flows/", FlowCreate(name=planned.flow.name)), FlowOnWire, what)
    return answered(ask("POST", "/deployments/", planned.to_wire(flow.id)), Deployment, what)


def _check_pool(planned: PlannedDeployment, ask: Ask) -> None:
    name = planned.work_pool_name or ""
    told = ask("GET", f"/work_pools/{quote(name, safe='')}", None)
    if told.status != _NOT_FOUND:
        return
    listed = ask("POST", "/work_pools/filter", {})
    names = sorted(pool["name"] for pool in listed.body) if isinstance(listed.body, list) else []
    there = f" There are: {', '.join(names)}." if names else ""
    raise NotFound(
        f"{planned.full_name!r} cannot be deployed: there is no work pool {name!r}.{there} "
        f"Create it: runwright work-pool create {name!r}",
        status=_NOT_FOUND,
        code="work_pool_not_found",
    )


def print_steps(planned: PlannedDeployment) -> None:
    """Tell the user what to do next."""
    sys.stdout.write(
        f"Deployed {planned.full_name!r} to work pool {planned.work_pool_name!r}.\n"
        f"  Start a worker:  runwright worker start --pool {planned.work_pool_name!r}\n"
        f"  Run it:          runwright deployment run {planned.full_name!r}\n"
    )
