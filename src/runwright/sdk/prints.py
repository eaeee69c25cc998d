"""`log_prints`: what a run prints becomes its log."""

import builtins
import io
import threading
from typing import Any

from runwright.sdk.context import current_flow_run, current_task_run
from runwright.sdk.logging import run_logger

_original = builtins.print
_lock = threading.Lock()
_this_thread = threading.local()


def watch_prints() -> None:
    """Have `print` look whether it is called in a run that wants its prints logged.

    Once for the process: outside of such runs it does what it always did.
    """
    with _lock:
        builtins.print = _print


def _print(*values: Any, **options: Any) -> None:
    context = current_task_run() or current_flow_run()
    if (
        context is None
        or not context.log_prints
        or options.get("file") is not None
        or getattr(_this_thread, "is_logging", False)  # a handler that prints what it is given
    ):
        _original(*values, **options)
        return
    text = io.StringIO()
    _original(*values, **options | {"end": "", "file": text})
    _this_thread.is_logging = True
    try:
        run_logger(context).info("%s", text.getvalue())
    finally:
        _this_thread.is_logging = False
