"""Fills in users' templates in a process apart (`rendering.py`), one action's at a time."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

#: Seconds: until the process is there, and for one answer however busy the machine is.
_START, _PATIENCE = 30.0, 15.0
_LONGEST_LINE = 16 * 1024 * 1024


class CannotRender(Exception):
    """A template that raises, computes too long or comes to too much. It always will."""


class Renderer:
    """Starts the process when there is something to render, and anew after it was ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def render(self, templates: Sequence[str], context: dict[str, Any]) -> list[str]:
        """The texts of the templates.

        Raises:
            CannotRender: says why.
        """
        if not any("{{" in each or "{%" in each or "{#" in each for each in templates):
            return list(templates)
        line = msgspec.json.encode({"templates": templates, "context": context}) + b"\n"
        async with self._one_at_a_time:
            reply = await self._ask(line)
        if reply is None:
            raise CannotRender("The template computes for too long.")
        if "error" in reply:
            why = reply["error"].rstrip(".")
            raise CannotRender(f"The template cannot be filled in: {why}.")
        return reply["texts"]

    async def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, line: bytes) -> dict[str, Any] | None:
        process = self._process or await self._start()
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        content = b""
        is_done = False
        try:
            async with asyncio.timeout(_PATIENCE):
                process.stdin.write(line)
                await process.stdin.drain()
                content = await process.stdout.readline()
            is_done = content.endswith(b"\n")
        except (TimeoutError, ConnectionError, ValueError):
            return None
        finally:
            if not is_done:  # it was ended, or nobody waits for its answer any more
                await self.close()
        return msgspec.json.decode(content) if is_done else None

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "runwright.server.rendering",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LONGEST_LINE,
            env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        )
        self._process = process
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        try:
            async with asyncio.timeout(_START):
                is_ready = await process.stdout.readline() == b"ready\n"
        except TimeoutError:
            is_ready = False
        if not is_ready:
            await self.close()
            raise OSError("The process that fills in templates does not start.")
        return process
