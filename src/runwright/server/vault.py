"""What must not be read in the database: sealed with AES-256-GCM, under keys that are not in it.

Every value has a key of its own, and that key is kept wrapped by one of the vault's. So a new key
of the vault means to wrap small keys anew, not all that was ever sealed. What a value belongs to is
part of the seal: moved to another row, it does not open.

The keys are lines of a file, in base64; the first one seals, all of them open. The file is made
when the first value is sealed. Servers that share a database must share it.
"""

import base64
import binascii
import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runwright.errors import ConfigurationError
from runwright.private_files import private_folder
from runwright.server.problems import Problem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from runwright.settings import Settings

_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 12, 16
_SHORTEST = _NONCE_BYTES + _TAG_BYTES


class Sealed(msgspec.Struct, frozen=True):
    """A sealed value: which key of the vault wrapped its key, that key, and the value; base64."""

    key_id: str
    wrapped_key: str
    content: str


class CannotOpen(Problem):
    """A value was sealed under a key that this server does not have, or it was tampered with."""

    status = 500
    code = "cannot_open_sealed"


class Vault:
    """Seals and opens values."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: dict[str, bytes] = {}
        self._read_at: float | None = None

    def seal(self, value: bytes, about: str) -> Sealed:
        """A value, sealed as `about`: the same must be said to open it."""
        if not self._known():
            self._write([secrets.token_bytes(_KEY_BYTES)], is_first=True)
        key_id, vault_key = next(iter(self._known().items()))
        own_key = secrets.token_bytes(_KEY_BYTES)
        return Sealed(
            key_id,
            _encrypt(vault_key, own_key, f"{about} {key_id}"),
            _encrypt(own_key, value, about),
        )

    def open(self, sealed: Sealed, about: str) -> bytes:
        """The value.

        Raises:
            CannotOpen: no key opens it.
        """
        return _decrypt(self._own_key(sealed, about), sealed.content, about)

    def rewrap(self, sealed: Sealed, about: str) -> Sealed | None:
        """The same value under the first key; None where it is under that one already.

        Raises:
            CannotOpen: no key opens it.
        """
        key_id, vault_key = next(iter(self._known().items()))
        if sealed.key_id == key_id:
            return None
        wrapped = _encrypt(vault_key, self._own_key(sealed, about), f"{about} {key_id}")
        return Sealed(key_id, wrapped, sealed.content)

    def lacks(self, key_id: str) -> bool:
        """Whether values sealed under that key cannot be opened here."""
        return key_id not in self._known()

    def add_key(self) -> str:
        """Make a key that seals from now on; its id. Those before it go on opening."""
        key = secrets.token_bytes(_KEY_BYTES)
        known = self._known().values()
        self._write([key, *known], is_first=not known)
        return _id(key)

    def _write(self, keys: list[bytes], *, is_first: bool) -> None:
        """Put the keys into the file, whole or not at all. The first key is made by one alone."""
        lines = [base64.b64encode(key).decode() for key in keys]
        private_folder(self.path.parent)
        fresh = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if is_first:
            with suppress(FileExistsError):  # another was faster: its key it is
                os.link(fresh, self.path)
            fresh.unlink()
        else:
            fresh.replace(self.path)
        self._read_at = None

    def _own_key(self, sealed: Sealed, about: str) -> bytes:
        vault_key = self._known().get(sealed.key_id)
        if vault_key is None:
            raise CannotOpen(
                f"This value was sealed under the key {sealed.key_id}, which is not in "
                f"{self.path}. Add that key as a line of its own: the file of the server that "
                "sealed the value has it."
            )
        return _decrypt(vault_key, sealed.wrapped_key, f"{about} {sealed.key_id}")

    def _known(self) -> dict[str, bytes]:
        """The keys by their ids, the first first; read again when the file has changed."""
        try:
            changed_at = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed_at != self._read_at:
            self._keys = _read(self.path)
            self._read_at = changed_at
        return self._keys


def key_file_of(settings: "Settings") -> Path:
    """Where the keys are."""
    return settings.encryption_key_file or settings.home / "encryption.keys"


def _read(path: Path) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for number, line in enumerate(path.read_text().split(), 1):
        try:
            key = base64.b64decode(line, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != _KEY_BYTES:
            raise ConfigurationError(
                f"Line {number} of {path} is not a key: {_KEY_BYTES} bytes in base64, as made by "
                "`head -c 32 /dev/urandom | base64`."
            )
        keys[_id(key)] = key
    if not keys:
        raise ConfigurationError(f"{path} has no key in it. Restore it from a backup.")
    return keys


def _id(key: bytes) -> str:
    return hashlib.sha256(b"key id:" + key).hexdigest()[:12]


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # most servers seal nothing

    return AESGCM(key)


def _encrypt(key: bytes, value: bytes, about: str) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + _cipher(key).encrypt(nonce, value, about.encode())).decode()


def _decrypt(key: bytes, text: str, about: str) -> bytes:
    from cryptography.exceptions import InvalidTag

    content = base64.b64decode(text)
    if len(content) < _SHORTEST:
        raise CannotOpen("A sealed value is cut short: restore the database from a backup.")
    try:
        return _cipher(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], about.encode())
    except InvalidTag:
        raise CannotOpen(
            "A sealed value does not open: it was changed, or is not where it was put. "
            "Restore it from a backup, or save it again."
        ) from None
