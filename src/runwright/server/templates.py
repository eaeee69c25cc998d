"""Templates of messages that users write: Jinja, checked before they are kept."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from runwright.api.limits import MAX_TEMPLATE, MAX_TEMPLATES
from runwright.server.problems import Unprocessable

#: Checking takes a thread for as long as half a second; that one at a time does is enough.
_one_at_a_time = asyncio.Semaphore(1)


class InvalidTemplate(Unprocessable):
    """A template that cannot be read. `line` counts from 1."""

    def __init__(self, message: str, line: int, source: str) -> None:
        super().__init__(f"The template cannot be read: line {line}: {message}.")
        self.line, self.source, self.message = line, source, message


def check_template(text: str) -> None:
    """Refuse what is no template.

    Raises:
        InvalidTemplate: says the line and why.
    """
    from jinja2 import TemplateSyntaxError  # few requests need it
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        ImmutableSandboxedEnvironment().parse(text)
    except TemplateSyntaxError as error:
        reason = (error.message or "it is no template").rstrip(".")
        raise InvalidTemplate(reason, error.lineno, text) from None
    except (RecursionError, ValueError):  # a number of thousands of digits, say
        raise InvalidTemplate(
            "it is nested too deeply, or has too long a number", 1, text
        ) from None


def refuse_long(texts: Sequence[str]) -> None:
    """Refuse templates that would take too long to check.

    Raises:
        Unprocessable: one of them is too long, or all of them together.
    """
    if any(len(each) > MAX_TEMPLATE for each in texts):
        raise Unprocessable(f"A template may have {MAX_TEMPLATE:,} characters at most.")
    if sum(map(len, texts)) > MAX_TEMPLATES:
        raise Unprocessable(
            f"The templates of an automation may have {MAX_TEMPLATES:,} characters at most, all of "
            "them together."
        )


async def off_the_loop(check: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The result of something that checks templates, in a thread: requests go on meanwhile."""
    async with _one_at_a_time:
        return await asyncio.to_thread(check, *arguments, **named)
