"""Asking before what cannot be undone. Never without a terminal on both sides."""

import sys


def confirm(question: str, *, yes: bool) -> bool:
    """Whether to go on: `--yes`, a person's yes, or no terminal to ask at."""
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
