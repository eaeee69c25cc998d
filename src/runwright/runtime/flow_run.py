"""Facts about the flow run around the caller."""

from typing import TYPE_CHECKING, Any

from runwright.sdk.runtime import look_up, names

if TYPE_CHECKING:
    from datetime import datetime

    id: str | None  # noqa: A001  # its name everywhere
    name: str | None
    flow_name: str | None
    flow_version: str | None
    parameters: dict[str, Any]
    tags: list[str]
    run_count: int
    start_time: datetime | None
    scheduled_start_time: datetime | None
    parent_flow_run_id: str | None
    parent_deployment_id: str | None
    root_flow_run_id: str | None
    #: The same in each attempt: the id of the first one's run.
    lineage_id: str | None
    attempt: int
    execution_id: str | None
    job_variables: dict[str, Any]


def __getattr__(name: str) -> Any:
    return look_up("flow_run", name)


def __dir__() -> list[str]:
    return names("flow_run")
