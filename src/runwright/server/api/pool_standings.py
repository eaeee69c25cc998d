"""`/ui/work_pools`: how every pool stands, in one answer."""

from litestar import Router, get

from runwright.api.work_pools import PoolStanding
from runwright.server.injected import Wired
from runwright.storage.pool_standings import pool_standings


@get("/ui/work_pools")
async def standings(wiring: Wired) -> list[PoolStanding]:
    """Workers online and runs that wait, of the first 200 pools by name."""
    return await wiring.storage.read(pool_standings)


router = Router(path="/", route_handlers=[standings])
