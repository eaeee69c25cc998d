"""Keys of control planes, kept in the user's own home, readable by the user alone."""

import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from runwright.errors import ConfigurationError
from runwright.private_files import open_private, private_folder

try:
    import fcntl
except ImportError:  # Windows: the last change wins
    fcntl = None


def credentials_file(home: Path) -> Path:
    """Where the keys are kept."""
    return home / "credentials.toml"


def key_for(home: Path, api_url: str) -> str | None:
    """The key kept for the server at `api_url`.

    Raises:
        ConfigurationError: the file is there and cannot be read.
    """
    return _read(home).get(api_url.rstrip("/"))


def kept_keys(home: Path) -> dict[str, str]:
    """All keys that are kept, by the URL of their server."""
    return _read(home)


def keep_key(home: Path, api_url: str, key: str | None) -> None:
    """Keep `key` for the server at `api_url`; None forgets it. The file has mode 0600."""
    with _alone(home):
        keys = _read(home)
        keys.pop(api_url.rstrip("/"), None)
        if key is not None:
            keys[api_url.rstrip("/")] = key
        text = "".join(
            f"[{_quoted(url)}]\nkey = {_quoted(secret)}\n\n" for url, secret in sorted(keys.items())
        )
        write_private(credentials_file(home), text)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile: two changes at once would lose one."""
    if fcntl is None:
        yield
        return
    with open_private(private_folder(home) / ".credentials.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_private(path: Path, text: str) -> None:
    """Replace a file at one stroke; only its owner may read it."""
    private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(home: Path) -> dict[str, str]:
    path = credentials_file(home)
    try:
        sections = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}. Mend or delete it.") from error
    return {url: section["key"] for url, section in sections.items() if "key" in section}


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
