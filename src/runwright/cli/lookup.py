"""Finding what a person names: by id, or by name."""

from uuid import UUID

from runwright.api.deployments import Deployment
from runwright.api.filters import FlowRunFilter, Query, TextIs
from runwright.api.flow_runs import FlowRun
from runwright.cli.session import Caller
from runwright.client.calls import deployments, flow_runs, flows
from runwright.core.texts import listed
from runwright.errors import NotFound


def as_id(text: str) -> UUID | None:
    """The text as an id; None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def flow_run(caller: Caller, named: str) -> FlowRun:
    """The run of that id, or the latest of that name.

    Raises:
        NotFound: there is none.
    """
    run_id = as_id(named)
    if run_id is not None:
        return caller.call(flow_runs.read(run_id))
    found = caller.call(
        flow_runs.find(
            Query(
                flow_runs=FlowRunFilter(name=TextIs(any_=[named])),
                sort="EXPECTED_START_TIME_DESC",
                limit=1,
            )
        )
    )
    if not found:
        raise NotFound(
            f"There is no flow run {named!r}. `runwright flow-run ls` lists them.",
            status=404,
            code="not_found",
        )
    return found[0]


def deployment(caller: Caller, named: str) -> Deployment:
    """The deployment of that id, or of that `flow/name`.

    Raises:
        NotFound: there is none; the message names those there are.
    """
    deployment_id = as_id(named)
    if deployment_id is not None:
        return caller.call(deployments.read(deployment_id))
    flow, slash, name = named.partition("/")
    if not slash:
        raise _no_deployment(caller, named)
    try:
        return caller.call(deployments.by_name(flow, name))
    except NotFound:
        raise _no_deployment(caller, named) from None


def _no_deployment(caller: Caller, named: str) -> NotFound:
    known = sorted(full_names(caller, caller.call(deployments.find())).values())
    there = f"Deployments: {listed(known)}." if known else "There are none yet."
    return NotFound(
        f"There is no deployment {named!r}; name one as flow/deployment. {there}",
        status=404,
        code="not_found",
    )


def full_names(caller: Caller, found: list[Deployment]) -> dict[UUID, str]:
    """`flow/name` of each deployment."""
    ids = list({each.flow_id for each in found})
    names = {flow.id: flow.name for flow in caller.call(flows.find(ids=ids))} if ids else {}
    return {each.id: f"{names.get(each.flow_id, '?')}/{each.name}" for each in found}
