"""`runwright key`."""

from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid4

from cyclopts import App

from runwright.api.keys import KeyCreate
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
        Column("USED", lambda k: when(k.last_used_at)),
        Column("ID", lambda k: k.id),
    ]
    show(found, columns, output, name=lambda k: str(k.id))


@app.command
def revoke(key_id: UUID, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Make a key worthless, within seconds."""
    if not confirm(f"Revoke key {key_id}?", yes=yes):
        return Exit.ERROR
    with session() as caller:
        caller.call(keys.revoke(key_id))
    acted("revoked", str(key_id), output)
    return Exit.OK
