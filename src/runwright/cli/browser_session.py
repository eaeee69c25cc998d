"""`runwright session`: browsers that are signed in."""

from uuid import UUID

from cyclopts import App

from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.render import Column, Output, acted, show, when
from runwright.cli.session import session
from runwright.client.calls import keys

app = App(name="session", help="Browsers that are signed in.")


@app.command(name="ls")
def ls(*, output: Output = "table") -> None:
    """List the browsers signed in with this key; with the scope admin:keys, all of them."""
    with session() as caller:
        found = caller.call(keys.sessions())
    columns = [
        Column("KEY", lambda s: s.key_name),
        Column("SIGNED IN", lambda s: when(s.created)),
        Column("USED", lambda s: when(s.last_used_at)),
        Column("EXPIRES", lambda s: when(s.expires_at)),
        Column("ID", lambda s: s.id),
    ]
    show(found, columns, output, name=lambda s: str(s.id))


@app.command
def revoke(session_id: UUID, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Sign a browser out, within seconds."""
    if not confirm(f"Sign out session {session_id}?", yes=yes):
        return Exit.ERROR
    with session() as caller:
        caller.call(keys.end_session(session_id))
    acted("revoked", str(session_id), output)
    return Exit.OK
