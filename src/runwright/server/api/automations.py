"""`/automations`, and `/templates/validate` for the messages in them."""

from typing import Any

from litestar import Response, Router, delete, get, patch, post, put
from litestar.params import JSONBody

from runwright.api.automations import (
    Automation,
    AutomationCreate,
    AutomationEnabled,
    AutomationUpdate,
    Firing,
    FiringQuery,
    UnjudgedEvent,
)
from runwright.api.filters import AutomationFilters, AutomationQuery
from runwright.api.limits import Template
from runwright.server.injected import Asker, PathId, PathName, Wired
from runwright.server.pages import many
from runwright.server.problems import Missing
from runwright.server.templates import InvalidTemplate, check_template, off_the_loop, refuse_long
from runwright.server.use_cases.enable_automation import begin_anew, enable_automation
from runwright.server.use_cases.job_overrides import may_override
from runwright.server.use_cases.save_automation import automation_values, is_same
from runwright.storage.automations import (
    AUTOMATIONS,
    add_automation,
    change_automation,
    related_to,
    remove_automation,
    remove_owned,
)
from runwright.storage.engine import Transaction
from runwright.storage.event_queue import unjudged
from runwright.storage.firings import firings_of
from runwright.storage.queries import count, read_one

_MOST_UNJUDGED = 200


@post("/", status_code=201)
async def create(data: JSONBody[AutomationCreate], wiring: Wired, principal: Asker) -> Automation:
    """A new automation."""
    values = await off_the_loop(
        automation_values, data, wiring.new_id, may_override=may_override(principal)
    )

    def use_case(tx: Transaction) -> Automation:
        id_ = wiring.new_id()
        add_automation(tx, id_, values | {"owner_resource": data.owner_resource})
        begin_anew(tx, id_, values["trigger"], enabled=values["enabled"])
        made = read_one(tx, AUTOMATIONS, id_)
        assert made is not None  # noqa: S101  # made in this transaction
        return made

    return await wiring.storage.write(use_case)


@get("/{automation_id:uuid}")
async def read(automation_id: PathId, wiring: Wired) -> Automation:
    """One automation."""
    found = await wiring.storage.read(lambda tx: read_one(tx, AUTOMATIONS, automation_id))
    if found is None:
        raise _missing(automation_id)
    return found


@put("/{automation_id:uuid}", status_code=204)
async def replace(
    automation_id: PathId, data: JSONBody[AutomationUpdate], wiring: Wired, principal: Asker
) -> None:
    """Put another automation in its place. Who owns it stays; the same one changes nothing."""
    values = await off_the_loop(
        automation_values, data, wiring.new_id, may_override=may_override(principal)
    )

    def use_case(tx: Transaction) -> bool:
        before = read_one(tx, AUTOMATIONS, automation_id)
        if before is not None and is_same(before, values):
            return True
        if not change_automation(tx, automation_id, values):
            return False
        begin_anew(tx, automation_id, values["trigger"], enabled=values["enabled"])
        return True

    if not await wiring.storage.write(use_case):
        raise _missing(automation_id)


@patch("/{automation_id:uuid}", status_code=204)
async def enable(automation_id: PathId, data: JSONBody[AutomationEnabled], wiring: Wired) -> None:
    """Enable an automation, or disable it."""
    if not await wiring.storage.write(
        lambda tx: enable_automation(tx, automation_id, enabled=data.enabled)
    ):
        raise _missing(automation_id)


@delete("/{automation_id:uuid}")
async def remove(automation_id: PathId, wiring: Wired) -> None:
    """Delete an automation."""
    if not await wiring.storage.write(lambda tx: remove_automation(tx, automation_id)):
        raise _missing(automation_id)


@post("/filter", status_code=200)
async def filtered(data: JSONBody[AutomationQuery], wiring: Wired) -> Response[list[Automation]]:
    """Automations that meet the filters, by name."""
    return await many(wiring, AUTOMATIONS, data)


@post("/count", status_code=200)
async def counted(data: JSONBody[AutomationFilters], wiring: Wired) -> int:
    """How many automations meet the filters."""
    return await wiring.storage.read(lambda tx: count(tx, AUTOMATIONS, data))


@get("/related-to/{resource_id:str}")
async def related(resource_id: PathName, wiring: Wired) -> list[Automation]:
    """Those that a resource owns, that wait for its events, or that act on it."""
    return await wiring.storage.read(lambda tx: related_to(tx, resource_id))


@post("/{automation_id:uuid}/firings/filter", status_code=200)
async def firings(
    automation_id: PathId, data: JSONBody[FiringQuery], wiring: Wired
) -> list[Firing]:
    """What it has done, and what came of each of its actions; the latest first."""

    def query(tx: Transaction) -> list[Firing] | None:
        if read_one(tx, AUTOMATIONS, automation_id) is None:
            return None
        return firings_of(tx, automation_id, data.limit, data.offset)

    found = await wiring.storage.read(query)
    if found is None:
        raise _missing(automation_id)
    return found


@get("/unjudged_events")
async def unjudged_events(wiring: Wired) -> list[UnjudgedEvent]:
    """Events that automations could not be held against, the latest first; 200 at most."""
    found = await wiring.storage.read(lambda tx: unjudged(tx, _MOST_UNJUDGED))
    return [UnjudgedEvent(event_id=id_, error=error) for id_, error in found]


@delete("/owned-by/{resource_id:str}", status_code=202)
async def remove_owned_by(resource_id: PathName, wiring: Wired) -> None:
    """Delete those that a resource owns."""
    await wiring.storage.write(lambda tx: remove_owned(tx, resource_id))


@post("/automations/templates/validate", status_code=200)
async def validate_in_automation(data: JSONBody[Template]) -> Response[Any]:
    """The same as `/templates/validate`."""
    return await _checked(data)


@post("/templates/validate", status_code=200)
async def validate(data: JSONBody[Template]) -> Response[Any]:
    """Nothing (204) for a template that can be read; else where it cannot (422)."""
    return await _checked(data)


async def _checked(text: str) -> Response[Any]:
    refuse_long([text])
    try:
        await off_the_loop(check_template, text)
    except InvalidTemplate as error:
        about = {"line": error.line, "message": error.message, "source": error.source}
        return Response({"error": about}, status_code=422)
    return Response(None, status_code=204)


def _missing(automation_id: PathId) -> Missing:
    return Missing(f"There is no automation {automation_id}.")


router = Router(
    path="/",
    route_handlers=[
        Router(
            path="/automations",
            route_handlers=[
                create,
                read,
                replace,
                enable,
                remove,
                filtered,
                counted,
                related,
                firings,
                unjudged_events,
                remove_owned_by,
            ],
        ),
        validate_in_automation,
        validate,
    ],
)
