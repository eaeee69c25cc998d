"""`runwright worker service`: the worker as a systemd unit that comes back by itself."""

import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from runwright.cli.exit_codes import Exit
from runwright.cli.render import note, say
from runwright.cli.service_environment import service_environment
from runwright.errors import ConfigurationError
from runwright.settings import load_settings

app = App(name="service", help="The worker as a systemd unit that comes back by itself.")

UNITS = Path("/etc/systemd/system")
VARIABLES = Path("/etc/runwright")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")

_UNIT = """\
[Unit]
Description=Runwright worker of the work pool {pool}
Wants=network-online.target
After=network-online.target docker.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={user}
EnvironmentFile={variables}
ExecStart={command}
Restart=always
RestartSec=2
WatchdogSec=120
TimeoutStartSec=120
TimeoutStopSec={stop_seconds}
# Runs whose worker is killed go on under their supervisors.
KillMode=process
StateDirectory=runwright
NoNewPrivileges=yes
ProtectSystem=full
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
UMask=0077

[Install]
WantedBy=multi-user.target
"""


@app.command
def install(  # noqa: PLR0913  # the options of a worker, by name
    *,
    pool: Annotated[str, Parameter(name=["--pool", "-p"])],
    type: str = "process",  # noqa: A002  # the word of the field
    name: str | None = None,
    limit: int | None = None,
    queue: list[str] | None = None,
    user: str | None = None,
    start: bool = True,
    root: Annotated[Path, Parameter(show=False)] = Path("/"),
) -> None:
    """Write, enable and start a unit that runs `runwright worker start` for a pool.

    The unit has the settings of a worker that is started here: the server's address and the key,
    the policy file, certificates, graces, proxies. They go into a file that only root reads.

    Parameters
    ----------
    name
        The unit is called runwright-worker-NAME. Default: the pool's name.
    user
        Whom the worker runs as. Default: who called sudo, or you.
    start
        --no-start: only write and enable it.
    """
    called = name or pool
    if not _NAME.fullmatch(called):
        raise ConfigurationError(f"{called!r} cannot name a unit: use letters, digits, - and _.")
    owner = user or os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name
    words = [*_program(), "worker", "start", "--pool", pool, "--type", type, "--name", called]
    words += ["--limit", str(limit)] if limit else []
    words += [word for each in queue or () for word in ("--queue", each)]
    settings = load_settings()
    variables = _under(root, VARIABLES) / f"worker-{called}.env"
    unit = _under(root, UNITS) / _unit_name(called)
    _write(variables, service_environment(type, owner), 0o600)
    text = _UNIT.format(
        pool=pool,
        user=owner,
        variables=VARIABLES / variables.name,
        command=shlex.join(words),
        stop_seconds=int(settings.worker_grace * 2 + 30),
    )
    _write(unit, text, 0o644)
    say(f"wrote {unit}")
    say(f"wrote {variables}")
    if root != Path("/"):
        return
    _systemctl("daemon-reload")
    _systemctl("enable", unit.name)
    say(f"enabled {unit.name}: it starts with the machine, and again whenever it ends")
    if start:
        _systemctl("restart", unit.name)
        say(f"started {unit.name}")
    note(f"follow it: journalctl -fu {unit.name}")


@app.command
def uninstall(name: str, /) -> None:
    """Stop and remove the unit of that name or pool. Runs that go on are left to end."""
    unit = UNITS / _unit_name(name)
    if not unit.exists():
        raise ConfigurationError(f"There is no unit {unit}. Those there are: {_installed()}.")
    _systemctl("disable", "--now", unit.name)
    unit.unlink()
    (VARIABLES / f"worker-{name}.env").unlink(missing_ok=True)
    _systemctl("daemon-reload")
    say(f"removed {unit.name}")


@app.command
def status(name: str, /) -> int:
    """Show how the unit of that name or pool does; exit with 0 if it is up."""
    unit = _unit_name(name)
    if not (UNITS / unit).exists():
        raise ConfigurationError(f"There is no unit {unit}. Those there are: {_installed()}.")
    shown = subprocess.run(
        ["systemctl", "status", "--no-pager", "--lines=10", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    say(shown.stdout.rstrip() or shown.stderr.rstrip())
    return Exit.OK if shown.returncode == 0 else Exit.ERROR


def _unit_name(name: str) -> str:
    return f"runwright-worker-{name}.service"


def _installed() -> str:
    prefix, suffix = _unit_name("*").split("*")
    names = [file.name[len(prefix) : -len(suffix)] for file in UNITS.glob(_unit_name("*"))]
    return ", ".join(sorted(names)) or "none"


def _program() -> list[str]:
    """This very installation, by its whole path."""
    beside = Path(sys.executable).with_name("runwright")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "runwright.cli.main"]


def _under(root: Path, folder: Path) -> Path:
    return root / folder.relative_to("/")


def _write(file: Path, text: str, mode: int) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=mode)
        file.chmod(mode)
        file.write_text(text)
    except PermissionError as error:
        raise ConfigurationError(
            f"{file} cannot be written: systemd's files are root's. Use sudo -E."
        ) from error


def _systemctl(*words: str) -> None:
    if shutil.which("systemctl") is None:
        raise ConfigurationError("This machine has no systemd. See `runwright init compose`.")
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise ConfigurationError(f"systemctl {shlex.join(words)} failed: {said}")
