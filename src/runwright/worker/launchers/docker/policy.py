"""What containers may have: a file of the worker's machine, out of the control plane's reach.

Whoever can change a deployment chooses images, mounts and variables. This file, which only the
machine's owner writes, says how far that goes. Without one, containers may have any image and named
volumes, and nothing of the host: no directories, no host network, no privileges.
"""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import msgspec

from runwright.worker.launcher import LaunchFailed
from runwright.worker.launchers.docker.job import DockerJob, size_in_bytes
from runwright.worker.policy import (
    ProcessPolicy,
    check_command,
    check_overrides,
    matches,
    not_allowed,
    read_policy_file,
)

_HUB = "docker.io"
_HUB_NAMES: dict[str, str] = {
    "index.docker.io": _HUB,
    "registry-1.docker.io": _HUB,
    "https://index.docker.io/v1/": _HUB,
}


class Registry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to sign in to one registry. The password itself is not in the file."""

    username: str
    #: The registry that the password is for, if that is not the name of this table.
    host: str | None = None
    password_env: str | None = None
    password_file: str | None = None

    def password(self) -> str:
        """Read it where it is kept.

        Raises:
            LaunchFailed: it is not there.
        """
        if self.password_env is not None:
            found = os.environ.get(self.password_env)
            if found is None:
                raise LaunchFailed(
                    f"the password of the registry is not in the worker's {self.password_env}"
                )
            return found
        try:
            return Path(self.password_file or "").read_text().strip()
        except OSError as error:
            raise LaunchFailed(f"the password of the registry cannot be read: {error}") from error


class DockerPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is allowed. Patterns are those of a shell: `registry.example.com/team/*`."""

    images: tuple[str, ...] = ("*",)
    #: Programs that may be executed instead of a flow.
    commands: tuple[str, ...] = ("*",)
    #: Job variables that a single run may set; see `ProcessPolicy`.
    overrides: tuple[str, ...] = ("*",)
    #: Directories of the host whose contents may be mounted; `:ro` behind: for reading alone.
    mounts: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ("*",)
    env: tuple[str, ...] = ("*",)
    networks: tuple[str, ...] = ("*",)
    #: What containers join that say nothing about networks.
    default_networks: tuple[str, ...] = ()
    host_network: bool = False
    privileged: bool = False
    devices: bool = True
    max_memory: str | None = None
    max_cpus: float | None = None
    #: Where containers reach the control plane, if not where the worker does.
    api_url: str | None = None
    registries: dict[str, Registry] = {}

    def completed(self, job: DockerJob) -> DockerJob:
        """The job with what it leaves to the machine."""
        if job.networks or job.network_mode or not self.default_networks:
            return job
        return msgspec.structs.replace(job, networks=list(self.default_networks))

    def check(self, job: DockerJob, overridden: Sequence[str] | None = None) -> None:
        """Refuse a job that goes further. `overridden`: what the run itself has set.

        Raises:
            LaunchFailed: says what is refused.
        """
        check_overrides(overridden, self.overrides)
        if not matches(job.image, self.images):
            raise not_allowed(f"the image {job.image}")
        check_command(job.command, self.commands)
        for name in job.env:
            if not matches(name, self.env):
                raise not_allowed(f"the variable {name}")
        for volume in job.volumes:
            self._check_volume(volume)
        self._check_networks(job)
        if job.privileged and not self.privileged:
            raise not_allowed("a privileged container")
        if job.device_requests and not self.devices:
            raise not_allowed("devices of the host")
        self._check_size(job)

    def _check_volume(self, volume: str) -> None:
        source, _, rest = volume.partition(":")
        if not source or not rest.startswith("/"):
            raise LaunchFailed(
                f"the volume {volume!r} makes no sense: write name:/path or /host/path:/path"
            )
        if not source.startswith(("/", ".", "~")):
            if not matches(source, self.volumes):
                raise not_allowed(f"the volume {source}")
            return
        wanted = PurePosixPath(os.path.realpath(source))
        reads_only = "ro" in rest.split(":")[-1].split(",")
        for allowed in self.mounts:
            directory, _, mode = allowed.partition(":")
            if wanted.is_relative_to(os.path.realpath(directory)) and (mode != "ro" or reads_only):
                return
        raise not_allowed(
            f"the directory {source} of the host{'' if reads_only else ' to write in'}"
        )

    def _check_networks(self, job: DockerJob) -> None:
        mode = job.network_mode or ""
        if mode == "host" or mode.startswith("container:"):
            if not self.host_network:
                raise not_allowed(f"the network mode {mode}")
        elif mode not in {"", "bridge", "none"} and not matches(mode, self.networks):
            raise not_allowed(f"the network {mode}")
        for network in job.networks:
            if network == "host" or not matches(network, self.networks):
                raise not_allowed(f"the network {network}")

    def _check_size(self, job: DockerJob) -> None:
        most = size_in_bytes(self.max_memory, "max_memory of the policy")
        wanted = size_in_bytes(job.mem_limit, "mem_limit")
        if most is not None and (wanted is None or wanted > most):
            raise not_allowed(
                f"mem_limit {job.mem_limit or 'unlimited'} (at most {self.max_memory})"
            )
        if self.max_cpus is not None and (job.cpus is None or job.cpus > self.max_cpus):
            raise not_allowed(f"cpus {job.cpus or 'unlimited'} (at most {self.max_cpus:g})")

    def credentials_for(self, job: DockerJob) -> dict[str, str] | None:
        """User and password for the job's image; None where none are needed.

        Raises:
            LaunchFailed: the job names a registry that is not in the policy, or is not that of
                its image: the password would be sent there.
        """
        name = job.registry_credentials
        if name is not None and name not in self.registries:
            raise LaunchFailed(
                f"registry_credentials is {name!r}, which is not among the registries of the "
                f"worker's policy file ({', '.join(sorted(self.registries)) or 'it has none'})"
            )
        there = registry_of(job.image)
        registry = self.registries.get(name or there)
        if registry is None:
            return None
        host = registry.host or name or there
        if there != _HUB_NAMES.get(host, host):
            raise LaunchFailed(
                f"registry_credentials is {name!r}, whose password is for {host}, and the image "
                f"{job.image} comes from {there}. Take registry_credentials out of the job "
                "variables, or let the owner of the worker add a table for that registry to the "
                "worker's policy file."
            )
        return {"username": registry.username, "password": registry.password()}


def registry_of(image: str) -> str:
    """The host that an image is pulled from: Docker Hub, where none is named."""
    host, slash, _ = image.partition("/")
    is_host = bool(slash) and ("." in host or ":" in host or host == "localhost")
    return _HUB_NAMES.get(host, host) if is_host else _HUB


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    docker: DockerPolicy = DockerPolicy()
    #: For workers of that type.
    process: ProcessPolicy = ProcessPolicy()


def read_policy(file: Path | None) -> DockerPolicy:
    """The policy in the table `docker` of a TOML file; the default one without a file.

    Raises:
        ConfigurationError: the file cannot be read, or says what is no policy.
    """
    return read_policy_file(file, _File).docker
