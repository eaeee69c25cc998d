"""`runwright migrate`."""

from typing import Annotated

from cyclopts import Parameter

from runwright.cli.exit_codes import Exit
from runwright.cli.migrating.doing import carry_out, shown
from runwright.cli.migrating.plan import KINDS, Kind, plan
from runwright.cli.migrating.reading import check_source, read_left, read_things
from runwright.cli.render import Column, Output, note, show
from runwright.cli.session import session


def migrate(  # noqa: PLR0913  # each is an option
    *,
    source: Annotated[str, Parameter(name="--from")],
    auth: Annotated[str | None, Parameter(name="--from-auth")] = None,
    key: Annotated[str | None, Parameter(name="--from-key")] = None,
    only: list[Kind] | None = None,
    apply: bool = False,
    overwrite: bool = False,
    keep_active: bool = False,
    output: Output = "table",
) -> int:
    """Copy what a Prefect server has: pools, queues, limits, variables, deployments.

    Without --apply nothing is changed: it shows what would be. Doing it again changes nothing.

    Parameters
    ----------
    source
        The address of its API, as in http://host:4200/api.
    auth
        NAME:PASSWORD, where it asks for them (its PREFECT_API_AUTH_STRING).
    key
        An API key, where it asks for one.
    only
        Kinds of things to copy; may be given several times. Default: all.
    apply
        Do it.
    overwrite
        Change things that are here already and differ.
    keep_active
        Copy active schedules as active. Otherwise they come inactive, so that no schedule fires on
        both servers: `runwright deployment schedule resume` activates one.
    """
    # Late: the HTTP client takes 0.1 s to load, and `--help` does not need it.
    from runwright.client.blocking import BlockingClient
    from runwright.client.http import Client, Target

    kinds = tuple(only or KINDS)
    with (
        BlockingClient(Client(Target(url=source, key=key, basic_auth=auth))) as there,
        session() as here,
    ):
        version = check_source(there, source)
        wanted = read_things(there, kinds, keep_active=keep_active)
        steps = plan(wanted, read_things(here, kinds, keep_active=keep_active), overwrite=overwrite)
        rows = [carry_out(here, step) if apply else shown(step) for step in steps]
        left = read_left(there)
    columns = [
        Column("KIND", lambda row: row.kind),
        Column("NAME", lambda row: row.name),
        Column("ACTION", lambda row: row.action),
        Column("DETAIL", lambda row: row.detail),
    ]
    show(rows, columns, output, name=lambda row: f"{row.kind} {row.name}")
    for each in left:
        note(f"not copied: {each.count} {each.what} ({each.why})")
    if not apply:
        note(f"{source} has version {version}. Nothing was changed: --apply does it.")
    return Exit.REFUSED if any(row.action == "failed" for row in rows) else Exit.OK
