"""Keys: how they look, how they are kept, and what each kind may do.

A key is `rwk_<kind>_<12 characters of its id>_<43 characters of secret>`. The secret is 256 random
bits, so its SHA-256 is all that needs to be kept. The credential of an execution is
`rwx_<run id>_<43 characters>`, kept the same way in the row of its run. A session is a key that a
browser holds in a cookie; a sign-in link makes one, once, with a secret `rws_<43 characters>`.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

ALL_SCOPES = frozenset(
    {
        "flows:read",
        "flows:write",
        "runs:read",
        "runs:create",
        "runs:write",
        "runs:delete",
        "runs:report",
        "runs:infrastructure",
        "deployments:read",
        "deployments:write",
        "pools:read",
        "pools:write",
        "pools:poll",
        "logs:read",
        "logs:write",
        "events:read",
        "events:write",
        "artifacts:read",
        "artifacts:write",
        "variables:read",
        "variables:write",
        "automations:read",
        "automations:write",
        "blocks:read",
        "blocks:write",
        "blocks:secrets",
        "limits:use",
        "limits:write",
        "admin:keys",
        "admin:settings",
    }
)
#: What supervisors say of their executions.
REPORT = "runs:report"
#: To say by a run what its worker executes: its job variables, and its work pool.
INFRASTRUCTURE = "runs:infrastructure"
#: What a worker's key may do, and that for its own pool alone.
WORKER_SCOPES = frozenset({"pools:poll", REPORT})
#: What nobody can be granted: routes that the code of a flow may use, as far as its run goes.
EXECUTION = "execution"
#: What the code of a flow may ask of the control plane, beside reporting about its own run.
EXECUTION_SCOPES = frozenset({REPORT, EXECUTION, "variables:read", "variables:write", "limits:use"})

_ID_LENGTH = 12
_KEY = re.compile(r"rwk_(user|worker|session)_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_CREDENTIAL = re.compile(r"rwx_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
_SIGN_IN = re.compile(r"rws_[A-Za-z0-9_-]{43}")
#: What an execution may do whose claim is over: its reports are held to their token, and late lines
#: kept apart.
LATE_SCOPES = frozenset({REPORT})


@dataclass(frozen=True)
class Principal:
    """Who asks, and what they may do."""

    name: str
    kind: str
    scopes: frozenset[str]
    key_id: UUID | None = None
    #: The key that a session hangs on.
    parent_id: UUID | None = None
    #: A worker's key speaks for this pool alone.
    work_pool_id: UUID | None = None
    #: An execution's credential speaks for this run alone.
    flow_run_id: UUID | None = None

    @property
    def owner_id(self) -> UUID | None:
        """The key that is responsible: its own, or the one that the session hangs on."""
        return self.parent_id or self.key_id

    @property
    def holder(self) -> str | None:
        """Who shares what is scarce with others: a key, or the run of an execution."""
        id_ = self.flow_run_id or self.owner_id
        return None if id_ is None else str(id_)


#: The user of the machine itself, when the control plane is embedded in the command line.
LOCAL_ADMIN = Principal(name="local", kind="user", scopes=ALL_SCOPES)


def creator(principal: Principal) -> dict[str, Any]:
    """Who made or changed something, as it is kept."""
    id_ = principal.flow_run_id or principal.owner_id
    return {
        "id": None if id_ is None else str(id_),
        "type": principal.kind.upper(),
        "display_value": principal.name,
    }


def hash_secret(secret: str) -> str:
    """What is kept of a key or credential."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_key(kind: str, key_id: UUID) -> str:
    """A new key of that id, with a secret of 256 random bits."""
    return f"rwk_{kind}_{key_id.hex[-_ID_LENGTH:]}_{secrets.token_urlsafe(32)}"


def new_sign_in_token() -> str:
    """The secret of a sign-in link: 256 random bits."""
    return f"rws_{secrets.token_urlsafe(32)}"


def is_sign_in_token(text: str) -> bool:
    """Whether the text has the form of a sign-in link's secret."""
    return _SIGN_IN.fullmatch(text) is not None


def with_its_id(key: str, base: UUID) -> UUID:
    """The id of a key that was made elsewhere: `base`, but for the part that the key shows."""
    shown = _KEY.fullmatch(key)
    return UUID(base.hex[:-_ID_LENGTH] + shown[2]) if shown else base


def is_key(text: str) -> bool:
    """Whether the text has the form of a key."""
    return _KEY.fullmatch(text) is not None


def run_of_credential(text: str) -> UUID | None:
    """The run whose credential this claims to be."""
    match = _CREDENTIAL.fullmatch(text)
    return UUID(match[1]) if match else None
