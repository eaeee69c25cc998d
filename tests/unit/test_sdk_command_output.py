"""How the bytes of a program become records."""

import os

import pytest

from runwright.sdk.command_output import CommandOutput


def _said(*written: bytes) -> list[str]:
    lines: list[str] = []
    output = CommandOutput(lambda _name, text: lines.append(text))
    stdout = os.dup(output.stdout)
    output.has_started()
    for content in written:
        os.write(stdout, content)
    output.finish()  # with the other end still open
    os.close(stdout)
    return lines


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ((b"a\nb", b"c\n"), ["a", "bc"]),
        ((b"windows\r\n\r\n",), ["windows", ""]),
        ((b"10%\r20%\r30%\n",), ["30%"]),
        ((b"r\xe9sum\xc3\xa9 \0\n",), ["r\ufffdsumé \ufffd"]),
        ((b"no end",), ["no end"]),
        ((), []),
    ],
)
def test_lines(written: tuple[bytes, ...], lines: list[str]) -> None:
    assert _said(*written) == lines


def test_a_line_without_an_end_is_told_in_pieces_and_a_bar_by_its_last_look() -> None:
    piece = b"x" * 50_000
    assert "".join(_said(*[piece] * 20)) == "x" * 1_000_000
    assert _said(*[b"\r" + piece] * 20, b"\rdone\n") == ["done"]


def test_who_takes_no_lines_does_not_hold_up_the_program() -> None:
    def refuse(_name: str, _text: str) -> None:
        raise RuntimeError("full")

    output = CommandOutput(refuse)
    stdout = os.dup(output.stdout)
    output.has_started()
    for _ in range(30):
        os.write(stdout, b"line\n" * 1_000)
    os.close(stdout)
    output.finish()
