"""Pictures become addresses that hold them, and nothing else does."""

import base64
from pathlib import Path
from typing import Any

import pytest

from runwright.errors import FlowError
from runwright.sdk.pictures import MOST_PICTURE_BYTES, picture_address

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BEFORE_SVG = b"""\xef\xbb\xbf<?xml version="1.0"?>
<!-- a > b -->
<!DOCTYPE svg PUBLIC "a" "b">
"""


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
        (SVG, "image/svg+xml"),
        (BEFORE_SVG + SVG, "image/svg+xml"),
    ],
)
def test_bytes_and_files_are_known_by_what_they_hold(
    content: bytes, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "picture.bin"
    file.write_bytes(content)
    for image in (content, bytearray(content), memoryview(content), file):
        head, _, body = picture_address(image).partition(",")
        assert head == f"data:{kind};base64"
        assert base64.b64decode(body) == content


class _Figure:
    def savefig(self, buffer: Any, **options: Any) -> None:
        assert options["format"] == "png"
        buffer.write(PNG)


class _Axes:
    def get_figure(self) -> _Figure:
        return _Figure()


def test_a_figure_and_its_axes_are_drawn() -> None:
    assert picture_address(_Figure()).startswith("data:image/png;base64,")
    assert picture_address(_Axes()) == picture_address(_Figure())


def test_a_real_figure_is_drawn() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    figure, axes = pytest.importorskip("matplotlib.pyplot").subplots()
    axes.plot([1, 3, 2])
    for image in (figure, axes):
        assert picture_address(image).startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize("address", ["https://x.org/a.png", "data:image/gif;base64,R0lGOD"])
def test_an_address_stays(address: str) -> None:
    assert picture_address(address) == address


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (b"GIF89a", "no PNG, JPEG or SVG"),
        (b"<html><svg></svg></html>", "no PNG, JPEG or SVG"),
        (b"<!-- -->" * 1_000 + b"<p>", "no PNG, JPEG or SVG"),
        (b" " * 9_000, "no PNG, JPEG or SVG"),
        (b"", "no PNG, JPEG or SVG"),
        (PNG + bytes(MOST_PICTURE_BYTES), "1.0 MiB, and an artifact holds 1 MiB at most"),
        ("data:image/png;base64," + "A" * 2 * MOST_PICTURE_BYTES, "1 MiB at most"),
        ("javascript:alert(1)", "no address of a picture"),
        ("data:text/html,<script>", "no address of a picture"),
        ("plot.png", "pathlib.Path"),
        (Path("/no/such/plot.png"), "cannot be read"),
        (object(), "Pillow"),
        (None, "not NoneType"),
    ],
)
def test_what_is_no_picture_is_refused(image: object, why: str) -> None:
    with pytest.raises(FlowError, match=why):
        picture_address(image)
