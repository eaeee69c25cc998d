"""`/keys` and `/scopes`: who may do what."""

from litestar import Router, delete, get, patch, post
from litestar.params import FromQuery, JSONBody

from runwright.api.filters import Paging
from runwright.api.keys import Dependents, Key, KeyCreate, KeyNarrow, NewKey, Scope
from runwright.server.injected import Asker, PathId, Wired
from runwright.server.keys import ALL_SCOPES, WORKER_SCOPES, hash_secret, new_key
from runwright.server.problems import Missing, Unprocessable
from runwright.server.scopes import SCOPES
from runwright.server.use_cases.make_key import dependents, make_key, narrow_with, revoke_with
from runwright.storage.api_keys import KEYS
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_one, read_where
from runwright.storage.tables import api_key


@post("/keys", status_code=201)
async def create(data: JSONBody[KeyCreate], wiring: Wired, principal: Asker) -> NewKey:
    """Make a key. Its secret is in this answer and nowhere else.

    It may at most what the key that asks may, and lasts at most as long.
    """
    if not data.name.strip():
        raise Unprocessable("A key needs a name.", field="name")
    if data.kind == "worker" and data.work_pool_name is None:
        raise Unprocessable(
            "A worker's key is bound to a work pool: say which.", field="work_pool_name"
        )
    key_id = wiring.new_id()
    secret = new_key(data.kind, key_id)
    hashed = hash_secret(secret)
    key = await wiring.storage.write(lambda tx: make_key(tx, principal, data, key_id, hashed))
    return NewKey(key=key, secret=secret)


@post("/keys/filter", status_code=200)
async def listed(data: JSONBody[Paging], wiring: Wired) -> list[Key]:
    """The newest 200 keys of people and workers. For browsers see `/sessions/filter`."""
    del data
    return await wiring.storage.read(
        lambda tx: read_where(tx, KEYS, api_key.c.kind.in_(["user", "worker"]))
    )


@get("/scopes")
async def scopes() -> list[Scope]:
    """The scopes there are, and the requests that each of them opens."""
    return [
        Scope(
            name=name,
            operations=[
                f"{method} {path}"
                for (method, path), needs in SCOPES.items()
                if name in ((needs,) if isinstance(needs, str) else needs)
            ],
            is_for_workers=name in WORKER_SCOPES,
        )
        for name in sorted(ALL_SCOPES)
    ]


@get("/keys/{key_id:uuid}/dependents")
async def hanging(key_id: PathId, wiring: Wired) -> Dependents:
    """What hangs on a key: the browsers signed in with it, and the keys made with it."""

    def query(tx: Transaction) -> Dependents:
        key = read_one(tx, KEYS, key_id)
        if key is None or key.kind not in {"user", "worker"}:
            raise Missing(f"There is no key {key_id}.")
        return dependents(tx, key_id)

    return await wiring.storage.read(query)


@patch("/keys/{key_id:uuid}", status_code=200)
async def narrow(
    key_id: PathId, data: JSONBody[KeyNarrow], wiring: Wired, made_too: FromQuery[bool] = False
) -> Key:
    """Take scopes from a key, or let it expire earlier, on every replica within five seconds.

    Its sessions and open streams follow. Keys that were made with it stay as they are unless
    `made_too`. A key never becomes more than it is.
    """
    found = await wiring.storage.write(lambda tx: narrow_with(tx, key_id, data, made_too=made_too))
    if found is None:
        raise Missing(f"There is no key {key_id}.")
    return found


@delete("/keys/{key_id:uuid}", status_code=200)
async def revoke(key_id: PathId, wiring: Wired, made_too: FromQuery[bool] = False) -> Dependents:
    """Revoke a key and end its sessions, on every replica within five seconds.

    The answer says what hung on it. Keys that were made with it stay valid unless `made_too`.
    """
    found = await wiring.storage.write(lambda tx: revoke_with(tx, key_id, made_too=made_too))
    if found is None:
        raise Missing(f"There is no key {key_id}.")
    return found


router = Router(path="/", route_handlers=[create, listed, scopes, hanging, narrow, revoke])
