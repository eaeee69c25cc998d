"""Pictures as addresses that hold them: `data:` URLs, which the page shows and never interprets."""

import base64
import io
import os
import re
from typing import Any

from runwright.errors import FlowError

#: Bytes of a picture; it travels inside the journal and is stored with the run.
MOST_PICTURE_BYTES = 1024 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
#: What may stand before the root element: a declaration, comments, a document type.
_SVG = re.compile(
    rb"(?>(?:\s+|<\?xml[^>]*\?>|<!--.*?-->|<!DOCTYPE\s+svg[^>]*>)*)<svg[\s>]", re.DOTALL
)
_ADDRESS = re.compile(r"https?://\S+|data:image/(png|jpeg|gif|webp|avif|svg\+xml)[;,]\S*")


def picture_address(image: Any) -> str:
    """The address of a picture: its own where it has one, else a `data:` URL with its bytes.

    Raises:
        FlowError: it is no picture of a known kind, or too large.
    """
    if isinstance(image, str):
        if not _ADDRESS.fullmatch(image):
            raise FlowError(
                f"{image[:80]!r} is no address of a picture: it begins with https:// or "
                "data:image/png and the like. The picture in a file is pathlib.Path(...)."
            )
        _refuse_large(len(image) * 3 // 4)
        return image
    content = _content(image)
    _refuse_large(len(content))
    return f"data:{_kind(content)};base64,{base64.b64encode(content).decode()}"


def _content(image: Any) -> bytes:
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, os.PathLike):
        try:
            with open(image, "rb") as file:  # noqa: PTH123  # any path-like object
                return file.read(MOST_PICTURE_BYTES + 1)
        except OSError as error:
            raise FlowError(f"The picture {os.fspath(image)!r} cannot be read: {error}.") from error
    if not hasattr(image, "savefig") and hasattr(image, "get_figure"):
        image = image.get_figure()  # axes
    if hasattr(image, "savefig"):  # matplotlib's figure, or pyplot for its current one
        buffer = io.BytesIO()
        image.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()
    raise FlowError(
        "A picture is bytes of PNG, JPEG or SVG, a pathlib.Path to such a file, a matplotlib "
        f"figure or the address of a picture, and not {type(image).__qualname__}. Other libraries "
        "write bytes: image.save(buffer, 'PNG') with Pillow, figure.to_image('png') with Plotly."
    )


def _kind(content: bytes) -> str:
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    if _SVG.match(content.removeprefix(b"\xef\xbb\xbf")[:10_000]):
        return "image/svg+xml"
    raise FlowError(
        f"These bytes are no PNG, JPEG or SVG: they begin with {content[:12]!r}. Convert the "
        "picture first."
    )


def _refuse_large(size: int) -> None:
    if size > MOST_PICTURE_BYTES:
        raise FlowError(
            f"The picture has {size / 2**20:.1f} MiB, and an artifact holds "
            f"{MOST_PICTURE_BYTES // 2**20} MiB at most. Make it smaller (fewer dots per inch, "
            "JPEG for photographs), or keep it in a store of your own and publish its address "
            "with create_link_artifact()."
        )
