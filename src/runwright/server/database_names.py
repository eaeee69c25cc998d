"""A database file with several names, or a new one: who uses it by another, and where its log is.

SQLite keeps its write-ahead log beside the name by which it opened the database. What a server that
was killed had written to it is invisible by any other name, and lost once somebody writes there.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from runwright.errors import DatabaseError

_LAST_PATH = "database_path"


def remember_path(path: Path) -> None:
    """Store by which name the database is opened, in the file itself and not in its log only.

    Nobody else has it open: closing the connection copies the log into the file.
    """
    name = os.path.realpath(path)
    if _last_path(path) == Path(name):
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "INSERT OR REPLACE INTO configuration (name, value) VALUES (?, json_quote(?))",
            (_LAST_PATH, name),
        )
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def refuse_log_elsewhere(path: Path) -> None:
    """Refuse to open a database whose write-ahead log is beside another name of it.

    Raises:
        DatabaseError: there is one, with what the database itself does not have yet.
    """
    last = _last_path(path)
    if last is None or last == path:
        return
    log = last.with_name(f"{last.name}-wal")
    with suppress(OSError):
        is_another_file = last.exists() and not last.samefile(path)
        if is_another_file or not log.stat().st_size:
            return
        raise DatabaseError(
            f"The database {path} was last used as {last}, and what was written then is partly "
            f"still in {log}: opened by this name it would be lost. Give it its former name, or "
            f"move that file to {path}-wal, and try again."
        )


def _last_path(path: Path) -> Path | None:
    if not path.stat().st_size:
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            found = database.execute(
                "SELECT json_extract(value, '$') FROM configuration WHERE name = ?", (_LAST_PATH,)
            ).fetchone()
    except sqlite3.Error:  # no database yet, or of before: whoever opens it says more
        return None
    return None if found is None else Path(found[0])


def owner_of_inode(handle: int) -> tuple[str, str]:
    """Process and role of who has locked an open file, as far as the system tells.

    The role is in the lock file that the owner has beside its own name of the database.
    """
    found = os.fstat(handle)
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with suppress(OSError):  # Linux alone
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1:2] == ["FLOCK"] and fields[5] == device:
                return fields[4], _role_of(fields[4])
    return "", ""


def _role_of(process: str) -> str:
    with suppress(OSError):
        for each in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                if str(each.readlink()).endswith(".lock"):
                    owner, _, role = each.read_text(errors="replace").strip().partition(" ")
                    if owner == process:
                        return role
    return ""
