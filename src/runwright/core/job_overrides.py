"""Which job variables a run sets itself, over those of its deployment and pool.

Job variables say what a worker executes: a command, an interpreter, an image, an environment. A
run that is asked for with the scope `runs:create` alone sets those that its deployment names.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from runwright.core.job_template import MERGED

#: Variables by which an interpreter, a shell, the dynamic linker or a tool finds code to execute,
#: or which lead connections elsewhere. A pattern allows only those that it names letter by letter.
LOADER_VARIABLES = (
    "LD_*", "DYLD_*", "GCONV_PATH", "GLIBC_TUNABLES",
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONEXECUTABLE",
    "PYTHONPLATLIBDIR", "PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONWARNINGS",
    "PYTHONPYCACHEPREFIX", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV", "CONDA_*", "PIP_*", "UV_*",
    "PATH", "BASH_ENV", "BASH_FUNC_*", "ENV", "IFS", "SHELL", "SHELLOPTS", "BASHOPTS", "PS4",
    "PROMPT_COMMAND", "ZDOTDIR", "HOME", "XDG_CONFIG_HOME",
    "GIT_*", "SSH_ASKPASS", "PAGER", "EDITOR", "VISUAL",
    "PERL5LIB", "PERL5OPT", "PERL5DB", "RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH",
    "NPM_CONFIG_*", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH",
    "LUA_PATH*", "LUA_CPATH*", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "DOCKER_HOST",
    "RUNWRIGHT_API_*", "RUNWRIGHT_HOME", "RUNWRIGHT_PROFILE", "RUNWRIGHT_RESULTS_PATH",
    "RUNWRIGHT_TLS_*", "RUNWRIGHT_EXECUTION*", "RUNWRIGHT_JOURNAL*", "RUNWRIGHT_WORKER_*",
    "PREFECT_API_*", "PREFECT_HOME", "PREFECT_PROFILES_PATH", "PREFECT_LOCAL_STORAGE_PATH",
    "PREFECT_LOGGING_SETTINGS_PATH",
)  # fmt: skip


def overridden(variables: Mapping[str, Any] | None) -> list[str]:
    """The variables that these set: `command`, and of those laid over each other `env.NAME`."""
    names: list[str] = []
    for name, value in (variables or {}).items():
        if name in MERGED and isinstance(value, Mapping):
            names += [f"{name}.{inner}" for inner in value]
        else:
            names.append(name)
    return sorted(names)


def is_loader(name: str) -> bool:
    """Whether an environment variable decides what code is loaded. In any case of letters."""
    return any(fnmatchcase(name.upper(), pattern) for pattern in LOADER_VARIABLES)


def refused(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Those of the overridden variables that no pattern allows, as `cpus`, `env.LOG_*`, or `*`."""
    allowed = tuple(patterns)
    return [name for name in names if not _is_allowed(name, allowed)]


def _is_allowed(name: str, patterns: tuple[str, ...]) -> bool:
    if name in patterns:
        return True
    kind, _, inner = name.partition(".")
    if kind == "env" and is_loader(inner):
        return False
    return any(fnmatchcase(name, pattern) for pattern in patterns)
