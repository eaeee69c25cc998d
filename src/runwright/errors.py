"""Errors that users of Runwright meet.

    RunwrightError
    ├── ConfigurationError        a setting is missing or makes no sense
    ├── FlowError                 about users' flows and tasks
    │   ├── ParameterError        arguments do not fit the flow's signature
    │   ├── MissingContextError   needs to be inside a flow or task run
    │   ├── FlowLoadError         the file, module or flow of an entrypoint cannot be loaded
    │   ├── ImageError            an image cannot be built or pushed
    │   ├── ResultError
    │   │   ├── MissingResult     the run has no result that can be read
    │   │   └── SerializationError
    │   └── UnfinishedRun         a result was asked of a run that has not ended
    ├── RunEnded                  a run ended in a state other than Completed
    │   ├── FailedRun
    │   ├── CrashedRun
    │   ├── CancelledRun
    │   └── NotReadyRun           it never started: something before it failed
    ├── ServerError               the control plane refused or could not be reached
    │   ├── ServerUnreachable
    │   ├── ApiProblem            any refusal; has `status` and `code`
    │   │   ├── NotFound
    │   │   ├── AlreadyExists
    │   │   ├── Unauthorized
    │   │   ├── Unprocessable
    │   │   └── LeaseLost         the run belongs to another execution now: stop
    └── DatabaseError             the control plane's database cannot be used

Every message says what went wrong, with what, why, and what to do next.
"""


class RunwrightError(Exception):
    """Base of every error of Runwright's own."""


class ConfigurationError(RunwrightError):
    """A setting is missing or makes no sense."""


class FlowError(RunwrightError):
    """A flow or task was declared or called in a way that cannot work."""


class ParameterError(FlowError):
    """The arguments of a call do not fit the flow's signature."""


class MissingContextError(FlowError):
    """This can only be used inside a flow run or a task run."""


class FlowLoadError(FlowError):
    """The file, the module or the flow that an entrypoint names cannot be loaded."""


class ImageError(FlowError):
    """An image cannot be built or pushed."""


class ResultError(FlowError):
    """A result cannot be written or read."""


class MissingResult(ResultError):
    """The run has no result that can be read."""


class SerializationError(ResultError):
    """A value cannot be turned into bytes by the serializer in use."""


class UnfinishedRun(FlowError):
    """A result was asked of a run that has not ended."""


class RunEnded(RunwrightError):
    """A run ended in a state other than Completed, and left no exception of its own."""


class FailedRun(RunEnded):
    """The run ended as Failed."""


class CrashedRun(RunEnded):
    """The run's process ended without an outcome."""


class CancelledRun(RunEnded):
    """The run was cancelled."""


class NotReadyRun(RunEnded):
    """The run never started, because something it depends on did not complete."""


class ServerError(RunwrightError):
    """The control plane refused a request, or could not be reached."""


class ServerUnreachable(ServerError):
    """No answer from the control plane."""


class JournalLost(ServerUnreachable):
    """The way by which a run reports is gone: nothing more of it can be recorded."""


class ApiProblem(ServerError):
    """The control plane refused a request. `code` is stable; `status` is that of HTTP."""

    def __init__(self, message: str, *, status: int = 0, code: str = "error") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NotFound(ApiProblem):
    """There is no such thing."""


class AlreadyExists(ApiProblem):
    """There is one of that name already."""


class Unauthorized(ApiProblem):
    """The key is missing, wrong, expired, or lacks the scope."""


class Unprocessable(ApiProblem):
    """The request was understood and makes no sense."""


class LeaseLost(ApiProblem):
    """The run belongs to another execution now, or has ended: stop working on it."""


class DatabaseError(RunwrightError):
    """The control plane's database cannot be used."""
