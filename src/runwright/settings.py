"""Settings: environment variables, then the active profile, then defaults.

A process loads them once, in its `main`, and hands the frozen object down. Every field can be set
as `RUNWRIGHT_<FIELD>` or in `<home>/profiles.toml`. Durations are seconds.
"""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from runwright.credentials import key_for
from runwright.errors import ConfigurationError
from runwright.local_server import local_server

PREFIX = "RUNWRIGHT_"
#: Variables that are ours and are no settings.
_NOT_SETTINGS = (
    "RUNWRIGHT__",
    "RUNWRIGHT_EXECUTION",
    "RUNWRIGHT_FAILPOINT",
    "RUNWRIGHT_KILL_AT_TASK",
)

#: These can be given as the name of a file that holds them: RUNWRIGHT_API_KEY_FILE.
_SECRET = ("api_key", "database_url")

_LISTS = ("log_extra_loggers", "webhook_allowed_networks", "allowed_origins", "trusted_proxies")

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Source = Literal["environment", "profile", "credentials", "default"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be configured."""

    #: Where profiles, credentials, the embedded database, results and spools live.
    home: Path
    #: The section of profiles.toml in use.
    profile: str = "default"

    #: The API's root, ending in /api. None: scripts record on this machine.
    api_url: str | None = None
    #: Sent as a bearer token. Falls back on the credentials kept for `api_url`.
    api_key: str | None = None
    #: For one request; long polls add to it.
    request_timeout: Positive = 30.0
    #: Certificates to trust beside the system's.
    tls_ca_file: Path | None = None
    #: False accepts any certificate. For trials only.
    tls_verify: bool = True
    #: A client certificate, where the server asks for one.
    tls_client_cert: Path | None = None
    #: The private key of the client certificate.
    tls_client_key: Path | None = None

    #: The least severe level that is recorded: DEBUG, INFO, WARNING, ERROR.
    log_level: str = "INFO"
    #: Users' own loggers whose records belong to the run, comma-separated.
    log_extra_loggers: list[str] = []

    #: Where results are written. Default: `<home>/results`.
    results_path: Path | None = None
    #: Persist results of flows and tasks that do not say.
    persist_results: bool = False
    #: Retries of tasks that do not say.
    task_default_retries: Annotated[int, msgspec.Meta(ge=0)] = 0

    #: sqlite:///path or postgresql://... Default: `<home>/runwright.db`.
    database_url: str | None = None
    #: The address that the server listens on.
    server_host: str = "127.0.0.1"
    #: The port that the server listens on; 0 takes a free one.
    server_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 4300
    #: The certificate to serve https with.
    server_tls_cert: Path | None = None
    #: The private key of the server's certificate.
    server_tls_key: Path | None = None

    #: Changes sent with a password (HTTP Basic, which browsers add by themselves) need a CSRF
    #: token. Bearer keys need none: no other site can send them.
    csrf_protection: bool = False

    #: The address under which browsers reach the server, as https://runwright.example.com. Sign-in
    #: links begin with it, and its pages may make changes.
    public_url: str | None = None
    #: Further addresses whose pages may make changes and open websockets with a session's cookie,
    #: such as https://ops.example.com; comma-separated.
    allowed_origins: list[str] = []
    #: Networks of proxies whose X-Forwarded-Proto and X-Forwarded-Host are believed, such as
    #: 10.0.0.0/24; comma-separated. From anybody else they are ignored.
    trusted_proxies: list[str] = []
    #: The path under which a proxy shows the server to browsers, as /runwright.
    ui_base_path: str = "/"
    #: Pools and keys that the server makes at its start where they are lacking. TOML.
    bootstrap_file: Path | None = None

    #: The keys that blocks are sealed under. Default: `<home>/encryption.keys`, made when needed.
    encryption_key_file: Path | None = None

    #: How long a running execution may be silent before its run is crashed.
    lease_seconds: Positive = 30.0
    #: How long a claimed run may take to start.
    pending_lease_seconds: Positive = 60.0
    #: How long a run of a client without leases (Prefect's) may be silent before it is crashed:
    #: three times its PREFECT_FLOWS_HEARTBEAT_FREQUENCY.
    client_lease_seconds: Positive = 540.0
    #: Between two looks for executions that fell silent.
    reaper_interval: Positive = 2.0
    #: Between two looks for schedules that are due.
    scheduler_interval: Positive = 1.0
    #: A scheduled run is shown as Late after this.
    late_after: Seconds = 15.0
    #: Ended runs older than this are deleted. None keeps them.
    run_retention: Positive | None = None
    #: Log lines older than this are deleted. None keeps them.
    log_retention: Positive | None = 30 * 86_400.0
    #: What automations have done is shown for so long. None keeps it.
    firing_retention: Positive | None = 30 * 86_400.0
    #: Between the first and the second try of an automation's action; then twice as long each time.
    action_retry_delay: Positive = 5.0
    #: Networks that webhooks and notifications may be sent to although they are not public, such as
    #: 10.1.0.0/16; comma-separated.
    webhook_allowed_networks: list[str] = []
    #: Figures of workers' machines older than this are deleted. None keeps them.
    host_retention: Positive | None = 2 * 86_400.0

    #: What executions of this machine may be told: commands, variables; of containers images,
    #: mounts, networks, registries. TOML.
    worker_policy: Path | None = None
    #: How long a stopping worker waits for its runs.
    worker_grace: Seconds = 30.0
    #: Between SIGTERM and SIGKILL of a cancelled flow.
    cancel_grace: Seconds = 30.0
    #: How long executions go on without the server.
    outage_tolerance: Positive = 900.0


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationError: a value cannot be read; the message names it and where it came from.
    """
    return load_with_sources(env)[0]


def load_with_sources(env: Mapping[str, str] | None = None) -> tuple[Settings, dict[str, Source]]:
    """The settings, and for each field where its value came from."""
    env = os.environ if env is None else env
    home = home_folder(env)
    profiles = read_profiles(home)
    profile = env.get(f"{PREFIX}PROFILE") or profiles.active
    if profile != "default" and profile not in profiles.profiles and f"{PREFIX}PROFILE" in env:
        known = ", ".join(sorted(profiles.profiles)) or "none yet"
        raise ConfigurationError(
            f"{PREFIX}PROFILE={profile}: there is no such profile. Profiles: {known}. "
            f"Create it with `runwright profile create {profile}`."
        )
    values: dict[str, Any] = dict(profiles.profiles.get(profile, {}))
    sources: dict[str, Source] = dict.fromkeys(Settings.__struct_fields__, "default")
    sources |= dict.fromkeys(values, "profile")
    for field in Settings.__struct_fields__:
        given = _given(env, field)
        if given is not None and given.strip() != "":
            values[field] = _split(given) if field in _LISTS else given.strip()
            sources[field] = "environment"
    values |= {"home": home, "profile": profile}
    settings = parse(values, sources)
    if settings.api_key is None and settings.api_url is not None:
        key = key_for(home, settings.api_url)
        if key is not None:
            settings = msgspec.structs.replace(settings, api_key=key)
            sources["api_key"] = "credentials"
    return settings, sources


def _given(env: Mapping[str, str], field: str) -> str | None:
    name = f"{PREFIX}{field.upper()}"
    given, file = env.get(name), env.get(f"{name}_FILE")
    if given or not file or field not in _SECRET:
        return given
    try:
        return Path(file).read_text()
    except OSError as error:
        raise ConfigurationError(f"{name}_FILE={file} cannot be read: {error.strerror}.") from error


def home_folder(env: Mapping[str, str] | None = None) -> Path:
    """Where everything of this user is.

    A relative `RUNWRIGHT_HOME` is made absolute once, also for the processes that this one starts:
    otherwise a program that changes its working directory would go on in a second home.
    """
    name = f"{PREFIX}HOME"
    home = Path((os.environ if env is None else env).get(name) or "~/.runwright").expanduser()
    if home.is_absolute():
        return home
    home = home.absolute()
    if env is None or env is os.environ:
        os.environ[name] = str(home)
    return home


def active_profile(env: Mapping[str, str] | None = None) -> str:
    """The name of the profile in use."""
    env = os.environ if env is None else env
    return env.get(f"{PREFIX}PROFILE") or read_profiles(home_folder(env)).active


LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "WARN", "FATAL", "NOTSET")


def level_of(log_level: str) -> int | str:
    """The setting as `logging` takes it: a name, or a number between the names."""
    return int(log_level) if log_level.isdigit() else log_level


def parse(values: Mapping[str, Any], sources: Mapping[str, Source] | None = None) -> Settings:
    """Check and convert raw values.

    Raises:
        ConfigurationError: a value does not fit its field, or there is no such field.
    """
    try:
        read = msgspec.convert(dict(values), Settings, strict=False, dec_hook=_read_path)
    except msgspec.ValidationError as error:
        raise ConfigurationError(_explain(str(error), values, sources or {})) from None
    url = read.api_url
    if url is not None and not url.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"api_url is {url!r}: it must begin with http:// or https://, "
            "for example http://127.0.0.1:4300/api."
        )
    level = read.log_level.upper()
    if level not in LOG_LEVELS and not (level.isascii() and level.isdigit()):
        raise ConfigurationError(
            f"log_level is {read.log_level!r}: give one of {', '.join(LOG_LEVELS)}, or a number."
        )
    for field in ("public_url", "allowed_origins"):
        given = getattr(read, field)
        for each in [given] if isinstance(given, str) else given or ():
            _check_origin(field, each)
    for text in read.trusted_proxies:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            raise ConfigurationError(
                f"trusted_proxies: {error}. Give addresses or networks such as 10.0.0.0/24, with "
                "commas between them."
            ) from None
    if read.lease_seconds > read.outage_tolerance:
        raise ConfigurationError(
            f"outage_tolerance ({read.outage_tolerance:g} s) is shorter than lease_seconds "
            f"({read.lease_seconds:g} s); executions would give up before their lease ends."
        )
    return msgspec.structs.replace(
        read,
        log_level=level,
        results_path=read.results_path or read.home / "results",
        database_url=read.database_url or f"sqlite:///{read.home / 'runwright.db'}",
    )


def _check_origin(field: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_good = is_good and parts.port != 0 and not (parts.query or parts.fragment)
        is_good = is_good and parts.username is None and parts.path in {"", "/"}
    except ValueError:
        is_good = False
    if not is_good:
        raise ConfigurationError(
            f"{field} is {url!r}: give scheme, host and perhaps a port, for example "
            "https://runwright.example.com. A path goes into ui_base_path."
        )


def unknown_variables(env: Mapping[str, str] | None = None) -> list[str]:
    """Variables that begin with our prefix and mean nothing: misspelt, most likely."""
    env = os.environ if env is None else env
    known = {f"{PREFIX}{field.upper()}" for field in Settings.__struct_fields__}
    known |= {f"{PREFIX}{field.upper()}_FILE" for field in _SECRET}
    return sorted(
        name
        for name in env
        if name.startswith(PREFIX) and name not in known and not name.startswith(_NOT_SETTINGS)
    )


def resolve_api(settings: Settings) -> tuple[str, str | None] | None:
    """URL and key of the control plane: the configured one, else the one on this machine."""
    if settings.api_url is not None:
        return settings.api_url.rstrip("/"), settings.api_key
    local = local_server(settings.home)
    if local is None:
        return None
    return local.url, settings.api_key or key_for(settings.home, local.url)


class Profiles(msgspec.Struct, kw_only=True):
    """The content of profiles.toml."""

    active: str = "default"
    profiles: dict[str, dict[str, Any]] = {}


def profiles_file(home: Path) -> Path:
    """Where the profiles are kept."""
    return home / "profiles.toml"


def read_profiles(home: Path) -> Profiles:
    """The profiles of this user; an empty one when there is no file.

    Raises:
        ConfigurationError: the file is there and is not what we write.
    """
    path = profiles_file(home)
    try:
        return msgspec.convert(tomllib.loads(path.read_text()), Profiles)
    except FileNotFoundError:
        return Profiles()
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}. Mend or delete it.") from error


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _read_path(kind: type, value: Any) -> Any:
    if kind is Path:
        return value if isinstance(value, Path) else Path(value).expanduser().absolute()
    raise NotImplementedError(kind)


def _explain(problem: str, values: Mapping[str, Any], sources: Mapping[str, Source]) -> str:
    field = problem.rsplit("$.", 1)[-1].strip("`") if "$." in problem else ""
    if field in values:
        where = sources.get(field, "default")
        name = f"{PREFIX}{field.upper()}" if where == "environment" else f"{field} ({where})"
        return f"{name} is {values[field]!r}: {problem.split(' - at', maxsplit=1)[0].lower()}."
    return f"The settings make no sense: {problem}. `runwright config view` lists the names."
