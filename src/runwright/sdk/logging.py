"""Logs of runs: into their journal, and to the terminal of whoever started them."""

import logging
import os
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runwright.api.journal import LogWritten
from runwright.core.effects import RunStopped
from runwright.core.states import TERMINAL, StateName, StateType
from runwright.core.states import State as StateRecord
from runwright.core.texts import (
    LONGEST_LOG_MESSAGE,
    encodable,
    error_text,
    shortened,
    shown,
)
from runwright.errors import MissingContextError, RunwrightError
from runwright.sdk.context import (
    FlowRunContext,
    TaskRunContext,
    current_flow_run,
    current_task_run,
)

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import TracebackType

    from runwright.settings import Settings

    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter

_FLOW_RUNS = "runwright.flow_runs"
_TASK_RUNS = "runwright.task_runs"


class RunLogger(_Adapter):
    """A logger of the standard library that knows its run."""

    def process(
        self, msg: Any, kwargs: "MutableMapping[str, Any]"
    ) -> "tuple[Any, MutableMapping[str, Any]]":
        """Add the run to each record; what the caller gave as `extra` stays."""
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # the standard library's
        """Whether such a record is written.

        `logging.config` disables the loggers that a configuration does not name, and takes the
        handlers of those below one that it names. The records of runs arrive all the same.
        """
        logger = self.logger
        logger.disabled = False
        if _is_set_up and _journal not in logger.handlers:
            logger.addHandler(_journal)
        return logger.isEnabledFor(level)


def get_run_logger(context: FlowRunContext | TaskRunContext | None = None) -> RunLogger:
    """The logger of the run around the caller.

    Raises:
        MissingContextError: there is no run here.
    """
    found = context or current_task_run() or current_flow_run()
    if found is None:
        raise MissingContextError(
            "There is no run to log for: call get_run_logger() inside a flow or a task. "
            "Elsewhere use logging.getLogger(__name__)."
        )
    return run_logger(found)


def run_logger(run: Any) -> RunLogger:
    """The logger of a run: of its context, or as hooks see it."""
    task_run_id = getattr(run, "task_run_id", None)
    if task_run_id is None and hasattr(run, "dynamic_key"):
        task_run_id = getattr(run, "id", None)
    if task_run_id is not None:
        return _logger(_TASK_RUNS, run.name, "Task run", task_run_id=task_run_id)
    flow_run_id = getattr(run, "flow_run_id", None) or getattr(run, "id", None)
    return _logger(_FLOW_RUNS, run.name, "Flow run", flow_run_id=flow_run_id)


def _logger(logger_name: str, run_name: str, kind: str, **extra: Any) -> RunLogger:
    extra["run_label"] = f"{kind} {run_name!r}"
    extra[f"{kind.lower().replace(' ', '_')}_name"] = run_name
    return RunLogger(logging.getLogger(logger_name), extra)


class JournalHandler(logging.Handler):
    """Writes records into the journal of the run that the calling code is in."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record; outside of runs it is dropped."""
        flow_run = getattr(record, "flow_run_context", None) or current_flow_run()
        if flow_run is None or getattr(record, "send_to_api", True) is False:
            return
        try:
            task_run = current_task_run()
            task_run_id = getattr(record, "task_run_id", None)
            if task_run_id is None and task_run is not None and not hasattr(record, "flow_run_id"):
                task_run_id = task_run.task_run_id
            flow_run.channel.emit(
                LogWritten(
                    flow_run_id=getattr(record, "flow_run_id", flow_run.flow_run_id),
                    timestamp=datetime.fromtimestamp(record.created, UTC),
                    level=record.levelno,
                    name=record.name,
                    message=_text(record),
                    task_run_id=task_run_id,
                )
            )
        except Exception:  # noqa: BLE001  # a log line must never end a run
            self.handleError(record)


_EXCEPTIONS = logging.Formatter()


def _text(record: logging.LogRecord) -> str:
    """What the record says, cut to the length that is kept."""
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001  # whatever a user's __str__ may raise
        message = f"{shown(record.msg, 1_000)} (not formatted: {error_text(error)})"
    if record.exc_info:
        message += "\n" + _formatted(record.exc_info)
    return shortened(message, LONGEST_LOG_MESSAGE)


def _formatted(exc_info: Any) -> str:
    """A traceback; without frames of our own, unless the level is DEBUG."""
    try:
        if logging.getLogger("runwright").isEnabledFor(logging.DEBUG):
            return _EXCEPTIONS.formatException(exc_info)
        told = traceback.TracebackException(*exc_info)
        _leave_ours_out(told)
        return "".join(told.format()).rstrip("\n")
    except Exception as error:  # noqa: BLE001  # as above: an error of a user's class
        return f"{error_text(exc_info[1])} (no traceback: {error_text(error)})"


def _leave_ours_out(told: traceback.TracebackException) -> None:
    """Also in the errors that it came of, and in the members of a group."""
    left = [told]
    while left:
        each = left.pop()
        theirs = [frame for frame in each.stack if not frame.filename.startswith(_OUR_FILES)]
        if theirs or issubclass(each.exc_type or Exception, RunwrightError):
            each.stack = traceback.StackSummary.from_list(theirs)
        inner = [each.__cause__, each.__context__, *(getattr(each, "exceptions", None) or ())]
        left += [one for one in inner if one is not None]


def traceback_of(error: BaseException) -> str:
    """The traceback of an error, from where users' code begins."""
    return _formatted((type(error), error, _users_part(error)))


class ConsoleFormatter(logging.Formatter):
    """12:34:56.789 | INFO    | Flow run 'brave-otter' - message."""

    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the run's name where there is one."""
        label = getattr(record, "run_label", record.name)
        line = f"{self.formatTime(record)} | {record.levelname:<7} | {label} - {_text(record)}"
        return encodable(line)


_is_set_up = False
_journal = JournalHandler()


def set_up_logging(settings: "Settings") -> None:
    """Have the loggers of runs, and the users' own that the settings name, reach the journal."""
    global _is_set_up  # noqa: PLW0603  # loggers are global as well
    if _is_set_up:
        return
    _is_set_up = True
    from runwright.settings import level_of  # late: it is loaded with the first run

    level = level_of(settings.log_level)
    runs = logging.getLogger("runwright")
    if runs.level == logging.NOTSET:
        runs.setLevel(level)
    if not runs.handlers and not logging.getLogger().handlers:
        console = logging.StreamHandler()
        console.setFormatter(ConsoleFormatter())
        runs.addHandler(console)
        runs.propagate = False
    for name in (_FLOW_RUNS, _TASK_RUNS):
        logging.getLogger(name).addHandler(_journal)
    for name in settings.log_extra_loggers:
        extra = logging.getLogger(name)
        extra.addHandler(_journal)
        if extra.level == logging.NOTSET:
            extra.setLevel(level)


def log_flow_state(
    context: FlowRunContext, state: StateRecord, error: BaseException | None = None
) -> None:
    """One line for what a reader of the log wants to know. Ends are told before they stand.

    `error`: of the attempt that another follows.
    """
    logger = run_logger(context)
    # Said from outside the run's own code, so the record carries the run along.
    logger.extra = {**(logger.extra or {}), "flow_run_context": context}
    name = state.name
    if name == StateName.AWAITING_RETRY or error is not None:
        number = context.run_count + (context.spec.retries_used if context.spec else 0)
        due = state.state_details.scheduled_time
        then = "now" if due is None else f"at {due}"
        attempts = f"attempt {number} of {context.flow.retries + 1}, next {then}"
        message = state.message if error is None else error_text(error)
        logger.warning("Flow run failed: %s (%s)", message, attempts)
    if state.type is StateType.RUNNING:
        again = " again" if context.run_count else ""
        logger.info("Flow run started%s (flow %r).", again, context.flow.name)
    elif state.type is StateType.COMPLETED:
        logger.info("Finished in state %s.", name)
    elif state.type is StateType.CANCELLED:
        logger.warning("Finished in state %s: %s", name, state.message)
    elif state.type in TERMINAL:
        logger.error("Finished in state %s: %s", name, state.message)


def log_task_state(context: TaskRunContext, state: StateRecord) -> None:
    """One line for what a reader of the log wants to know."""
    logger = run_logger(context)
    told = f"Task run {context.name!r}"
    total = context.task.retries + 1
    attempt = f" (attempt {context.run_count} of {total})" if total > 1 else ""
    if state.name == StateName.AWAITING_RETRY:
        due = state.state_details.scheduled_time or state.timestamp
        wait = max(0.0, (due - state.timestamp).total_seconds())
        after = f"{attempt[:-1]}, next in {wait:.1f} s)"
        logger.warning("%s failed: %s%s", told, state.message, after)
    elif state.type is StateType.CANCELLED:
        logger.warning("%s finished in state %s: %s", told, state.name, state.message)
    elif state.name == StateName.FAILED:
        logger.error("%s failed: %s%s", told, state.message, attempt)
    else:
        logger.error("%s finished in state %s: %s", told, state.name, state.message)


def log_error(context: FlowRunContext | TaskRunContext, error: BaseException) -> None:
    """What the user's function raised, with the part of the traceback that is the user's."""
    if isinstance(error, RunStopped):  # no fault of the user's code
        return
    logger = run_logger(context)
    if isinstance(context, FlowRunContext):
        logger.extra = {**(logger.extra or {}), "flow_run_context": context}
    kind = "Flow run" if isinstance(context, FlowRunContext) else "Task run"
    logger.error(
        "%s %r raised an error.",
        kind,
        context.name,
        exc_info=(type(error), error, _users_part(error)),
    )


def log_broken_condition(context: TaskRunContext, error: BaseException) -> None:
    """A retry condition that raises an error: the run is not retried, and ends with its own."""
    run_logger(context).error(
        "Its retry_condition_fn raised an error, so it is not retried.",
        exc_info=(type(error), error, _users_part(error)),
    )


def log_unrecorded_end(context: FlowRunContext, error: BaseException) -> None:
    """The end of a run that nobody can be told of."""
    run_logger(context).warning("Its end could not be recorded: %s", error)


def warn_in_run(message: str, *values: Any) -> None:
    """A warning in the log of the run around the caller, or in none if there is none."""
    context = current_task_run() or current_flow_run()
    logger = logging.getLogger("runwright.tasks") if context is None else run_logger(context)
    logger.warning(message, *values)


def _users_part(error: BaseException) -> "TracebackType | None":
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        trace = trace.tb_next
    return trace


#: Without pathlib, which the import of the SDK does not load.
_PACKAGE = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
_OUR_FILES = tuple(f"{_PACKAGE}{os.sep}{part}{os.sep}" for part in ("sdk", "core"))
_OURS = ("runwright.sdk.", "runwright.core.", "contextlib", "asyncio.")
