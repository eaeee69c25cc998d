"""The administrator's key that a server keeps for the user who started it."""

import asyncio
import fcntl
import logging
from pathlib import Path
from typing import IO

from sqlalchemy import func, select

from runwright.api.keys import Key
from runwright.credentials import keep_key, kept_keys
from runwright.private_files import open_private, private_folder
from runwright.server.database import sqlite_path
from runwright.server.keys import ALL_SCOPES, hash_secret, new_key
from runwright.server.wiring import Wiring
from runwright.storage.api_keys import add_key, has_any_key
from runwright.storage.engine import Transaction
from runwright.storage.tables import api_key

_FIRST_KEY_LOCK = 0x72776B31

log = logging.getLogger("runwright.server")


async def keep_admin_key(wiring: Wiring, home: Path, api_url: str) -> None:
    """See that the user of this home has a key of this server, kept under its URL.

    Any kept key that the database knows will do. Else one is made: for the first start on a
    database, and whenever it is a file of this user's own. Replicas that start together make one.
    """
    with await asyncio.to_thread(_lock, home):
        await _keep(wiring, home, api_url)


def _lock(home: Path) -> IO[str]:
    """Waits until no other server of this home does the same; closing lets the next one."""
    lock = open_private(private_folder(home) / ".first-key.lock")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


async def _keep(wiring: Wiring, home: Path, api_url: str) -> None:
    kept = kept_keys(home)
    candidates = [kept[api_url]] if api_url in kept else []
    candidates += [key for url, key in kept.items() if url != api_url]
    for secret in candidates:
        if await _is_good(wiring, secret):
            if kept.get(api_url) != secret:
                keep_key(home, api_url, secret)
            return
    made = await _make(wiring)
    if made is None:
        log.info("No key for %s is kept here; make one with: runwright key create", api_url)
        return
    keep_key(home, api_url, made)


def take_turns(tx: Transaction) -> None:
    """Replicas that start together look and make keys one after another. SQLite has one writer."""
    if tx.dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(_FIRST_KEY_LOCK)))


async def _make(wiring: Wiring) -> str | None:
    """A new administrator's key; None where a shared database has keys already."""
    is_own_file = sqlite_path(wiring.settings.database_url or "") is not None
    key_id = wiring.new_id()
    secret = new_key("user", key_id)

    def use_case(tx: Transaction) -> str | None:
        if not is_own_file:
            take_turns(tx)
            if has_any_key(tx):
                return None
        key = Key(id=key_id, name="admin", kind="user", created=tx.now, scopes=sorted(ALL_SCOPES))
        add_key(tx, key, secret_hash=hash_secret(secret))
        return secret

    return await wiring.storage.write(use_case)


async def _is_good(wiring: Wiring, secret: str) -> bool:
    """Whether the key is an administrator's here, and neither revoked nor expired."""
    found = select(api_key).where(api_key.c.secret_hash == hash_secret(secret))
    row = await wiring.storage.read(lambda tx: tx.execute(found).first())
    if row is None or row.kind != "user" or row.revoked_at is not None:
        return False
    is_valid = row.expires_at is None or row.expires_at > wiring.clock.now()
    return is_valid and set(row.scopes) >= ALL_SCOPES
