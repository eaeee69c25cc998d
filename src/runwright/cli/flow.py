"""`runwright flow`."""

from cyclopts import App

from runwright.cli.render import Column, Output, show, when
from runwright.cli.session import session
from runwright.client.calls import flows

app = App(name="flow", help="Flows.")


@app.command(name="ls")
def ls(*, limit: int = 200, output: Output = "table") -> None:
    """List flows."""
    with session() as caller:
        found = caller.call(flows.find(limit=limit))
    columns = [
        Column("NAME", lambda f: f.name),
        Column("ID", lambda f: f.id),
        Column("CREATED", lambda f: when(f.created)),
    ]
    show(found, columns, output, name=lambda f: f.name)
