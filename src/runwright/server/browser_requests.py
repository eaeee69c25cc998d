"""Requests that a browser makes by itself: which site they come from, and their cookies.

Cookies and passwords of HTTP Basic are sent by browsers whichever page asks. So what comes with one
has to come from a page of this server: of the address it was asked under, or of one that the
settings name. Keys in a Bearer header are sent by nobody who does not hold them.
"""

import hashlib
import hmac
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from runwright.server.problems import Denied
from runwright.settings import Settings

Scope = MutableMapping[str, Any]

COOKIE = b"runwright_session"
SECURE_COOKIE = b"__Host-runwright_session"
CSRF_HEADER = b"prefect-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SECURE = {"https", "wss"}
_JSON = b"application/json"
_PORTS = {"http": 80, "https": 443}


def header(scope: Mapping[str, Any], wanted: bytes) -> bytes | None:
    """The first header of that name."""
    for name, value in scope["headers"]:
        if name == wanted:
            return value  # type: ignore[no-any-return]
    return None


def is_secure(scope: Mapping[str, Any], settings: Settings) -> bool:
    """Whether the browser speaks TLS, here or to the proxy that the settings know."""
    if scope.get("scheme") in _SECURE:
        return True
    public = settings.public_url
    if public is None or not public.startswith("https://"):
        return False
    host = header(scope, b"host") or b""
    return host.decode("latin-1").lower() == urlsplit(public).netloc.lower()


def session_in(scope: Mapping[str, Any], settings: Settings) -> str | None:
    """The secret of the session in a request's cookie.

    Over TLS only the cookie counts that no other host and no page without TLS can have set.
    """
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name == b"cookie":
            for part in value.split(b";"):
                key, _, secret = part.strip().partition(b"=")
                found.setdefault(key, secret)
    secret = found.get(SECURE_COOKIE)
    if secret is None and not is_secure(scope, settings):
        secret = found.get(COOKIE)
    return None if secret is None else secret.decode("latin-1")


def csrf_token(session: str) -> str:
    """What a page of ours sends back with every change, to show that it is ours."""
    return hashlib.sha256(b"csrf:" + session.encode()).hexdigest()


def refuse_other_token(sent: bytes, secret: str) -> None:
    """Refuse a CSRF token that is not the session's.

    Raises:
        Denied: 403.
    """
    if not hmac.compare_digest(sent, csrf_token(secret).encode()):
        raise Denied("Invalid CSRF token: fetch one from /api/csrf-token.", status=403)


def refuse_foreign_change(scope: Mapping[str, Any], session: str, settings: Settings) -> None:
    """Refuse a change that a cookie came with unless a page of ours made it.

    Raises:
        Denied: 403: another origin, no JSON, or no CSRF token.
    """
    refuse_foreign_origin(scope, settings)
    if header(scope, b"content-type") is not None:  # what deletes has no body
        refuse_other_content(scope)
    refuse_other_token(header(scope, CSRF_HEADER) or b"", session)


def refuse_foreign_origin(
    scope: Mapping[str, Any], settings: Settings, *, may_be_absent: bool = False
) -> None:
    """Refuse what another site's page has asked for.

    Browsers say where it comes from; other programs do not, which `may_be_absent` allows.

    Raises:
        Denied: 403.
    """
    origin = header(scope, b"origin")
    if origin is None and may_be_absent:
        is_ours = True
    else:
        is_ours = origin is not None and _is_own(origin.decode("latin-1"), scope, settings)
    # A browser that is told a key by a person, in the address line, is no site: `none`.
    if not is_ours or header(scope, b"sec-fetch-site") not in {None, b"same-origin", b"none"}:
        raise Denied(
            "This is taken from pages of this server alone. Where a proxy shows it under another "
            "address, an administrator sets RUNWRIGHT_PUBLIC_URL or RUNWRIGHT_ALLOWED_ORIGINS.",
            status=403,
        )


def refuse_other_content(scope: Mapping[str, Any]) -> None:
    """Refuse a body that another site's form could send: forms cannot send JSON.

    Raises:
        Denied: 403.
    """
    kind = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != _JSON:
        raise Denied(
            "A change by a browser must be sent as JSON, with Content-Type: application/json.",
            status=403,
        )


def _is_own(origin: str, scope: Mapping[str, Any], settings: Settings) -> bool:
    found = origin_of(origin)
    if found is None:
        return False
    configured = [
        *settings.allowed_origins,
        *([settings.public_url] if settings.public_url else []),
    ]
    if any(found == origin_of(each) for each in configured):
        return True
    host = (header(scope, b"host") or b"").decode("latin-1")
    # Without TLS here there may be a proxy with TLS before us that nobody has told us of.
    schemes = ("https",) if is_secure(scope, settings) else ("http", "https")
    return any(found == origin_of(f"{scheme}://{host}") for scheme in schemes)


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a web address; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or port is None or parts.username:
        return None
    return parts.scheme, parts.hostname, port
