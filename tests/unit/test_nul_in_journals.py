"""A program may print U+0000; its record says U+FFFD there and is kept."""

import json

import pytest

from runwright.api.journal import without_nul


@pytest.mark.parametrize(
    "text", ["\0", "a\0b\0\0", "\\\0", "\\\\\0", "\\u0000", "\\\\u0000", '"\0"', "\0\\u0000\0", ""]
)
def test_only_the_character_itself_is_replaced(text):
    encoded = without_nul(json.dumps({"m": text}).encode())
    assert json.loads(encoded) == {"m": text.replace("\0", "\ufffd")}
