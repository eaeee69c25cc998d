"""A worker's key speaks for one pool alone."""

from uuid import UUID

from runwright.server.keys import Principal
from runwright.server.problems import Denied


def refuse_other_pools(principal: Principal, pool_id: UUID, pool_name: str) -> None:
    """Refuse a worker's key that belongs to another pool.

    Raises:
        Denied: 403.
    """
    if principal.work_pool_id is not None and principal.work_pool_id != pool_id:
        raise Denied(
            f"This worker key belongs to another work pool than {pool_name!r}. Use that pool, or "
            f"make a key for this one: runwright key create --worker --pool {pool_name}",
            status=403,
        )
