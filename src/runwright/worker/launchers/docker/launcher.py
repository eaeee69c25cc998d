"""Starts, watches and ends containers through the engine of this machine."""

import asyncio
import contextlib
import logging
import socket
import tarfile
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiodocker
import aiohttp
import msgspec

from runwright.api.executions import ClaimedRun, ExecutionSpec, InfrastructureReport
from runwright.clock import SystemClock
from runwright.errors import ConfigurationError
from runwright.private_files import open_private, private_folder
from runwright.worker.launcher import Ended, LaunchFailed, StopReason
from runwright.worker.launchers.docker.container import (
    EXECUTION_FILE,
    KEPT,
    SPOOL,
    container_config,
    container_name,
    files_for,
    labels_of,
)
from runwright.worker.launchers.docker.images import PULL_SECONDS, digest_of, ensure_image
from runwright.worker.launchers.docker.job import DockerJob, read_docker_job
from runwright.worker.launchers.docker.policy import DockerPolicy
from runwright.worker.launchers.docker.verdict import not_started, removed, verdict
from runwright.worker.surroundings import Surroundings

logger = logging.getLogger("runwright.worker")

#: Tells the control plane what an execution runs in.
TellInfrastructure = Callable[[UUID, InfrastructureReport], Awaitable[None]]

_NOT_FOUND, _CONFLICT, _NOT_MODIFIED = 404, 409, 304
_TRY_AGAIN_SECONDS = 1.0
#: Beyond the grace of the flow itself: then the supervisor is taken for dead.
_LAST_GRACE_SECONDS = 15.0
_LAST_LINES = 50
#: Pulling included. While it lasts, the worker keeps the claim from lapsing.
_LAUNCH_SECONDS = PULL_SECONDS + 120.0
#: How long an ended container is left to the worker that started it.
_LEFT_ALONE = timedelta(minutes=10)
_SIGNALS = {"shutdown": "SIGTERM", "cancelled": "SIGUSR1", "lease_lost": "SIGUSR2"}
_OUTAGES = (aiodocker.DockerError, aiohttp.ClientError, OSError, TimeoutError)


class DockerLauncher:
    """A container for each execution. They go on without their worker, and it finds them again."""

    executions_outlive_worker = True

    def __init__(
        self,
        surroundings: Surroundings,
        policy: DockerPolicy,
        *,
        pool: str,
        worker: str,
        tell: TellInfrastructure | None = None,
    ) -> None:
        self._surroundings = surroundings
        self._policy = policy
        self._labels = labels_of(api_url=surroundings.api_url, pool=pool, worker=worker)
        self._tell = tell
        #: Executions whose containers stay, to be looked at.
        self._kept: set[UUID] = set()
        self._containers: dict[UUID, str] = {}
        self._ends: asyncio.Queue[Ended] = asyncio.Queue()
        self._watchers: set[asyncio.Task[None]] = set()

    async def warm_up(self) -> None:
        """Reach the engine.

        Raises:
            ConfigurationError: there is none, or it may not be used.
        """
        try:
            self._docker = aiodocker.Docker()
            version = await self._docker.version()
        except (*_OUTAGES, ValueError) as error:
            raise ConfigurationError(_no_engine(error)) from error
        logger.info("Containers are started by Docker %s.", version.get("Version", "?"))

    async def adopt(self) -> list[ClaimedRun]:
        """Take over the containers that this worker started in an earlier life."""
        adopted: list[ClaimedRun] = []
        for container in await self._found(self._labels):
            try:
                spec = await self._spec_in(container.id)
            except (*_OUTAGES, KeyError, msgspec.DecodeError):
                # It was made and never furnished: its claim lapses, and the run is handed out.
                await self._remove(container.id)
                continue
            self._watch(spec.execution_id, container.id)
            if KEPT in container["Labels"]:
                self._kept.add(spec.execution_id)
            adopted.append(ClaimedRun(spec=spec, lease_ttl_ms=0))
        if adopted:
            logger.info("Took over %d containers of this worker's earlier life.", len(adopted))
        await self._sweep()
        return adopted

    async def launch(self, claimed: ClaimedRun) -> None:
        """Start a container for the execution; see `Launcher`."""
        spec = claimed.spec
        job = read_docker_job(spec.job_configuration)
        self._policy.check(job, spec.overridden)
        job = self._policy.completed(job)
        try:
            async with asyncio.timeout(_LAUNCH_SECONDS):
                container = await self._launched(spec, job)
        except TimeoutError as error:
            await self._remove(container_name(spec))
            raise LaunchFailed(
                f"its container could not be started within {_LAUNCH_SECONDS:.0f} s"
            ) from error
        if not job.auto_remove:
            self._kept.add(spec.execution_id)
        self._watch(spec.execution_id, container)

    async def _launched(self, spec: ExecutionSpec, job: DockerJob) -> str:
        image = await ensure_image(self._docker, job, self._policy)
        config = container_config(spec, job, self._policy, self._surroundings, self._labels)
        try:
            container = await self._create(spec, config)
            await container.put_archive("/", files_for(spec, job, self._surroundings))
            for network in job.networks[1:]:
                joined = await self._docker.networks.get(network)
                await joined.connect({"Container": container.id})
            await self._tell_what(spec, container.id, job, image)
            await self._start(container, job)
        except _OUTAGES as error:
            await self._remove(container_name(spec))
            raise LaunchFailed(f"its container could not be started: {_said(error)}") from error
        except Exception:  # a LaunchFailed, or what nobody thought of: nothing is left of it
            await self._remove(container_name(spec))
            raise
        return container.id

    async def stop(self, execution_id: UUID, reason: StopReason) -> None:
        """Signal the supervisor; see `Launcher`. What does not end by itself is killed."""
        container = self._containers.get(execution_id)
        if container is None:
            return
        await self._signal(container, _SIGNALS[reason])
        patience = self._surroundings.cancel_grace + _LAST_GRACE_SECONDS
        self._aside(self._kill_later(execution_id, container, patience))

    def processes(self) -> dict[UUID, int]:
        """None: those of containers are the engine's, which may be elsewhere."""
        return {}

    async def next_end(self) -> Ended:
        """Wait for a container to end; see `Launcher`."""
        return await self._ends.get()

    async def forget(self, execution_id: UUID) -> None:
        """Remove the container, now that its end is recorded."""
        container = self._containers.pop(execution_id, None)
        if execution_id in self._kept:
            self._kept.discard(execution_id)
        elif container is not None:
            await self._remove(container)

    async def close(self) -> None:
        """Watch nothing any more. Containers go on."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await self._docker.close()

    async def _create(self, spec: ExecutionSpec, config: dict[str, Any]) -> Any:
        name = container_name(spec)
        try:
            return await self._docker.containers.create(config, name=name)
        except aiodocker.DockerError as error:
            if error.status != _CONFLICT:
                raise
            # This very execution was launched before: the same container goes on.
            return self._docker.containers.container(name)

    async def _start(self, container: Any, job: DockerJob) -> None:
        try:
            await container.start()
        except aiodocker.DockerError as error:
            if error.status == _NOT_MODIFIED:
                return
            hint = ""
            if "executable file not found" in error.message:
                hint = f". The image {job.image} needs python and Runwright in its PATH"
            raise LaunchFailed(
                f"its container could not be started: {error.message.rstrip('.')}{hint}"
            ) from error

    async def _tell_what(
        self, spec: ExecutionSpec, container: str, job: DockerJob, image: dict[str, Any]
    ) -> None:
        if self._tell is None:
            return
        report = InfrastructureReport(
            token=spec.token,
            execution_id=spec.execution_id,
            infrastructure_pid=f"{socket.gethostname()}:{container}",
            image=job.image,
            image_digest=digest_of(image, job.image),
        )
        await self._tell(spec.flow_run_id, report)

    def _watch(self, execution_id: UUID, container: str) -> None:
        self._containers[execution_id] = container
        self._aside(self._watched(execution_id, container))

    async def _watched(self, execution_id: UUID, container: str) -> None:
        self._ends.put_nowait(await self._end_of(execution_id, container))

    async def _end_of(self, execution_id: UUID, container: str) -> Ended:
        """Wait for a container, however often the engine goes away meanwhile."""
        handle = self._docker.containers.container(container)
        while True:
            try:
                found = await handle.show()
                if found["State"]["Status"] == "created":
                    # Its worker died before it was started. Now or never: else it would be
                    # tried for ever, and hold a slot.
                    with contextlib.suppress(aiodocker.DockerError):
                        await handle.start()
                    found = await handle.show()
                if found["State"]["Status"] == "created":
                    return not_started(execution_id, found)
                if not found["State"]["Running"]:
                    return await self._verdict(execution_id, handle, found)
                await handle.wait(timeout=None)
            except _OUTAGES as error:
                if isinstance(error, aiodocker.DockerError) and error.status == _NOT_FOUND:
                    return removed(execution_id)
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            except Exception:
                # An end that is never told would hold its slot for good.
                logger.exception("Container %s cannot be looked at.", container)
                await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _verdict(self, execution_id: UUID, handle: Any, found: dict[str, Any]) -> Ended:
        lines: list[str] = []
        with contextlib.suppress(*_OUTAGES):
            output = await handle.log(stdout=True, stderr=True, tail=_LAST_LINES)
            lines = [line.rstrip("\n") for line in output]
        ended = verdict(execution_id, found, lines)
        if not ended.is_reported:
            await self._take_spool(handle)
        return ended

    async def _take_spool(self, handle: Any) -> None:
        """What the supervisor could not send lies in its container; here it is delivered."""
        with contextlib.suppress(*_OUTAGES):
            _unpack(await handle.get_archive(SPOOL), Path(self._surroundings.spool))

    async def _spec_in(self, container: str) -> ExecutionSpec:
        archive = await self._docker.containers.container(container).get_archive(EXECUTION_FILE)
        content = archive.extractfile(archive.getmembers()[0])
        return msgspec.json.decode(content.read() if content else b"", type=ExecutionSpec)

    async def _found(self, labels: dict[str, str]) -> list[Any]:
        wanted = [f"{name}={value}" for name, value in labels.items()]
        filters = msgspec.json.encode({"label": wanted}).decode()
        return await self._docker.containers.list(all=1, filters=filters)

    async def _sweep(self) -> None:
        """Remove ended containers of workers that never came back for them."""
        of_pool = {name: value for name, value in self._labels.items() if "worker" not in name}
        with contextlib.suppress(*_OUTAGES):
            for container in await self._found(of_pool):
                if container.id in self._containers.values() or KEPT in container["Labels"]:
                    continue
                if _ended_before(await container.show(), SystemClock().now() - _LEFT_ALONE):
                    await self._remove(container.id)

    async def _kill_later(self, execution_id: UUID, container: str, patience: float) -> None:
        await asyncio.sleep(patience)
        if execution_id in self._containers:
            await self._signal(container, "SIGKILL")

    async def _signal(self, container: str, signal: str) -> None:
        # One that has ended needs no signal; one that cannot be reached now is asked again later.
        with contextlib.suppress(*_OUTAGES):
            await self._docker.containers.container(container).kill(signal=signal)

    async def _remove(self, container: str) -> None:
        with contextlib.suppress(*_OUTAGES):
            await self._docker.containers.container(container).delete(force=True, v=True)

    def _aside(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._watchers.add(task)
        task.add_done_callback(self._put_aside)

    def _put_aside(self, task: asyncio.Task[None]) -> None:
        self._watchers.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A container could not be watched.", exc_info=error)


def _unpack(archive: tarfile.TarFile, folder: Path) -> None:
    private_folder(folder)
    for member in archive.getmembers():
        content = archive.extractfile(member) if member.isfile() else None
        if content is not None:
            file = folder / Path(member.name).name
            with open_private(file, "wb") as out:
                out.write(content.read())


def _ended_before(found: dict[str, Any], instant: datetime) -> bool:
    state = found["State"]
    # Nanoseconds are more than a datetime holds.
    ended_at = str(state.get("FinishedAt", ""))[:19]
    return state["Status"] in {"exited", "dead"} and ended_at < instant.isoformat()[:19]


def _said(error: BaseException) -> str:
    return error.message if isinstance(error, aiodocker.DockerError) else repr(error)


def _no_engine(error: BaseException) -> str:
    if isinstance(error, PermissionError) or "Permission denied" in str(error):
        what = (
            "This user may not use the Docker engine. Add it to the group docker, or run the "
            "worker as one who may"
        )
    else:
        what = (
            "No Docker engine answers here. Start it, or say where it is in DOCKER_HOST; in a "
            "container, mount /var/run/docker.sock"
        )
    return f"{what}. ({error})"
