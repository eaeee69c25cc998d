"""`/saved_searches`: searches that people keep by name."""

from litestar import Response, Router, delete, get, post, put
from litestar.params import JSONBody

from runwright.api.filters import Paging
from runwright.api.saved_searches import SavedSearch, SavedSearchCreate
from runwright.server.injected import PathId, Wired
from runwright.server.pages import many
from runwright.server.problems import Missing
from runwright.storage.queries import read_one
from runwright.storage.saved_searches import SAVED_SEARCHES, put_search, remove_search


@put("/", status_code=200)
async def keep(data: JSONBody[SavedSearchCreate], wiring: Wired) -> Response[SavedSearch]:
    """Keep a search: 201 under a new name, 200 in the place of the one there is."""
    kept, is_new = await wiring.storage.write(lambda tx: put_search(tx, data, wiring.new_id()))
    return Response(kept, status_code=201 if is_new else 200)


@get("/{search_id:uuid}")
async def read(search_id: PathId, wiring: Wired) -> SavedSearch:
    """One search."""
    found = await wiring.storage.read(lambda tx: read_one(tx, SAVED_SEARCHES, search_id))
    if found is None:
        raise Missing(f"There is no saved search {search_id}.")
    return found


@post("/filter", status_code=200)
async def listed(data: JSONBody[Paging], wiring: Wired) -> Response[list[SavedSearch]]:
    """Searches by name, a page of them."""
    return await many(wiring, SAVED_SEARCHES, data)


@delete("/{search_id:uuid}")
async def remove(search_id: PathId, wiring: Wired) -> None:
    """Forget a search."""
    if not await wiring.storage.write(lambda tx: remove_search(tx, search_id)):
        raise Missing(f"There is no saved search {search_id}.")


router = Router(path="/saved_searches", route_handlers=[keep, read, listed, remove])
