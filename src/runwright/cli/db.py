"""`runwright db`."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cyclopts import App

from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.render import Output, acted, say, show_one
from runwright.cli.session import server_packages
from runwright.errors import ConfigurationError
from runwright.settings import load_settings

app = App(name="db", help="The control plane's database.")


@app.command
def upgrade(
    revision: str = "head", /, *, database_url: str | None = None, output: Output = "table"
) -> None:
    """Bring the database to the schema of this program. A starting server does this itself.

    Parameters
    ----------
    revision
        Go no further than this one.
    database_url
        Default: that of the settings.
    """
    with _owned(database_url) as url:
        from runwright.storage import migrations  # Alembic is slow to load

        migrations.upgrade(url, revision)
        acted("the database is at revision", migrations.current(url) or "none", output)


@app.command
def downgrade(
    revision: str,
    /,
    *,
    database_url: str | None = None,
    yes: Yes = False,
    output: Output = "table",
) -> int:
    """Take revisions back, and with them what they hold; `base` takes everything.

    Without a terminal it needs --yes.
    """
    if not yes and not sys.stdin.isatty():
        raise ConfigurationError("This can lose data: say --yes when nobody can be asked.")
    with _owned(database_url) as url:
        if not confirm(f"Take {url} back to {revision}, with its data?", yes=yes):
            return Exit.ERROR
        from runwright.storage import migrations  # Alembic is slow to load

        migrations.downgrade(url, revision)
        acted("the database is at revision", migrations.current(url) or "none", output)
    return Exit.OK


@app.command
def stamp(
    revision: str = "head", /, *, database_url: str | None = None, output: Output = "table"
) -> None:
    """Say that the database is at a revision, and change nothing else."""
    with _owned(database_url) as url:
        from runwright.storage import migrations  # Alembic is slow to load

        migrations.stamp(url, revision)
        acted("the database is at revision", migrations.current(url) or "none", output)


@app.command
def current(*, database_url: str | None = None, output: Output = "table") -> None:
    """Show the revision of the database, and the newest that this program knows."""
    url = _url(database_url)
    with server_packages():
        from runwright.server.database import sqlite_path
        from runwright.storage import migrations
    path = sqlite_path(url)
    there = path is None or path.exists()  # opening a missing file would make it
    found = migrations.current(url) if there else None
    if output == "table":
        newest = migrations.head()
        state = "up to date" if found == newest else f"the newest is {newest}"
        say(f"{found or 'none'} ({state})")
        return
    about = {"current": found, "newest": migrations.head()}
    show_one(about, output, name=found or "none")


@app.command
def backup(file: Path, /, *, database_url: str | None = None, output: Output = "table") -> None:
    """Copy a SQLite database to FILE, as it is at one instant. A server may go on meanwhile.

    For Postgres use pg_dump. The key file of the blocks is not part of it: keep that elsewhere.
    """
    url = _url(database_url)
    with server_packages():
        from runwright.server.backup import back_up
    size = back_up(url, file)
    acted(f"{size:,} bytes have been copied to", str(file), output)


@app.command
def restore(
    file: Path,
    /,
    *,
    database_url: str | None = None,
    yes: Yes = False,
    output: Output = "table",
) -> int:
    """Put a copy of a SQLite database in its place. The server must be stopped.

    The database that was there is kept beside it. Without a terminal it needs --yes.
    """
    if not yes and not sys.stdin.isatty():
        raise ConfigurationError("This replaces the database: say --yes when nobody can be asked.")
    with _owned(database_url) as url:
        if not confirm(f"Put {file} in the place of {url}?", yes=yes):
            return Exit.ERROR
        from runwright.server import backup as backups  # the server's packages are there

        aside = backups.restore(url, file)
        if aside is not None:
            say(f"What was there is kept as {aside}.")
        acted("the database has been restored from", str(file), output)
    return Exit.OK


@app.command
def rotate_encryption_key(*, database_url: str | None = None, output: Output = "table") -> None:
    """Seal blocks under a new key from now on, and those there are under it too.

    The keys before it stay in the file, for backups made under them. Servers of the same database
    on other machines need the new file first.
    """
    settings = load_settings()
    with server_packages():
        from runwright.server.rotation import rotate
        from runwright.server.vault import Vault, key_file_of
    vault = Vault(key_file_of(settings))
    key_id, count = asyncio.run(rotate(vault, _url(database_url)))
    acted(f"{count} blocks are now under the key", f"{key_id} in {vault.path}", output)


def _url(given: str | None) -> str:
    url = given or load_settings().database_url
    if url is None:
        raise ConfigurationError("database_url is not set.")
    return url


@contextmanager
def _owned(given: str | None) -> Iterator[str]:
    """The database's URL, while no server uses its file; refusals of Alembic in our words."""
    url = _url(given)
    with server_packages():
        from alembic.util.exc import CommandError

        from runwright.server.database import MAINTENANCE, take_lock
    lock = take_lock(url, MAINTENANCE)
    try:
        yield url
    except CommandError as error:
        raise ConfigurationError(
            f"{error}. `runwright db current` shows where the database is and the newest revision."
        ) from error
    finally:
        if lock is not None:
            lock.close()
