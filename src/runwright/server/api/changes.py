"""`/ui/changes`: a word to browsers that something has changed, as server-sent events.

A page asks again for what it shows, and for nothing else; so no list is polled. A browser that
lost the connection comes back by itself, and is told to look again.
"""

import asyncio
from collections.abc import AsyncIterator

from litestar import Router, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from runwright.server.injected import Wired
from runwright.server.wiring import Wiring
from runwright.storage.moves import EVENTS

#: A word at least so often: proxies close connections on which nothing is said.
_SAY_SOMETHING_S = 15.0
#: Between two words: a page need not look more often.
_BREATH_S = 0.5
_RETRY_MS = 2_000


@get("/ui/changes")
async def changes(wiring: Wired) -> ServerSentEvent:
    """One event `changed` at first, and whenever runs have moved; comments in between."""
    return ServerSentEvent(_told(wiring))


async def _told(wiring: Wiring) -> AsyncIterator[ServerSentEventMessage]:
    yield ServerSentEventMessage(event="changed", data="0", retry=_RETRY_MS)
    waker, number = wiring.storage.waker, 0
    with waker.watch([EVENTS]) as watch:
        while not waker.is_closed:
            if not await watch.wait(_SAY_SOMETHING_S):
                yield ServerSentEventMessage(comment="still here")
                continue
            if waker.is_closed:
                return
            number += 1
            yield ServerSentEventMessage(event="changed", data=str(number))
            await asyncio.sleep(_BREATH_S)


router = Router(path="/", route_handlers=[changes])
