"""Facts about the deployment of the run around the caller."""

from typing import TYPE_CHECKING, Any

from runwright.sdk.runtime import look_up, names

if TYPE_CHECKING:
    id: str | None  # noqa: A001  # its name everywhere
    name: str | None
    version: str | None
    flow_run_id: str | None


def __getattr__(name: str) -> Any:
    return look_up("deployment", name)


def __dir__() -> list[str]:
    return names("deployment")
