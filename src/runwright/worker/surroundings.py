"""Where the control plane is, and how an execution behaves towards it."""

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from runwright.settings import Settings


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor must know beside its execution. It holds no credential of the worker."""

    api_url: str
    #: Folder for what cannot be sent while the control plane is away.
    spool: str
    tls_ca_file: str | None = None
    tls_verify: bool = True
    tls_client_cert: str | None = None
    tls_client_key: str | None = None
    #: Seconds for one request.
    request_timeout: float = 30.0
    #: Seconds between SIGTERM and SIGKILL.
    cancel_grace: float = 30.0
    #: Seconds without the control plane after which the execution is given up.
    outage_tolerance: float = 900.0


def surroundings_of(settings: "Settings", api_url: str) -> Surroundings:
    """What supervisors are told of the worker's settings: everything but its credential."""
    return Surroundings(
        api_url=api_url,
        spool=str(settings.home / "spool" / "executions"),
        tls_ca_file=_text(settings.tls_ca_file),
        tls_verify=settings.tls_verify,
        tls_client_cert=_text(settings.tls_client_cert),
        tls_client_key=_text(settings.tls_client_key),
        request_timeout=settings.request_timeout,
        cancel_grace=settings.cancel_grace,
        outage_tolerance=settings.outage_tolerance,
    )


def _text(path: object) -> str | None:
    return None if path is None else str(path)
