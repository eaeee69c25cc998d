"""The HTTP application: routes, who may use them, and how refusals look."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Litestar, Request, Response, Router
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Scope

from runwright.server.admission import Admission
from runwright.server.auth import Access, Authenticator
from runwright.server.decoding import refuse_nul
from runwright.server.fast_lane import FastLane
from runwright.server.field_limits import check_sizes, describe_limits, structs_in
from runwright.server.keys import Principal
from runwright.server.outlet import Outlet
from runwright.server.problems import (
    Denied,
    Problem,
    Unprocessable,
    body_of,
    log,
    no_route,
    problem_of,
)
from runwright.server.proxies import TrustedProxies
from runwright.server.scopes import ANYONE, SCOPES, WEBSOCKET, scope_of
from runwright.server.security_headers import SecurityHeaders
from runwright.server.strictness import Unknown, refuse_unknown
from runwright.server.ui import UserInterface
from runwright.server.wiring import Wiring
from runwright.storage.turns import note_length
from runwright.version import __version__

#: Method and path -> the parameters of its address.
Parameters = dict[tuple[str, str], frozenset[str]]
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


class UndeclaredRoute(RuntimeError):
    """A route lacks its line in the table of scopes. The application does not start."""


def create_app(wiring: Wiring) -> ASGIApp:
    """The application of a wiring.

    Raises:
        UndeclaredRoute: a route is not in `scopes.SCOPES`.
    """
    authenticator = Authenticator(wiring)
    parameters: Parameters = {}
    litestar = _Litestar(
        route_handlers=_routes(),
        dependencies={
            "wiring": Provide(lambda: wiring, sync_to_thread=False, use_cache=True),
            "principal": Provide(_principal, sync_to_thread=False),
            "access": Provide(_access, sync_to_thread=False),
            "authenticator": Provide(lambda: authenticator, sync_to_thread=False, use_cache=True),
        },
        guards=[_guard(authenticator, parameters)],
        exception_handlers={Exception: _answer_problem},
        openapi_config=None,
        request_class=_WithoutNul,
        request_max_body_size=None,  # `intake` has read it, within its limits
        logging_config=None,
        signature_namespace={"Wiring": Wiring, "Principal": Principal, "Access": Access},
    )
    refuse_undeclared(litestar)
    parameters.update(_parameters(litestar))
    page = UserInterface(litestar, wiring.settings.ui_base_path)
    within = Admission(FastLane(page, wiring, authenticator))
    proxied = TrustedProxies(within, wiring.settings)
    # Outermost: it knows the connection itself, and not whom a proxy speaks for.
    return Outlet(SecurityHeaders(proxied), wiring.answers)


class _Litestar(Litestar):
    """Without the plugins for models of other libraries: ours are msgspec's, and those that the
    framework would load to look cost a tenth of the server's memory.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


#: Ends of the paths whose bodies are filters, beside those that need no more than to read.
_FILTERS = ("/filter", "/bulk_delete")


class _WithoutNul(Request[Any, Any, Any]):
    async def body(self) -> bytes:
        content = await super().body()
        access: Access | None = self.scope.get("runwright.access")  # type: ignore[assignment]
        if access is not None:
            if access.is_old():
                await access.check_if_old()
            path: str = self.scope["path"]
            if access.is_to_read or path.rstrip("/").endswith(_FILTERS):
                note_length(len(content))
        refuse_nul(content)
        return content or b"{}"  # left out, as if everything in it were

    async def json(self) -> Any:
        content = await super().json()
        handler = self.route_handler
        field = handler.parsed_data_field
        if field is not None:
            if not handler.opt.get("takes_unknown_fields"):
                refuse_unknown(field.annotation, content)
            check_sizes(content, field.raw, len(await super().body()))
        return content


def _routes() -> list[Router]:
    # Late: one of its routes shows the description of all routes, which is made here.
    from runwright.server.api.routers import ROUTERS, root

    return [root, Router(path="/api", route_handlers=ROUTERS)]


def body_types() -> dict[str, type[msgspec.Struct]]:
    """Every struct that bodies of requests are made of, by its name."""
    return structs_in(_bodies(_described()))


def _described() -> Litestar:
    """The routes alone: nothing can be asked of it."""
    return _Litestar(
        route_handlers=_routes(),
        dependencies={
            name: Provide(lambda: None, sync_to_thread=False)
            for name in ("wiring", "principal", "access", "authenticator")
        },
        openapi_config=OpenAPIConfig(title="Runwright", version=__version__, path="/openapi"),
    )


@lru_cache(1)
def describe() -> dict[str, Any]:
    """The interface as OpenAPI 3.1."""
    described = _described()
    document = dict(described.openapi_schema.to_schema())
    describe_limits(document["components"]["schemas"], structs_in(_bodies(described)))
    document["x-scopes"] = {f"{method} {path}": needs for (method, path), needs in SCOPES.items()}
    return document


def _bodies(litestar: Litestar) -> list[Any]:
    """The types of the bodies that the routes take."""
    return [
        handler.parsed_fn_signature.parameters["data"].raw
        for route in litestar.routes
        for handler in getattr(route, "route_handlers", ())
        if "data" in handler.parsed_fn_signature.parameters
    ]


def refuse_undeclared(litestar: Litestar) -> None:
    """Refuse to start with a route that nobody said the scope of."""
    missing = [
        f"{method} {route.path}"
        for route in litestar.routes
        for method in sorted(getattr(route, "methods", [WEBSOCKET]))
        if method != "OPTIONS" and needed(method, route.path) is None
    ]
    if missing:
        raise UndeclaredRoute(
            "These routes have no line in runwright/server/scopes.py: " + ", ".join(missing)
        )


def _parameters(litestar: Litestar) -> Parameters:
    """The parameters that the address of each route may have after its question mark."""
    return {
        (method, route.path_format): frozenset(
            (
                *(each.field_alias for each in model.expected_query_params),
                *handler.opt.get("parameters", ()),
            )
        )
        for route in litestar.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, model) in route.route_handler_map.items()
    }


def _refuse_unknown_parameters(query: bytes, known: frozenset[str]) -> None:
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            raise Unknown(name, "the address", tuple(known)).refusal()


def _anonymous(template: str) -> str:
    return _PARAMETER.sub("{}", template)


_TABLE = {(method, _anonymous(path)): needs for (method, path), needs in SCOPES.items()}


@lru_cache(1024)
def needed(method: str, template: str) -> str | tuple[str, ...] | None:
    """What a route needs, whatever its parameters are called."""
    path = _anonymous(template)
    if path.startswith("/api/"):
        return _TABLE.get((method, path[4:]))
    return scope_of(method, path)


def _guard(authenticator: Authenticator, parameters: Parameters) -> Any:
    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        scope: Any = connection.scope
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise Unprocessable("An address may not contain the character U+0000.")
        if scope["type"] == "websocket":
            return  # it says who it is in its first frame: see websocket_auth
        needs = needed(scope["method"], scope["path_template"])
        if needs is None:
            raise Denied("This route is not open to anyone.", status=403)
        if needs == ANYONE:
            return
        await authenticator.let_in(scope, needs=needs)
        if scope["query_string"]:
            known = parameters[scope["method"], scope["path_template"]]
            _refuse_unknown_parameters(scope["query_string"], known)

    return guard


def _principal(scope: Scope) -> Principal:
    return _access(scope).principal


def _access(scope: Scope) -> Access:
    return scope["runwright.access"]  # type: ignore[typeddict-item]  # set by the guard


def _answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    problem = problem_of(error) or _http_problem(error, request)
    if problem is None:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        problem = Problem(
            "The control plane met an error of its own; its log says more.",
            code="internal_error",
            status=500,
        )
    return Response(
        body_of(problem),
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/json",
    )


def _http_problem(error: Exception, request: Request[Any, Any, Any]) -> Problem | None:
    if not isinstance(error, HTTPException):
        return None
    if isinstance(error, NotFoundException):
        return no_route(request.method, request.scope["path"])
    if isinstance(error, ValidationException) or error.status_code == 400:  # noqa: PLR2004
        return Unprocessable(_reason(error))
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    return Problem(
        error.detail,
        status=error.status_code,
        code=codes.get(error.status_code, "error"),
    )


def _reason(error: HTTPException) -> str:
    extra = error.extra
    if isinstance(extra, list):
        parts = [
            f"{item.get('key', '')}: {item.get('message', '')}".strip(": ")
            for item in extra
            if isinstance(item, dict)
        ]
        return "; ".join(parts) or error.detail
    cause = error.__cause__
    return str(cause) if isinstance(cause, msgspec.MsgspecError) else error.detail
