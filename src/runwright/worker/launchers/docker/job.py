"""What a Docker pool's job configuration may say."""

import re
import shlex
from typing import Any, Literal

import msgspec

from runwright.worker.job import refuse_variables
from runwright.worker.launcher import LaunchFailed

PullPolicy = Literal["IfNotPresent", "Always", "Never"]

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[bkmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
#: Names of labels that are ours to give.
OUR_LABELS = "io.runwright."


class DockerJob(msgspec.Struct, frozen=True, kw_only=True):
    """The job configuration of one container. Sizes are bytes, or texts such as `512m`."""

    image: str
    #: A program to run instead of the flow; see `Job.command`.
    command: list[str] | str | None = None
    #: None as a value leaves the variable out.
    env: dict[str, str | None] = {}
    labels: dict[str, str] = {}
    networks: list[str] = []
    network_mode: str | None = None
    #: `name:/path` or `/host/path:/path`, with `:ro` behind for reading alone.
    volumes: list[str] = []
    mem_limit: str | int | None = None
    memswap_limit: str | int | None = None
    shm_size: str | int | None = None
    cpus: float | None = None
    image_pull_policy: PullPolicy | None = None
    #: Remove the container when its end is recorded.
    auto_remove: bool = True
    privileged: bool = False
    user: str | None = None
    working_dir: str | None = None
    #: Which of the registries in the worker's policy file to sign in to.
    registry_credentials: str | None = None
    #: As the engine's API has them: `[{"Count": -1, "Capabilities": [["gpu"]]}]` is every GPU.
    device_requests: list[dict[str, Any]] = []

    def inner(self) -> dict[str, Any]:
        """What of it is for the supervisor in the container."""
        inside = {"command": self.command, "working_dir": self.working_dir}
        return {name: value for name, value in inside.items() if value}

    @property
    def pull_policy(self) -> PullPolicy:
        """The one that is set; else a tag that moves is pulled each time, a fixed one once."""
        if self.image_pull_policy is not None:
            return self.image_pull_policy
        last = self.image.rpartition("/")[2]
        moves = "@" not in last and (":" not in last or last.endswith(":latest"))
        return "Always" if moves else "IfNotPresent"


def read_docker_job(configuration: dict[str, Any]) -> DockerJob:
    """Check the configuration of one container.

    Raises:
        LaunchFailed: it makes no sense, or sets what is ours to set.
    """
    present = {name: value for name, value in configuration.items() if value is not None}
    if not present.get("image"):
        raise LaunchFailed(
            "no image is named. Deploy with image=..., or set the job variable image of the "
            "deployment or its default in the work pool's base job template."
        )
    try:
        job = msgspec.convert(present, DockerJob)
    except msgspec.ValidationError as error:
        raise LaunchFailed(f"the job configuration makes no sense: {error}") from error
    if isinstance(job.command, str):
        try:
            shlex.split(job.command)
        except ValueError as error:
            raise LaunchFailed(f"the command {job.command!r} makes no sense: {error}") from error
    refuse_variables(job.env)
    for name in ("mem_limit", "memswap_limit", "shm_size"):
        size_in_bytes(getattr(job, name), name)
    return job


def size_in_bytes(size: str | int | None, what: str) -> int | None:
    """Bytes of `512m`, `1.5g`, `1048576`.

    Raises:
        LaunchFailed: it is no size.
    """
    if size is None or isinstance(size, int):
        return size
    if size.strip() == "-1":
        return -1
    found = _SIZE.fullmatch(size.strip())
    if found is None:
        raise LaunchFailed(f"{what} is {size!r}, which is no size: write it as 512m or 2g")
    return int(float(found["number"]) * _UNITS[found["unit"].lower()])
