"""What a process pool's job configuration may say, and what of it a worker refuses."""

import contextlib
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from runwright.api.executions import ExecutionSpec
from runwright.worker.launcher import LaunchFailed

#: These make the dynamic linker load code of whoever sets them into every program started; and
#: the rest is ours to say.
REFUSED_VARIABLES = frozenset(
    {"LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "RUNWRIGHT_API_KEY", "RUNWRIGHT_EXECUTION"}
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The job configuration of one execution. Members unknown here are for other launchers."""

    #: None as a value takes the variable away.
    env: dict[str, str | None] = {}
    working_dir: str | None = None
    #: An argument vector, or one string in shell quoting. No shell ever sees it. `{fd}` stands
    #: for the number of the journal's descriptor, for programs that report their states
    #: themselves; of others the exit code is the outcome.
    command: list[str] | str | None = None
    #: Another interpreter than the worker's; it needs Runwright installed.
    python: str | None = None
    start_method: Literal["fork", "spawn"] = "fork"
    stream_output: bool = True
    #: Modules to import once for all executions, before they fork. They must start no threads.
    preload: list[str] = []

    def argv(self, default_python: str, fd: int) -> list[str] | None:
        """What to execute; None to go on in a fork of the warm interpreter."""
        python = self.python or default_python
        if self.command:
            words = shlex.split(self.command) if isinstance(self.command, str) else self.command
            if any("{fd}" in word for word in words):
                return [word.replace("{fd}", str(fd)) for word in words]
            return [python, "-m", "runwright.sdk.command", str(fd), *words]
        if self.python or self.start_method == "spawn":
            return [python, "-m", "runwright.sdk.execution", str(fd)]
        return None


@contextlib.contextmanager
def place_of(spec: ExecutionSpec, job: Job) -> Iterator[Job]:
    """The job with a directory to run in: where code is pulled, one that lasts as long as the run.

    Else runs start where their worker was started, unless the job says where.

    Raises:
        LaunchFailed: the directory cannot be made.
    """
    if job.working_dir is not None or not spec.pull_steps:
        yield job
        return
    try:
        made = tempfile.mkdtemp(prefix="runwright-run-")
    except OSError as error:
        raise LaunchFailed(f"no directory could be made for it: {error}") from error
    try:
        yield msgspec.structs.replace(job, working_dir=made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def read_job(configuration: dict[str, Any]) -> Job:
    """Check the configuration of one execution.

    Raises:
        LaunchFailed: it makes no sense, or asks for what this worker does not do.
    """
    present = {name: value for name, value in configuration.items() if value is not None}
    try:
        job = msgspec.convert(present, Job)
    except msgspec.ValidationError as error:
        raise LaunchFailed(f"the job configuration makes no sense: {error}") from error
    try:
        job.argv("", 0)
    except ValueError as error:
        raise LaunchFailed(f"the command {job.command!r} makes no sense: {error}") from error
    refuse_variables(job.env)
    if job.working_dir is not None and not Path(job.working_dir).is_dir():
        raise LaunchFailed(
            f"the working directory {job.working_dir!r} does not exist on this worker's machine. "
            "Create it, or set the job variable working_dir to one that exists."
        )
    return job


def refuse_variables(env: Mapping[str, str | None]) -> None:
    """Refuse to set what is ours to set, or what loads foreign code.

    Raises:
        LaunchFailed: names it.
    """
    refused = sorted(REFUSED_VARIABLES.intersection(env))
    if refused:
        raise LaunchFailed(
            f"the job configuration sets {', '.join(refused)}, which this worker refuses. "
            "Take it out of the job variables of the deployment or the work pool."
        )
    for name, value in env.items():
        if not name or "=" in name or "\0" in f"{name}{value}":
            raise LaunchFailed(
                f"the job configuration sets the variable {name!r} to {value!r}, which no process "
                "can be given: a name has no '=', and neither it nor its value has a U+0000."
            )
