"""The short way for what is asked thousands of times a second.

Creating runs, proposing states, run lists, logs, and what workers and supervisors send skip the
framework's machinery; the same authenticator and the same table of scopes stand before them.
Everything else, and everything that is not plainly one of these, goes on to the application behind.
"""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from runwright import failpoints
from runwright.server.auth import Authenticator
from runwright.server.pages import StreamedPage
from runwright.server.problems import Problem, body_of, log, problem_of
from runwright.server.scopes import SCOPES, Needs
from runwright.server.security_headers import Secured, with_security
from runwright.server.wiring import Wiring

#: (wiring, principal, what is named in the path, body) -> (status, JSON)
Handler = Callable[..., Awaitable[tuple[int, bytes | StreamedPage]]]
#: A scope, or alternatives.

_ID = r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_ANY_ID = re.compile(_ID)
_OF_RUN = re.compile(rf"/api/flow_runs/{_ID}/(\w+)")
_SYNC = re.compile(rf"/api/work_pools/([^/\0]+)/workers/{_ID}/sync")
_encode = msgspec.json.Encoder().encode
#: Those of every answer, but for its length.
_HEADERS = Secured(with_security([(b"content-type", b"application/json")]))


class FastLane:
    """An ASGI application in front of another."""

    def __init__(self, behind: Any, wiring: Wiring, authenticator: Authenticator) -> None:
        from runwright.server.api import executions, flow_run_reads, flow_runs, logs

        self.behind = behind
        self._wiring = wiring
        self._authenticator = authenticator
        #: path, or last part of a path below one run -> what it needs, and its handler.
        self._plain: dict[str, tuple[Needs, Handler]] = {
            "/api/flow_runs": (SCOPES["POST", "/flow_runs"], flow_runs.create_fast),
            "/api/flow_runs/filter": (
                SCOPES["POST", "/flow_runs/filter"],
                flow_run_reads.filter_fast,
            ),
            "/api/logs": (SCOPES["POST", "/logs"], logs.create_fast),
        }
        self._of_run: dict[str, tuple[Needs, Handler]] = {
            "set_state": (SCOPES["POST", "/flow_runs/{id}/set_state"], flow_runs.set_state_fast),
            "journal": (SCOPES["POST", "/flow_runs/{id}/journal"], executions.journal_fast),
            "exit": (SCOPES["POST", "/flow_runs/{id}/exit"], executions.exit_fast),
        }
        self._sync: tuple[Needs, Handler] = (
            SCOPES["POST", "/work_pools/{name}/workers/{instance_id}/sync"],
            executions.sync_fast,
        )

    # No coroutine of its own: each step of a request would go through that too.
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if failpoints.ARMED and scope["type"] == "http":
            return self._pass_failpoint(scope, receive, send)
        return self._pass_on(scope, receive, send)

    async def _pass_failpoint(self, scope: Any, receive: Any, send: Any) -> None:
        await self._pass_on(scope, receive, send)
        failpoints.reach("after reply", f"{scope['method']}-{_anonymous(scope['path'])}")

    async def _pass_on(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            await self.behind(scope, receive, send)
            return
        found = self._find(scope, receive)
        if found is None:
            await self.behind(scope, receive, send)
            return
        status, content, headers = await self._answer(found, scope, receive)
        if not isinstance(content, bytes):
            await content.to_asgi_response(None, None)(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _find(self, scope: Any, receive: Any) -> tuple[Needs, Handler] | None:
        path: str = scope["path"]
        plain = self._plain.get(path.rstrip("/"))
        if plain is not None:
            return plain
        if match := _OF_RUN.fullmatch(path):
            of_run = self._of_run.get(match[2])
            return of_run and (of_run[0], partial(of_run[1], run_id=UUID(match[1])))
        if match := _SYNC.fullmatch(path):
            needs, sync = self._sync
            # A poll is open for long: whether somebody still listens is to be heard, and whether
            # its key is still good to be asked.
            who = {"name": match[1], "instance_id": UUID(match[2])}
            return needs, partial(sync, **who, connection=(scope, receive))
        return None

    async def _answer(
        self, found: tuple[Needs, Handler], scope: Any, receive: Any
    ) -> tuple[int, bytes | StreamedPage, Secured]:
        needs, handler = found
        headers = Secured(_HEADERS)
        try:
            access = await self._authenticator.let_in(scope, needs=needs)
            body = (await receive())["body"]  # whole: see `admission`
            if access.is_old():
                await access.check_if_old()
            status, content = await handler(self._wiring, access.principal, body)
        except Exception as error:  # noqa: BLE001  # the edge of the program: nothing may pass
            problem = problem_of(error)
            if problem is None:
                log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
                problem = Problem(
                    "The control plane met an error of its own; its log says more.",
                    code="internal_error",
                    status=500,
                )
            status, content = problem.status, _encode(body_of(problem))
            headers.extend((k.lower().encode(), v.encode()) for k, v in problem.headers.items())
        if isinstance(content, bytes):
            headers.append((b"content-length", str(len(content)).encode()))
        return status, content, headers


def _anonymous(path: str) -> str:
    return _ANY_ID.sub("ID", path)
