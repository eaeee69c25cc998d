"""Results in a directory, one file each."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from runwright.private_files import private_folder

_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,149}")


class LocalResultStorage:
    """A directory. Keys that are no plain file names are kept under a hash of theirs."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory).expanduser().absolute()

    @property
    def location(self) -> str:
        return str(self.directory)

    def path_of(self, key: str) -> Path:
        """The file of a key."""
        if _SAFE.fullmatch(key):
            return self.directory / key
        hashed = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self.directory / f"key-{hashed}"

    def write(self, key: str, content: bytes) -> None:
        private_folder(self.directory)
        # A file of its own first: two runs with one key must not mix their bytes.
        handle, name = tempfile.mkstemp(dir=self.directory, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).replace(self.path_of(key))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def read(self, key: str) -> bytes:
        return self.path_of(key).read_bytes()

    def exists(self, key: str) -> bool:
        return self.path_of(key).is_file()

    def delete(self, key: str) -> None:
        self.path_of(key).unlink(missing_ok=True)
