"""What the engine is asked to create for one execution."""

import io
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from runwright.api.executions import ExecutionSpec
from runwright.worker.launchers.docker.job import OUR_LABELS, DockerJob, size_in_bytes
from runwright.worker.launchers.docker.policy import DockerPolicy
from runwright.worker.surroundings import Surroundings

#: Where the supervisor in the container finds what it is to run.
EXECUTION_FILE = "/run/runwright/execution.json"
#: What cannot be sent while the control plane is away; the worker takes it from there.
HOME = "/tmp/runwright"  # noqa: S108  # in a container of its own
SPOOL = f"{HOME}/spool/executions"
#: The label of containers that nobody but a person removes.
KEPT = f"{OUR_LABELS}kept"
SUPERVISOR = ["python", "-m", "runwright.worker.supervisor"]
#: The name by which a container reaches the machine that it runs on.
HOST = "host.docker.internal"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TLS = {
    "tls_ca_file": "RUNWRIGHT_TLS_CA_FILE",
    "tls_client_cert": "RUNWRIGHT_TLS_CLIENT_CERT",
    "tls_client_key": "RUNWRIGHT_TLS_CLIENT_KEY",
}


def container_name(spec: ExecutionSpec) -> str:
    """One execution, one name: a second container for it cannot be made."""
    return f"runwright-{spec.execution_id}"


def labels_of(*, api_url: str, pool: str, worker: str) -> dict[str, str]:
    """By which a worker that starts again finds the containers it had."""
    return {
        f"{OUR_LABELS}api": api_url,
        f"{OUR_LABELS}pool": pool,
        f"{OUR_LABELS}worker": worker,
    }


def reached_from_inside(api_url: str, network_mode: str | None) -> str:
    """The control plane's address as a container sees it: its own loopback is not the host's."""
    parts = urlsplit(api_url)
    if network_mode == "host" or parts.hostname not in LOOPBACK:
        return api_url
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{HOST}{port}"))


def container_config(
    spec: ExecutionSpec,
    job: DockerJob,
    policy: DockerPolicy,
    surroundings: Surroundings,
    labels: dict[str, str],
) -> dict[str, Any]:
    """The body of the engine's `POST /containers/create`."""
    api_url = policy.api_url or reached_from_inside(surroundings.api_url, job.network_mode)
    env = {
        "PYTHONUNBUFFERED": "1",
        **{name: value for name, value in job.env.items() if value is not None},
        **_our_environment(surroundings, api_url),
    }
    theirs = {n: value for n, value in job.labels.items() if not n.startswith(OUR_LABELS)}
    config: dict[str, Any] = {
        "Image": job.image,
        "Cmd": SUPERVISOR,
        # That of the image is for the services which are made of it.
        "Healthcheck": {"Test": ["NONE"]},
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Labels": {
            **theirs,
            **labels,
            f"{OUR_LABELS}execution": str(spec.execution_id),
            f"{OUR_LABELS}flow-run": str(spec.flow_run_id),
            f"{OUR_LABELS}flow-run-name": spec.flow_run_name,
            **({} if job.auto_remove else {KEPT: "true"}),
        },
        "HostConfig": _host_config(job, is_host_meant=HOST in api_url),
    }
    if job.user is not None:
        config["User"] = job.user
    if job.working_dir is not None:
        config["WorkingDir"] = job.working_dir
    return config


def _host_config(job: DockerJob, *, is_host_meant: bool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "Binds": job.volumes,
        "Privileged": job.privileged,
        "NetworkMode": job.network_mode or (job.networks[0] if job.networks else "bridge"),
        # It is removed when its end is recorded: before that, how it ended is asked.
        "AutoRemove": False,
        "RestartPolicy": {"Name": "no"},
        "DeviceRequests": job.device_requests,
    }
    memory = size_in_bytes(job.mem_limit, "mem_limit")
    if memory is not None:
        swap = size_in_bytes(job.memswap_limit, "memswap_limit")
        # Without a word about swap the limit is the limit.
        config |= {"Memory": memory, "MemorySwap": memory if swap is None else swap}
    if job.cpus is not None:
        config["NanoCpus"] = int(job.cpus * 1e9)
    if job.shm_size is not None:
        config["ShmSize"] = size_in_bytes(job.shm_size, "shm_size")
    if not job.privileged:
        config["SecurityOpt"] = ["no-new-privileges"]
    if is_host_meant:
        config["ExtraHosts"] = [f"{HOST}:host-gateway"]
    return config


def _our_environment(surroundings: Surroundings, api_url: str) -> dict[str, str]:
    inside = {
        variable: _place_of(field)
        for field, variable in _TLS.items()
        if getattr(surroundings, field) is not None
    }
    return {
        "RUNWRIGHT_API_URL": api_url,
        "RUNWRIGHT_EXECUTION_FILE": EXECUTION_FILE,
        "RUNWRIGHT_HOME": HOME,
        "RUNWRIGHT_TLS_VERIFY": str(surroundings.tls_verify).lower(),
        "RUNWRIGHT_REQUEST_TIMEOUT": str(surroundings.request_timeout),
        "RUNWRIGHT_CANCEL_GRACE": str(surroundings.cancel_grace),
        "RUNWRIGHT_OUTAGE_TOLERANCE": str(surroundings.outage_tolerance),
        **inside,
    }


def files_for(spec: ExecutionSpec, job: DockerJob, surroundings: Surroundings) -> bytes:
    """A tar archive of what is laid into the container before it starts.

    The execution with its credential is a file, not a variable: what `docker inspect` shows is
    seen by more people, and a variable holds 128 KiB at most.
    """
    inner = msgspec.structs.replace(spec, job_configuration=job.inner())
    contents = {EXECUTION_FILE: msgspec.json.encode(inner)}
    for field in _TLS:
        path = getattr(surroundings, field)
        if path is not None:
            contents[_place_of(field)] = Path(path).read_bytes()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name.lstrip("/"))
            # Whoever the image's user is, it is theirs to read, and nobody else is in there.
            member.mode, member.size = 0o444, len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _place_of(field: str) -> str:
    return f"/run/runwright/{field}.pem"
