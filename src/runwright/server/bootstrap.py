"""Pools and keys that are to be there from the first start on, as a file declares them.

    [[pools]]
    name = "cpu"
    type = "docker"

    [[keys]]
    name = "cpu-worker"
    pool = "cpu"                            # a worker's key; without it, an administrator's
    file = "/run/secrets/cpu_worker_key"    # made by `runwright key generate --kind worker`

What exists is left as it is, so that every start and every replica may do the same.
"""

import tomllib
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import select

from runwright.api.keys import Key
from runwright.api.work_pools import WorkPoolCreate
from runwright.core.ids import NewId
from runwright.errors import ConfigurationError
from runwright.server.first_key import take_turns
from runwright.server.keys import ALL_SCOPES, WORKER_SCOPES, hash_secret, is_key, with_its_id
from runwright.server.problems import Conflict
from runwright.server.use_cases.save_pool import create_pool
from runwright.server.wiring import Wiring
from runwright.storage.api_keys import add_key, pool_id
from runwright.storage.engine import Transaction
from runwright.storage.tables import api_key


class DeclaredPool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pool to make where there is none of that name."""

    name: str
    type: str = "process"
    description: str | None = None
    concurrency_limit: int | None = None


class DeclaredKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key whose secret is in a file."""

    name: str
    file: str
    pool: str | None = None


class Bootstrap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    pools: list[DeclaredPool] = []
    keys: list[DeclaredKey] = []


async def bootstrap(wiring: Wiring) -> None:
    """See that what the file of the settings declares is there.

    Raises:
        ConfigurationError: the file, or one that it names, cannot be used.
    """
    file = wiring.settings.bootstrap_file
    if file is None:
        return
    declared = read_bootstrap(file)
    secrets = [(key, _secret_of(key)) for key in declared.keys]
    for pool in declared.pools:
        await wiring.storage.write(lambda tx, pool=pool: _see_to_pool(tx, pool, wiring.new_id))
    for key, secret in secrets:
        await wiring.storage.write(
            lambda tx, key=key, secret=secret: _see_to_key(tx, key, secret, wiring.new_id)
        )


def read_bootstrap(file: Path) -> Bootstrap:
    """Read and check the file.

    Raises:
        ConfigurationError: it cannot be read, or says what is not known.
    """
    try:
        return msgspec.convert(tomllib.loads(file.read_text()), Bootstrap)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"The bootstrap file {file} is of no use: {error}") from error


def _secret_of(key: DeclaredKey) -> str:
    try:
        secret = Path(key.file).read_text().strip()
    except OSError as error:
        raise ConfigurationError(f"The key {key.name!r} cannot be read: {error}") from error
    if not is_key(secret):
        raise ConfigurationError(
            f"{key.file} holds no key. Make one: runwright key generate > {key.file}"
        )
    return secret


def _see_to_pool(tx: Transaction, pool: DeclaredPool, new_id: NewId) -> None:
    wanted = WorkPoolCreate(
        name=pool.name,
        type=pool.type,
        description=pool.description,
        concurrency_limit=pool.concurrency_limit,
    )
    if pool_id(tx, pool.name) is None:
        try:
            create_pool(tx, wanted, new_id)
        except Conflict:
            return  # another replica was faster


def _see_to_key(tx: Transaction, key: DeclaredKey, secret: str, new_id: NewId) -> None:
    take_turns(tx)
    hashed = hash_secret(secret)
    if tx.execute(select(api_key.c.id).where(api_key.c.secret_hash == hashed)).first() is not None:
        return
    of_pool: UUID | None = None
    if key.pool is not None:
        of_pool = pool_id(tx, key.pool)
        if of_pool is None:
            raise ConfigurationError(
                f"The key {key.name!r} is for the work pool {key.pool!r}, which does not exist. "
                "Declare it among the pools of the same file."
            )
    made = Key(
        id=with_its_id(secret, new_id()),
        name=key.name,
        kind="user" if of_pool is None else "worker",
        created=tx.now,
        scopes=sorted(ALL_SCOPES if of_pool is None else WORKER_SCOPES),
    )
    add_key(tx, made, secret_hash=hashed, work_pool_id=of_pool)
