"""Who may say by a single run what its worker executes."""

from collections.abc import Iterable, Mapping
from typing import Any

from runwright.core.job_overrides import overridden, refused
from runwright.core.texts import listed
from runwright.server.keys import INFRASTRUCTURE, Principal
from runwright.server.problems import Denied

CODE = "job_variables_not_allowed"


def may_override(principal: Principal) -> bool:
    """Whether runs of this asker may set any job variable, and go to any pool."""
    return INFRASTRUCTURE in principal.scopes


def refuse_overrides(
    variables: Mapping[str, Any] | None, allowed: Iterable[str], *, what: str = "its deployment"
) -> None:
    """Refuse job variables that neither the scope nor the deployment allows.

    Raises:
        Denied: code `job_variables_not_allowed`; names them.
    """
    names = refused(overridden(variables), allowed)
    if names:
        raise Denied(
            f"The job variables {listed(names)} say what a worker executes, and {what} "
            f"does not let a run set them. Set them in the deployment, name them in its "
            f"overridable_job_variables, or use a key with the scope {INFRASTRUCTURE}.",
            status=403,
            code=CODE,
        )


def refuse_placing(pool_name: str) -> None:
    """Refuse to send a run to a pool that its deployment does not send it to.

    Raises:
        Denied: code `job_variables_not_allowed`.
    """
    raise Denied(
        f"Runs go to the work pool of their deployment. To send one to {pool_name!r} takes a key "
        f"with the scope {INFRASTRUCTURE}.",
        status=403,
        code=CODE,
    )
