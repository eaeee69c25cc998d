"""Facts about the task run around the caller."""

from typing import TYPE_CHECKING, Any

from runwright.sdk.runtime import look_up, names

if TYPE_CHECKING:
    from datetime import datetime

    id: str | None  # noqa: A001  # its name everywhere
    name: str | None
    task_name: str | None
    tags: list[str]
    parameters: dict[str, Any]
    run_count: int
    start_time: datetime | None


def __getattr__(name: str) -> Any:
    return look_up("task_run", name)


def __dir__() -> list[str]:
    return names("task_run")
