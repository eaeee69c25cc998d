"""The environment of a worker's unit: what `runwright worker start` would have here.

A unit begins with an empty environment. A policy file, a private CA or a grace that stayed behind
would not be missed until something went wrong, so all settings of a worker go along, or the unit
is refused.
"""

import grp
import os
import pwd
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runwright.errors import ConfigurationError
from runwright.settings import PREFIX, Settings, Source, load_with_sources, resolve_api

#: Where a unit keeps what it stores: its StateDirectory.
HOME = "/var/lib/runwright"
#: Settings that a worker, or what it starts, reads. Address and key are resolved apart.
TAKEN = (
    "request_timeout", "tls_ca_file", "tls_verify", "tls_client_cert", "tls_client_key",
    "log_level", "log_extra_loggers", "results_path", "persist_results", "task_default_retries",
    "lease_seconds", "worker_policy", "worker_grace", "cancel_grace", "outage_tolerance",
)  # fmt: skip
#: Not ours, and part of how a worker reaches its server and its engine.
VARIABLES = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
    "DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_CONFIG",
)  # fmt: skip
#: Of these, files and folders that the worker reads.
_PATHS = ("SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_CERT_PATH", "DOCKER_CONFIG")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")


def service_environment(kind: str, user: str, env: Mapping[str, str] | None = None) -> str:
    """The lines of the unit's EnvironmentFile.

    Raises:
        ConfigurationError: which server it is for is not known, or the worker could not use what
            is set here.
    """
    env = os.environ if env is None else env
    settings, sources = load_with_sources(env)
    reached = resolve_api(settings)
    if reached is None:
        raise ConfigurationError(
            "Which server the worker is for is not known: set RUNWRIGHT_API_URL and the worker's "
            "RUNWRIGHT_API_KEY (sudo -E keeps them)."
        )
    url, key = reached
    values = {f"{PREFIX}API_URL": url, f"{PREFIX}HOME": HOME}
    if key:
        values[f"{PREFIX}API_KEY"] = key
    values |= _settings(settings, sources, user)
    values |= _surroundings(env, user)
    values |= _of_policy(settings, kind, user, env)
    return "".join(f"{name}={_quoted(name, value)}\n" for name, value in values.items())


def _settings(settings: Settings, sources: Mapping[str, Source], user: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for field in TAKEN:
        if sources[field] == "default":
            continue
        value: Any = getattr(settings, field)
        name = f"{PREFIX}{field.upper()}"
        if isinstance(value, Path):
            value = value.expanduser().absolute()
            if field != "results_path":  # a worker makes that one
                _check_readable(name, value, user)
        values[name] = ",".join(value) if isinstance(value, list) else str(value)
    return values


def _surroundings(env: Mapping[str, str], user: str) -> dict[str, str]:
    values = {name: env[name] for name in VARIABLES if env.get(name)}
    for name in _PATHS:
        if name in values:
            _check_readable(name, Path(values[name]), user)
    return values


def _of_policy(settings: Settings, kind: str, user: str, env: Mapping[str, str]) -> dict[str, str]:
    """Read the policy as the worker will; the registries' passwords that it names."""
    file = settings.worker_policy
    if file is None:
        return {}
    if kind != "docker":
        from runwright.worker.policy import read_process_policy  # late: the CLI starts quickly

        read_process_policy(file)
        return {}
    try:
        from runwright.worker.launchers.docker.policy import read_policy
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "A worker of type docker needs the extra of that name: pip install 'runwright[docker]'."
        ) from error
    values: dict[str, str] = {}
    for name, registry in read_policy(file).registries.items():
        if registry.password_file is not None:
            _check_readable(f"password_file of {name}", Path(registry.password_file), user)
        variable = registry.password_env
        if variable is None:
            continue
        if variable not in env:
            raise ConfigurationError(
                f"{file} takes the password of {name} from the variable {variable}, which is not "
                "set here. Set it for this command (sudo -E keeps it), or use password_file."
            )
        values[variable] = env[variable]
    return values


def _check_readable(what: str, file: Path, user: str) -> None:
    """Refuse a path that is not there, or that the user of the unit cannot read.

    Raises:
        ConfigurationError: says which, and why.
    """
    if not file.exists():
        raise ConfigurationError(f"{what} is {file}, which does not exist.")
    try:
        who = pwd.getpwnam(user)
    except KeyError:
        raise ConfigurationError(f"There is no user {user!r} on this machine.") from None
    if who.pw_uid == 0:
        return
    groups = {who.pw_gid, *(each.gr_gid for each in grp.getgrall() if user in each.gr_mem)}
    for place, needed in [(file, 4), *((parent, 1) for parent in file.absolute().parents)]:
        if not _allows(place.stat(), who.pw_uid, groups, needed):
            raise ConfigurationError(
                f"{what} is {file}, which the unit's user {user!r} cannot read: {place} does not "
                "let it. Put the file below /etc/runwright, or change its mode."
            )


def _allows(status: os.stat_result, uid: int, groups: set[int], needed: int) -> bool:
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid == uid:
        return bool(mode >> 6 & needed)
    if status.st_gid in groups:
        return bool(mode >> 3 & needed)
    return bool(mode & needed)


def _quoted(name: str, value: str) -> str:
    """A value as systemd reads it from an EnvironmentFile."""
    if "\n" in value or "\0" in value:
        raise ConfigurationError(f"The value of {name} has a line break: a unit cannot have that.")
    if _PLAIN.fullmatch(value):
        return value
    # Nothing is expanded there: of a shell's special characters, these two are.
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
