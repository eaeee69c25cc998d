"""`runwright key`."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID, uuid4

from cyclopts import App, Parameter
from msgspec import UNSET, UnsetType

from runwright.api.keys import Dependents, KeyCreate, KeyNarrow
from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.render import Column, Output, acted, note, say, show, show_one, when
from runwright.cli.session import session
from runwright.client.calls import keys
from runwright.clock import SystemClock

app = App(name="key", help="API keys.")


@app.command
def create(  # the fields of a key, by name
    name: str,
    /,
    *,
    kind: Literal["user", "worker"] = "user",
    scope: list[str] | None = None,
    pool: str | None = None,
    expires_in_days: float | None = None,
    output: Output = "table",
) -> None:
    """Create a key. Its secret is shown once.

    Parameters
    ----------
    kind
        `worker` keys can only claim and report runs of their --pool.
    scope
        What a user key may do; may be given several times. Default: everything.
    pool
        The pool that a worker key is bound to.
    """
    expiry = None
    if expires_in_days is not None:
        expiry = SystemClock().now() + timedelta(days=expires_in_days)
    wanted = KeyCreate(name=name, kind=kind, scopes=scope, work_pool_name=pool, expires_at=expiry)
    with session() as caller:
        made = caller.call(keys.create(wanted))
    if output == "table":
        note(f"created {kind} key {name}; keep it, it is not shown again:")
        say(made.secret)
    else:
        show_one(made, output, name=made.secret)


@app.command
def generate(*, kind: Literal["user", "worker"] = "user") -> None:
    """Print a key that nobody knows yet, for the file of a server's setting bootstrap_file."""
    # Late: it is the server's, and only this command makes keys itself.
    from runwright.server.keys import new_key

    say(new_key(kind, uuid4()))


@app.command(name="ls")
def ls(*, output: Output = "table") -> None:
    """List keys."""
    with session() as caller:
        found = caller.call(keys.find())
    columns = [
        Column("NAME", lambda k: k.name),
        Column("KIND", lambda k: k.kind),
        Column("POOL", lambda k: k.work_pool_name),
        Column("STATUS", lambda k: "revoked" if k.revoked_at else "good"),
        Column("EXPIRES", lambda k: when(k.expires_at)),
        Column("MADE BY", lambda k: (k.created_by or {}).get("display_value")),
        Column("USED", lambda k: when(k.last_used_at)),
        Column("ID", lambda k: k.id),
    ]
    show(found, columns, output, name=lambda k: str(k.id))


@app.command
def narrow(
    key_id: UUID,
    /,
    *,
    scope: list[str] | None = None,
    expires_in_days: float | None = None,
    made_too: Annotated[bool, Parameter(negative="")] = False,
    yes: Yes = False,
    output: Output = "table",
) -> int:
    """Let a key do less, or for a shorter time. Its browsers and streams follow within seconds.

    Parameters
    ----------
    scope
        A scope that it keeps; may be given several times. All others are taken from it.
    expires_in_days
        Days from now after which it expires, if it does not expire earlier.
    made_too
        Narrow the keys that were made with it as well.
    """
    expiry: datetime | UnsetType = UNSET
    if expires_in_days is not None:
        expiry = SystemClock().now() + timedelta(days=expires_in_days)
    change = KeyNarrow(scopes=UNSET if scope is None else scope, expires_at=expiry)
    with session() as caller:
        hanging = caller.call(keys.dependents(key_id))
        note(_in_words(hanging, made_too=made_too, is_narrowed=True))
        if not confirm(f"Narrow key {key_id}? It cannot be widened again.", yes=yes):
            return Exit.ERROR
        narrowed = caller.call(keys.narrow(key_id, change, made_too=made_too))
    if output == "table":
        until = when(narrowed.expires_at) or "never"
        note(f"It may: {', '.join(narrowed.scopes) or 'nothing'}. It expires: {until}.")
    acted("narrowed", str(key_id), output)
    return Exit.OK


@app.command
def revoke(
    key_id: UUID,
    /,
    *,
    made_too: Annotated[bool, Parameter(negative="")] = False,
    yes: Yes = False,
    output: Output = "table",
) -> int:
    """Make a key worthless, within seconds, and sign out the browsers that use it.

    Parameters
    ----------
    made_too
        Revoke the keys that were made with it as well.
    """
    with session() as caller:
        hanging = caller.call(keys.dependents(key_id))
        note(_in_words(hanging, made_too=made_too))
        if not confirm(f"Revoke key {key_id}?", yes=yes):
            return Exit.ERROR
        caller.call(keys.revoke(key_id, made_too=made_too))
    acted("revoked", str(key_id), output)
    return Exit.OK


def _in_words(hanging: Dependents, *, made_too: bool, is_narrowed: bool = False) -> str:
    follow = "may no more than it" if is_narrowed else "are signed out"
    browsers = f"Browsers signed in with it, which {follow}: {len(hanging.sessions)}."
    if not hanging.keys:
        return f"{browsers} No valid key was made with it."
    names = ", ".join(f"{key.name} ({key.id})" for key in hanging.keys)
    if is_narrowed:
        fate = "are narrowed too" if made_too else "stay as they are; --made-too narrows them"
    else:
        fate = "are revoked too" if made_too else "stay valid; --made-too revokes them"
    return f"{browsers} Keys made with it {fate}: {names}."
