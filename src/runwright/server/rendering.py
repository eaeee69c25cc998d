"""A process that fills in users' templates: `python -m runwright.server.rendering`.

Jinja's sandbox keeps a template from reaching anything, but not from computing for ever or filling
the memory. So this process has limits of its own, no secrets, and may be killed at any moment.

One line of JSON in: `{"templates": [...], "context": {...}}`; one line out: `{"texts": [...]}`, or
`{"error": "..."}`.
"""

import json
import resource
import signal
import sys
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

#: Seconds of computing for the templates of one action, bytes of memory, characters that come out.
CPU_SECONDS = 1
MEMORY = 384 * 1024 * 1024
MOST_TEXT = 64 * 1024


class TooLong(Exception):
    """More text came out than anybody wants to be sent."""


def render(environment: ImmutableSandboxedEnvironment, text: str, context: dict[str, Any]) -> str:
    """The text of one template."""
    parts: list[str] = []
    length = 0
    for part in environment.from_string(text).generate(context):
        length += len(part)
        if length > MOST_TEXT:
            raise TooLong(f"the text is longer than {MOST_TEXT:,} characters")
        parts.append(part)
    return "".join(parts)


def answer(environment: ImmutableSandboxedEnvironment, line: str) -> dict[str, Any]:
    """What one line of input leads to."""
    try:
        asked = json.loads(line)
        texts = [render(environment, each, asked["context"]) for each in asked["templates"]]
    except MemoryError:
        return {"error": "it needs too much memory"}
    except TemplateError as error:
        return {"error": error.message or type(error).__name__}
    except Exception as error:  # noqa: BLE001  # users' templates raise what they like
        return {"error": f"{type(error).__name__}: {error}"[:500]}
    return {"texts": texts}


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with who started it
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    environment = ImmutableSandboxedEnvironment()
    environment.globals.clear()
    environment.filters["ui_url"] = lambda thing: (thing or {}).get("ui_url", "")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1
        # Past it the process is ended by the system, whatever it is in the middle of.
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        sys.stdout.write(json.dumps(answer(environment, line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
