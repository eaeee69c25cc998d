"""Bodies are read whole, in time, and within sizes that can be taken apart quickly."""

import asyncio
import contextlib
import time

import pytest

from runwright.api.limits import MAX_BODY, MAX_DEPTH, MAX_OPEN_BODY, MAX_PARTS, body_limit
from runwright.server import intake
from runwright.server.intake import Intake, TooSlow, check_parts
from runwright.server.problems import Problem, Unprocessable


def sends(*parts):
    """The receiving end of a sender of these parts, the last of which stays out if it is None."""
    rest = list(parts)

    async def receive():
        part = rest.pop(0)
        if part is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": part, "more_body": bool(rest)}

    return receive


def read(receive, *, path="/api/flows/", declared=0, is_stranger=False):
    reader = Intake()
    return asyncio.run(
        asyncio.wait_for(
            reader.read(receive, path, declared, is_stranger=is_stranger, is_vital=False), 10
        )
    )


def test_the_parts_of_a_body_are_put_together():
    assert read(sends(b"{", b'"a": 1', b"}")) == b'{"a": 1}'


def test_a_body_that_does_not_come_in_time_is_given_up(monkeypatch):
    monkeypatch.setattr(intake, "_PATIENCE", 0.01)
    monkeypatch.setattr(intake, "_LOOK_EVERY", 0.01)
    with pytest.raises(TooSlow) as refused:
        read(sends(b"{", None))
    assert refused.value.status == 408


def test_the_newest_stranger_takes_the_place_of_the_oldest(monkeypatch):
    monkeypatch.setattr(intake, "_MOST_STRANGERS", 3)

    async def body():
        reader = Intake()

        async def one(*parts):
            return await reader.read(
                sends(*parts), "/api/session", 0, is_stranger=True, is_vital=False
            )

        dawdlers = [asyncio.create_task(one(b"{", None)) for _ in range(3)]
        await asyncio.sleep(0)
        assert await one(b"{}") == b"{}"
        with pytest.raises(TooSlow):
            await dawdlers[0]
        assert not any(each.done() for each in dawdlers[1:])
        for each in dawdlers:
            each.cancel()

    asyncio.run(body())


@pytest.mark.parametrize("is_stranger", [True, False])
def test_a_body_that_is_too_large_is_refused_by_what_it_says_and_by_what_it_sends(is_stranger):
    most = MAX_OPEN_BODY if is_stranger else MAX_BODY
    for receive, declared in ((sends(None), most + 1), (sends(b"x" * most, b"x"), 0)):
        with pytest.raises(Problem) as refused:
            read(receive, declared=declared, is_stranger=is_stranger)
        assert refused.value.status == 413
        assert f"{most:,}" in refused.value.detail


def test_some_paths_take_more():
    assert body_limit("/api/logs/") > body_limit("/api/flows/") == MAX_BODY


def nested(depth):
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize("odd", [b"", b'"[", "]]", "\\\\", "{\\"[", '])
def test_depth_is_that_of_lists_and_objects_whatever_stands_in_texts(odd):
    check_parts(b"[" + odd + nested(MAX_DEPTH - 1) + b"]")
    check_parts(b"[" + b",".join([nested(MAX_DEPTH - 1)] * 50) + b"]")
    with pytest.raises(Unprocessable) as refused:
        check_parts(b"[" + odd + nested(MAX_DEPTH) + b"]")
    assert str(MAX_DEPTH) in refused.value.detail


@pytest.mark.parametrize("part", [b"[]", b"{}", b'{"a":[{}]}'])
def test_too_many_parts_are_refused(part):
    content = b"[" + b",".join([part] * MAX_PARTS) + b"]"
    with pytest.raises(Problem) as refused:
        check_parts(content)
    assert refused.value.status == 413


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 8_000_000,
        b"[]," * 2_700_000,
        b'"",' * 2_700_000,
        b'"' + b"\\" * 8_000_000,
        b'"["' + b',""' * 130_000 + nested(200),
        b'"["' * 60_000 + b'"x",' * 120_000,
    ],
)
def test_looking_at_a_body_takes_no_time(content):
    began = time.thread_time()
    with contextlib.suppress(Problem):
        check_parts(content)
    assert time.thread_time() - began < 0.1  # 0.03 on an idle machine
