"""The web interface: a page and its files, served beside the API from one package.

For a browser, every address that is not the API's and names no file is the page: it finds the
screen itself. A client that asks for no HTML (a probe, a scraper, a program that forgot /api) gets
the API's 404 there: with 200 it would take the page for an answer.
"""

import gzip
import mimetypes
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

#: What is not ours to answer.
_ELSEWHERE = ("/api/", "/api", "/health", "/ready", "/openapi.json")
_NOT_BUILT = (
    "<!doctype html><title>Runwright</title><p>The web interface is not in this installation. "
    "In the project's directory, <code>make ui</code> builds it. The API is under /api."
)
#: Nothing from elsewhere, nothing inline: what a run's name or log says cannot become a script.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_FOR_EVER = b"public, max-age=31536000, immutable"
_ASK_AGAIN = b"no-cache"
_WORTH_PACKING = 1024


class File(msgspec.Struct, frozen=True):
    """One file, ready to be sent."""

    content: bytes
    packed: bytes | None
    kind: str
    caching: bytes


class UserInterface:
    """An ASGI application in front of the API's."""

    def __init__(self, behind: Any, base: str) -> None:
        """`base`: the path under which a proxy shows the server; `/` without one."""
        self._behind = behind
        self._files = load_files(base)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if (
            scope["type"] != "http"
            or scope["method"] not in {"GET", "HEAD"}
            or path.startswith(_ELSEWHERE[0])
            or path in _ELSEWHERE
        ):
            await self._behind(scope, receive, send)
            return
        file = self._files.get(path.lstrip("/"))
        if file is None and path.startswith("/assets/"):
            await _send(send, 404, File(b"", None, "text/plain", _ASK_AGAIN), is_packed=False)
            return
        headers = dict(scope["headers"])
        if file is None and path != "/" and b"text/html" not in headers.get(b"accept", b""):
            await self._behind(scope, receive, send)
            return
        accepts = headers.get(b"accept-encoding", b"")
        file = file or self._files["index.html"]
        await _send(send, 200, file, is_packed=b"gzip" in accepts, head=scope["method"] == "HEAD")


def load_files(base: str) -> dict[str, File]:
    """The built files by their path; a page that says so where they were not built."""
    root = files("runwright.server").joinpath("ui_dist")
    if not root.joinpath("index.html").is_file():
        return {"index.html": _file("index.html", _NOT_BUILT.encode())}
    found = dict(_walk(root, ""))
    page = found["index.html"].content.replace(b'<base href="/"', b'<base href="%s"' % _base(base))
    return found | {"index.html": _file("index.html", page)}


def _base(base: str) -> bytes:
    return f"/{base.strip('/')}/".replace("//", "/").encode()


def _walk(folder: Traversable, path: str) -> Any:
    for each in folder.iterdir():
        name = f"{path}{each.name}"
        if each.is_dir():
            yield from _walk(each, f"{name}/")
        else:
            yield name, _file(name, each.read_bytes())


def _file(name: str, content: bytes) -> File:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith(("javascript", "json", "xml")):
        kind = f"{kind}; charset=utf-8"
    packed = gzip.compress(content, mtime=0) if len(content) >= _WORTH_PACKING else None
    # The build names what is in assets by its contents.
    return File(content, packed, kind, _FOR_EVER if name.startswith("assets/") else _ASK_AGAIN)


async def _send(send: Any, status: int, file: File, *, is_packed: bool, head: bool = False) -> None:
    packed = file.packed if is_packed else None
    body = file.content if packed is None else packed
    headers = [
        (b"content-type", file.kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", file.caching),
        (b"vary", b"accept-encoding"),
        (b"content-security-policy", _POLICY.encode()),
    ]
    if packed is not None:
        headers.append((b"content-encoding", b"gzip"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
