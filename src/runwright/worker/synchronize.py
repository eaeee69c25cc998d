"""The worker's one request: what it sends, and what each answer means."""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

import msgspec

from runwright.api.executions import ExecutionRef, SyncAnswer, SyncRequest
from runwright.errors import ConfigurationError, ServerUnreachable, Unauthorized
from runwright.worker.control_plane import ControlPlane
from runwright.worker.host import Host
from runwright.worker.refusals import problem_code
from runwright.worker.usage import Usage

#: How long the control plane may keep a sync open while there is nothing to say.
LONGEST_WAIT_MS = 10_000

_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT = 200, 401, 403, 404, 409
_NO_SUCH_POOL = "work_pool_not_found"
_MALFORMED = frozenset({400, 422})


class NotNow(Exception):
    """Nothing came of a sync; a later one may succeed. The message is for the log."""


@dataclass(frozen=True)
class Identity:
    """Who asks."""

    instance_id: UUID
    name: str
    type: str
    queues: tuple[str, ...]
    limit: int
    version: str
    #: The key's public part, to name it in messages; never the secret.
    key_name: str
    api_url: str


class _Problem(msgspec.Struct):
    detail: object = None
    exception_message: object = None


class Pool:
    """The work pool of one worker, as the control plane shows it."""

    def __init__(
        self,
        name: str,
        control_plane: ControlPlane,
        identity: Identity,
        host: Host,
        usage: Usage,
        *,
        may_create: bool = False,
    ) -> None:
        """`may_create`: make the pool at the first contact when it does not exist."""
        self.name = name
        self._control_plane = control_plane
        self._identity = identity
        self._host = host
        self._usage = usage
        self._may_create = may_create
        self._has_joined = False

    async def sync(
        self,
        *,
        free: int,
        executions: list[ExecutionRef],
        launching: list[UUID] | None = None,
        is_stopping: bool = False,
        wait_ms: int = LONGEST_WAIT_MS,
    ) -> SyncAnswer:
        """Say what runs here, and get work and orders.

        Raises:
            NotNow: the control plane is away, or refuses for now.
            ConfigurationError: at the first contact: there is no such pool, or it is not for us.
            Unauthorized: at the first contact: the key is not accepted.
        """
        identity = self._identity
        request = SyncRequest(
            worker_name=identity.name,
            free=free,
            type=identity.type,
            queues=list(identity.queues),
            limit=identity.limit,
            executions=executions,
            launching=launching or [],
            host=self._host.figures(),
            usage=self._usage.figures(executions),
            wait_ms=wait_ms,
            stopping=is_stopping,
            version=identity.version,
        )
        path = f"/work_pools/{quote(self.name, safe='')}/workers/{identity.instance_id}/sync"
        status, body = await self._send(path, msgspec.json.encode(request), patience=wait_ms / 1000)
        if status != _OK:
            await self._refused(status, body)
            return SyncAnswer()
        self._has_joined = True
        try:
            return msgspec.json.decode(body, type=SyncAnswer)
        except (msgspec.MsgspecError, RecursionError) as error:
            said = f"The answer of {self._identity.api_url} cannot be read: {error}."
            raise NotNow(said) from error

    async def _send(self, path: str, body: bytes, *, patience: float = 0.0) -> tuple[int, bytes]:
        try:
            return await self._control_plane.send("POST", path, body, patience=patience)
        except ServerUnreachable as error:
            raise NotNow(str(error)) from error

    async def _refused(self, status: int, body: bytes) -> None:
        """Return when the next sync may do better at once; else raise."""
        said = _detail(body)
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            message = self._about_the_key(status, said)
            raise NotNow(message) if self._has_joined else Unauthorized(message, status=status)
        if self._has_joined:
            raise NotNow(f"Work pool {self.name!r}: the control plane says {status}: {said}.")
        is_missing = problem_code(body) == _NO_SUCH_POOL
        if is_missing and self._may_create:
            await self._create()
        elif is_missing:
            raise ConfigurationError(
                f"There is no work pool {self.name!r} at {self._identity.api_url}. Create it with "
                f"`runwright work-pool create {self.name} --type {self._identity.type}`, or start "
                "the worker with --create-pool. `runwright work-pool ls` shows those that exist."
            )
        elif status == _NOT_FOUND:
            raise ConfigurationError(
                f"{self._identity.api_url} does not know how to hand out work (404: {said}). Is it "
                "the address of a Runwright server, /api included, and as new as this worker?"
            )
        elif status in _MALFORMED or status == _CONFLICT:
            raise ConfigurationError(f"Work pool {self.name!r} does not take this worker: {said}.")
        else:
            raise NotNow(f"{self._identity.api_url} answers {status}: {said}.")

    async def _create(self) -> None:
        pool = {"name": self.name, "type": self._identity.type}
        status, body = await self._send("/work_pools/", msgspec.json.encode(pool))
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            raise Unauthorized(self._about_the_key(status, _detail(body)), status=status)
        # 409: another worker was faster, which is as good.
        if status >= 300 and status != _CONFLICT:  # noqa: PLR2004
            raise NotNow(f"Work pool {self.name!r} could not be created: {_detail(body)}.")

    def _about_the_key(self, status: int, said: str) -> str:
        name = self._identity.key_name
        which = f"the key {name}" if name else "a request without a key"
        return (
            f"{self._identity.api_url} does not accept {which} for work pool {self.name!r} "
            f"({status}: {said}). Make a key with `runwright key create --kind worker --pool "
            f"{self.name}` and give it to the worker as RUNWRIGHT_API_KEY."
        )


def key_name(key: str | None) -> str:
    """What of a key may be shown: everything but the secret."""
    if not key:
        return ""
    public, _, _ = key.rpartition("_")
    return f"{public}_..." if public else "that is set"


def _detail(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        return body[:200].decode(errors="replace").strip() or "no reason given"
    said = problem.detail or problem.exception_message or "no reason given"
    return str(said).rstrip(".")
