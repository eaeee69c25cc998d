"""Files and folders that only their owner may read, whatever the umask is."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OF_OTHERS = 0o077


def private_folder(path: Path) -> Path:
    """Make the folder where it is missing, with those above it; all that is made is private.

    A folder that is there already stays as it is: see `narrow`.
    """
    if path.is_dir():
        return path
    private_folder(path.parent)
    try:
        path.mkdir(mode=FOLDER_MODE)
        path.chmod(FOLDER_MODE)  # the umask may have taken rights of the owner's
    except FileExistsError:
        if not path.is_dir():  # another process may have made it meanwhile
            raise
    return path


def private_opener(path: str, flags: int) -> int:
    """For `open(..., opener=private_opener)`: what is created is private, and so is what was."""
    handle = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), FILE_MODE)
    try:
        narrow_open(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def open_private(path: Path, mode: str = "w") -> IO[Any]:
    """The file, open and private."""
    return open(path, mode, opener=private_opener)  # that of Path has no opener


def narrow(path: Path) -> bool:
    """Take rights of group and others away from what is ours; whether it had any."""
    try:
        found = path.stat()
        if not found.st_mode & _OF_OTHERS or not _is_ours(found):
            return False
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OF_OTHERS)
    except OSError:  # gone meanwhile, or on a file system without modes
        return False
    return True


def narrow_home(home: Path, *folders: Path) -> None:
    """Make private what another version, or another umask, has left in a home: the folder, the
    files in it, and those of its spool and of more `folders`.
    """
    for folder in (home, home / "spool", home / "results", *folders):
        if not _is_shared(folder):
            narrow(folder)
    for folder in (home, home / "spool", *folders):
        with suppress(OSError):
            for each in folder.iterdir():
                if each.is_file() and not each.is_symlink():
                    narrow(each)


def _is_shared(folder: Path) -> bool:
    """Whether it is a place that others use as well, such as /tmp."""
    try:
        is_sticky = bool(folder.stat().st_mode & stat.S_ISVTX)
    except OSError:
        return True
    return is_sticky or folder.resolve() in {Path("/"), Path.home().resolve()}


def narrow_open(handle: int) -> None:
    """The same for a file that is open."""
    fchmod: Callable[[int, int], None] | None = getattr(os, "fchmod", None)
    found = os.fstat(handle)
    mode = stat.S_IMODE(found.st_mode)
    wanted = (mode | FILE_MODE) & ~_OF_OTHERS
    if fchmod is not None and mode != wanted and stat.S_ISREG(found.st_mode) and _is_ours(found):
        fchmod(handle, wanted)


def _is_ours(found: os.stat_result) -> bool:
    user: Callable[[], int] | None = getattr(os, "geteuid", None)
    return user is None or found.st_uid == user()
