"""`/ui/changes`: a word to browsers that something has changed, as server-sent events.

A page asks again for what it shows, and for nothing else; so no list is polled. Of tasks it is told
apart: there are many, and most pages show none. A browser that lost the connection comes back by
itself, and is told to look again.
"""

import asyncio
from collections.abc import AsyncIterator

from litestar import Router, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from runwright.server.auth import Access
from runwright.server.injected import Admission, Wired
from runwright.server.problems import Denied
from runwright.server.wiring import Wiring
from runwright.storage.errors import StorageError
from runwright.storage.moves import EVENTS
from runwright.storage.records import ARTIFACTS
from runwright.storage.task_states import TASKS

#: A word at least so often: proxies close connections on which nothing is said.
_SAY_SOMETHING_S = 15.0
#: How often it is looked whether who listens may go on.
_LOOK_AGAIN_S = 3.0
#: Between two words: a page need not look more often.
_BREATH_S = 0.5
_RETRY_MS = 2_000


@get("/ui/changes")
async def changes(wiring: Wired, access: Admission) -> ServerSentEvent:
    """One event `changed` at first, and whenever runs have moved; `tasks` when task runs have,
    `artifacts` when something was published or a progress moved.

    Comments in between.
    """
    return ServerSentEvent(_told(wiring, access))


async def _told(wiring: Wiring, access: Access) -> AsyncIterator[ServerSentEventMessage]:
    yield ServerSentEventMessage(event="changed", data="0", retry=_RETRY_MS)
    waker, number = wiring.storage.waker, 0
    said_at = wiring.clock.monotonic()
    with (
        waker.watch([EVENTS, TASKS, ARTIFACTS, *access.topics]) as anything,
        waker.watch([EVENTS]) as runs,
        waker.watch([TASKS]) as tasks,
        waker.watch([ARTIFACTS]) as artifacts,
    ):
        while not waker.is_closed:
            is_woken = await anything.wait(_LOOK_AGAIN_S)
            if waker.is_closed or not await _is_welcome(access):
                return
            now = wiring.clock.monotonic()
            if not is_woken and now - said_at < _SAY_SOMETHING_S:
                continue
            said_at = now
            if not is_woken:
                yield ServerSentEventMessage(comment="still here")
                continue
            for event, watch in (
                ("changed", runs),
                ("tasks", tasks),
                ("artifacts", artifacts),
            ):
                if await watch.wait(0):
                    number += 1
                    yield ServerSentEventMessage(event=event, data=str(number))
            await asyncio.sleep(_BREATH_S)


async def _is_welcome(access: Access) -> bool:
    try:
        await access.check()
    except Denied:
        return False
    except StorageError:  # there is nothing to tell meanwhile
        return True
    return True


router = Router(path="/", route_handlers=[changes])
