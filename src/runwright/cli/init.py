"""`runwright init`: files to begin with."""

import os
import secrets
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

from cyclopts import App

from runwright.cli.render import note, say
from runwright.errors import ConfigurationError

app = App(name="init", help="Files to begin with.")

_SOCKET = Path("/var/run/docker.sock")
_SECRETS = ("postgres_password", "database_url", "admin_key", "cpu_worker_key", "gpu_worker_key")


@app.command
def compose(directory: Path = Path("runwright"), /, *, image: str = "runwright:latest") -> None:
    """Write a compose file: Postgres, the server, and workers of two Docker pools.

    Parameters
    ----------
    directory
        Where to. Files that are there already stay as they are; no secret is made twice.
    image
        The image of Runwright, as `docker build -f deploy/Dockerfile -t runwright .` makes it.
    """
    if directory.exists() and not directory.is_dir():
        raise ConfigurationError(f"{directory} is no directory.")
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("compose.yaml", "bootstrap.toml", "worker-policy.toml"):
        _write(directory / name, _template(name), 0o644)
    # In the containers the secrets are read by a user of another number.
    vault = directory / "secrets"
    vault.mkdir(mode=0o700, exist_ok=True)
    password = _kept(vault / "postgres_password") or secrets.token_urlsafe(32)
    for name, text in _made(password).items():
        _write(vault / name, text, 0o444)
    group = _SOCKET.stat().st_gid if _SOCKET.exists() else 0
    _write(
        directory / ".env",
        f"RUNWRIGHT_IMAGE={image}\nRUNWRIGHT_PORT=4300\nDOCKER_GID={group}\n",
        0o644,
    )
    _write(directory / ".gitignore", "secrets/\n", 0o644)
    note(
        f"start it:      docker compose --project-directory {directory} up -d\n"
        f"use it:        export RUNWRIGHT_API_URL=http://127.0.0.1:4300/api "
        f"RUNWRIGHT_API_KEY_FILE={vault.resolve() / 'admin_key'}"
    )


def _template(name: str) -> str:
    return files("runwright.cli").joinpath("compose_files", name).read_text()


def _made(password: str) -> dict[str, str]:
    # Late: how keys look is the server's to know.
    from runwright.server.keys import new_key

    return dict(
        zip(
            _SECRETS,
            (
                password,
                f"postgresql://runwright:{password}@postgres:5432/runwright",
                new_key("user", uuid4()),
                new_key("worker", uuid4()),
                new_key("worker", uuid4()),
            ),
            strict=True,
        )
    )


def _kept(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


def _write(file: Path, text: str, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        say(f"kept {file}")
        return
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    file.chmod(mode)
    say(f"wrote {file}")
