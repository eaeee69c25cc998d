"""What executions of this machine may be told: a file out of the control plane's reach.

The control plane says what a worker executes. This file, which only the machine's owner writes,
says how far that goes; the worker refuses the rest, whoever asks for it. Without a file a
deployment may say anything, and a single run anything but loader variables (`PYTHONPATH`,
`LD_LIBRARY_PATH`, ...): see `core.job_overrides`.
"""

import os
import shlex
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from runwright.core.job_overrides import is_loader, refused
from runwright.errors import ConfigurationError
from runwright.worker.job import Job
from runwright.worker.launcher import LaunchFailed

T = TypeVar("T")


class ProcessPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What processes may be. Patterns are those of a shell: `/opt/tools/*`."""

    #: Programs that may be executed instead of a flow. `[]`: none.
    commands: tuple[str, ...] = ("*",)
    #: Other interpreters than the worker's own.
    pythons: tuple[str, ...] = ("*",)
    #: Modules to import before the fork.
    preload: tuple[str, ...] = ("*",)
    #: Directories in which executions may start, and what is in them. None: any.
    working_dirs: tuple[str, ...] | None = None
    env: tuple[str, ...] = ("*",)
    deny_env: tuple[str, ...] = ()
    #: Whether deployments and pools may set loader variables; else those that `env` names letter by
    #: letter.
    loader_variables: bool = True
    #: Job variables that a single run may set: `cpus`, `env.APP_*`. Loader variables are among them
    #: only where they are named letter by letter.
    overrides: tuple[str, ...] = ("*",)

    def check(self, job: Job, overridden: Sequence[str] | None) -> None:
        """Refuse a job that goes further. `overridden`: what the run itself has set.

        Raises:
            LaunchFailed: says what is refused.
        """
        check_overrides(overridden, self.overrides)
        check_command(job.command, self.commands)
        if job.python and not matches_program(job.python, self.pythons):
            raise not_allowed(f"the interpreter {job.python}")
        for module in job.preload:
            if not matches(module, self.preload):
                raise not_allowed(f"to preload {module}")
        if job.working_dir is not None:
            self._check_directory(job.working_dir)
        for name in job.env:
            self._check_variable(name)

    def _check_directory(self, wanted: str) -> None:
        if self.working_dirs is None:
            return
        there = Path(os.path.realpath(wanted))
        if not any(there.is_relative_to(os.path.realpath(each)) for each in self.working_dirs):
            raise not_allowed(f"the working directory {wanted}")

    def _check_variable(self, name: str) -> None:
        is_named = name in self.env
        if not is_named and is_loader(name) and not self.loader_variables:
            raise not_allowed(f"the variable {name}")
        if not matches(name, self.env) or matches(name, self.deny_env):
            raise not_allowed(f"the variable {name}")


def check_command(command: Sequence[str] | str | None, allowed: Sequence[str]) -> None:
    """Refuse a command whose program is not allowed.

    Raises:
        LaunchFailed: names the program.
    """
    words = shlex.split(command) if isinstance(command, str) else command or ()
    if words and not matches_program(words[0], allowed):
        raise not_allowed(f"the command {words[0]}")


def check_overrides(overridden: Sequence[str] | None, allowed: Sequence[str]) -> None:
    """Refuse job variables of a single run that the policy does not leave to runs.

    A server that does not say what the run has set (None) is an older one: nothing is refused.

    Raises:
        LaunchFailed: names them.
    """
    names = refused(overridden or (), allowed)
    if names:
        raise LaunchFailed(
            f"this worker's policy does not let a single run set {', '.join(names[:10])}. Set it "
            "in the deployment, or let the worker's owner name it in `overrides` of the file of "
            "the setting worker_policy."
        )


def matches(text: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns is that of the text."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def matches_program(path: str, patterns: Sequence[str]) -> bool:
    """Whether a program is allowed. A path with `..` leads out of what a pattern means, so it has
    to be named letter by letter, or everything be allowed.
    """
    if "*" in patterns or path in patterns:
        return True
    return ".." not in path.split("/") and matches(path, patterns)


def not_allowed(what: str) -> LaunchFailed:
    """What to say of something that a policy forbids."""
    return LaunchFailed(
        f"this worker's policy does not allow {what}. Its owner says what is allowed in the file "
        "of the setting worker_policy."
    )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    process: ProcessPolicy = ProcessPolicy()
    #: For workers of that type, which read it themselves.
    docker: dict[str, Any] = {}


def read_process_policy(file: Path | None) -> ProcessPolicy:
    """The policy in the table `process` of a TOML file; the default one without a file.

    Raises:
        ConfigurationError: the file cannot be read, or says what is no policy.
    """
    return read_policy_file(file, _File).process


def read_policy_file(file: Path | None, type_: type[T]) -> T:
    """The tables of a worker's policy file; the default ones without a file.

    Raises:
        ConfigurationError: the file cannot be read, or says what is no policy.
    """
    if file is None:
        return type_()
    try:
        return msgspec.convert(tomllib.loads(file.read_text()), type_)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(
            f"The worker's policy file {file} is of no use: {error}"
        ) from error
