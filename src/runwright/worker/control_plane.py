"""One connection of the execution plane to the control plane."""

from typing import Any, Protocol

from runwright.client.http import Client, Target
from runwright.worker.surroundings import Surroundings


class ControlPlane(Protocol):
    """Sends requests below the API's root, as one key."""

    async def send(
        self, method: str, path: str, body: Any = None, *, patience: float = 0.0
    ) -> tuple[int, bytes]:
        """Status and body of the answer, whatever it says; see `Client.send`.

        Raises:
            ServerUnreachable: there was no answer.
        """
        ...


def connect(surroundings: Surroundings, key: str | None) -> Client:
    """A connection to the control plane of `surroundings`, as the holder of `key`.

    Raises:
        ConfigurationError: on entering, a file of the TLS settings cannot be used.
    """
    return Client(
        Target(
            url=surroundings.api_url,
            key=key,
            tls_ca_file=surroundings.tls_ca_file,
            tls_verify=surroundings.tls_verify,
            tls_client_cert=surroundings.tls_client_cert,
            tls_client_key=surroundings.tls_client_key,
            request_timeout=surroundings.request_timeout,
        )
    )
