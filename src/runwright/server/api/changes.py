"""`/ui/changes`: a word to browsers that something has changed, as server-sent events.

A page asks again for what it shows, and for nothing else; so no list is polled. Of tasks it is told
apart: there are many, and most pages show none. A browser that lost the connection comes back by
itself, and is told to look again.
"""

import asyncio
from collections.abc import AsyncIterator

from litestar import Router, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from runwright.server.injected import Wired
from runwright.server.wiring import Wiring
from runwright.storage.moves import EVENTS
from runwright.storage.task_states import TASKS

#: A word at least so often: proxies close connections on which nothing is said.
_SAY_SOMETHING_S = 15.0
#: Between two words: a page need not look more often.
_BREATH_S = 0.5
_RETRY_MS = 2_000


@get("/ui/changes")
async def changes(wiring: Wired) -> ServerSentEvent:
    """One event `changed` at first, and whenever runs have moved; `tasks` when task runs have.

    Comments in between.
    """
    return ServerSentEvent(_told(wiring))


async def _told(wiring: Wiring) -> AsyncIterator[ServerSentEventMessage]:
    yield ServerSentEventMessage(event="changed", data="0", retry=_RETRY_MS)
    waker, number = wiring.storage.waker, 0
    with (
        waker.watch([EVENTS, TASKS]) as anything,
        waker.watch([EVENTS]) as runs,
        waker.watch([TASKS]) as tasks,
    ):
        while not waker.is_closed:
            if not await anything.wait(_SAY_SOMETHING_S):
                yield ServerSentEventMessage(comment="still here")
                continue
            if waker.is_closed:
                return
            for event, watch in (("changed", runs), ("tasks", tasks)):
                if await watch.wait(0):
                    number += 1
                    yield ServerSentEventMessage(event=event, data=str(number))
            await asyncio.sleep(_BREATH_S)


router = Router(path="/", route_handlers=[changes])
