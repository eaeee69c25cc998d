"""Images on this machine: there already, or pulled."""

import base64
import logging
import os
import time
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp
import msgspec

from runwright.worker.launcher import LaunchFailed
from runwright.worker.launchers.docker.job import DockerJob
from runwright.worker.launchers.docker.policy import DockerPolicy

logger = logging.getLogger("runwright.worker")

_NOT_FOUND = 404
#: A pull that takes longer has stalled.
PULL_SECONDS = 1800.0
#: What engines and registries say, and what is to be done then.
_ADVICE = {
    "The registry wants another user or password: put them under registries in the worker's policy "
    "file, or sign in with `docker login`.": ("unauthorized", "denied", "no basic auth"),
    "There is no such image or tag: has it been pushed?": ("manifest", "not found"),
    "The registry is not reached from the worker's machine.": (
        "connection refused",
        "no such host",
        "timeout",
        "eof",
    ),
    "The disk of the worker's machine is full: `docker image prune` frees some.": (
        "no space left",
    ),
}


async def ensure_image(
    docker: aiodocker.Docker, job: DockerJob, policy: DockerPolicy
) -> dict[str, Any]:
    """The image of the job as the engine describes it, pulled first where it has to be.

    Raises:
        LaunchFailed: it cannot be had.
    """
    if job.pull_policy != "Always":
        try:
            return await docker.images.inspect(job.image)
        except aiodocker.DockerError as error:
            if error.status != _NOT_FOUND:
                raise LaunchFailed(
                    f"the image {job.image} cannot be used: {error.message}"
                ) from error
            if job.pull_policy == "Never":
                raise LaunchFailed(
                    f"the image {job.image} is not on the worker's machine, and its "
                    "image_pull_policy is Never. Pull it there, or let the worker do so: "
                    "IfNotPresent."
                ) from error
    await _pull(docker, job, policy.credentials_for(job) or _signed_in(job.image))
    try:
        return await docker.images.inspect(job.image)
    except aiodocker.DockerError as error:
        raise LaunchFailed(
            f"the image {job.image} was pulled and is gone again: {error.message}"
        ) from error


def digest_of(image: dict[str, Any], name: str) -> str:
    """What names these contents for ever: `repository@sha256:...`, or the image's id."""
    repository = name.partition("@")[0]
    head, _, last = repository.rpartition("/")
    repository = f"{head}/{last.partition(':')[0]}" if head else last.partition(":")[0]
    for digest in image.get("RepoDigests") or ():
        if digest.partition("@")[0] == repository:
            return digest
    return image["Id"]


async def _pull(
    docker: aiodocker.Docker, job: DockerJob, credentials: dict[str, str] | None
) -> None:
    logger.info("Pulling %s.", job.image)
    begun = time.monotonic()
    if "/" not in job.image:
        credentials = None  # an image without a host is of the public registry
    try:
        await docker.images.pull(job.image, auth=credentials, timeout=PULL_SECONDS)
    except aiodocker.DockerError as error:
        raise LaunchFailed(
            f"the image {job.image} could not be pulled: {_explained(error.message)}"
        ) from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise LaunchFailed(
            f"the image {job.image} could not be pulled: the engine broke off ({error!r})"
        ) from error
    logger.info("Pulled %s in %.1f s.", job.image, time.monotonic() - begun)


def _signed_in(image: str) -> dict[str, str] | None:
    """What `docker login` has left for the image's registry, where it is no credential helper's."""
    file = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        known = msgspec.json.decode(file.read_bytes()).get("auths", {})
        encoded = known[image.partition("/")[0]]["auth"]
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
    return {"username": user, "password": password}


def _explained(said: str) -> str:
    plain = said.strip().rstrip(".")
    for advice, words in _ADVICE.items():
        if any(word in plain.lower() for word in words):
            return f"{plain}. {advice}"
    return plain
