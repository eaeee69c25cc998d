"""What a server has, read over the interface that both kinds of servers speak."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from runwright.cli.migrating.plan import Thing
from runwright.cli.session import Caller
from runwright.client.call import join
from runwright.client.problems import FIRST_REFUSAL, refusal
from runwright.errors import ConfigurationError, NotFound

_PAGE = 200
_POOL = (
    "name",
    "type",
    "description",
    "base_job_template",
    "is_paused",
    "concurrency_limit",
)
_QUEUE = ("name", "description", "is_paused", "concurrency_limit", "priority")
_LIMIT = ("name", "limit", "active", "slot_decay_per_second")
_VARIABLE = ("name", "value", "tags")
_SCHEDULE = ("schedule", "active", "max_scheduled_runs", "parameters", "slug")
_DEPLOYMENT = (
    "name",
    "description",
    "version",
    "tags",
    "parameters",
    "parameter_openapi_schema",
    "enforce_parameter_schema",
    "path",
    "entrypoint",
    "pull_steps",
    "job_variables",
    "work_pool_name",
    "work_queue_name",
    "paused",
    "concurrency_options",
)
#: What cannot be copied: where it is counted, and why it stays.
_LEFT = (
    ("blocks", "/block_documents", "their secrets cannot be read for you: save them anew"),
    ("automations", "/automations", "they name things by ids, which are others here"),
    ("flow runs", "/flow_runs", "history stays where it was made"),
)


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Things that stay where they are."""

    what: str
    count: int
    why: str


def check_source(caller: Caller, url: str) -> str:
    """The version of a server.

    Raises:
        ConfigurationError: it is not such a server.
    """
    status, content = caller.send("GET", "/admin/version")
    if status < FIRST_REFUSAL:
        try:
            return msgspec.json.decode(content, type=str)
        except msgspec.MsgspecError:
            pass
    if status in (401, 403):
        raise refusal("GET", "/admin/version", status, content)
    raise ConfigurationError(
        f"{url} is no Prefect server: GET /admin/version answered {status}. "
        "Give the address of its API, as in http://host:4200/api."
    )


def read_things(caller: Caller, kinds: Sequence[str], *, keep_active: bool) -> list[Thing]:
    """Everything of these kinds.

    Without `keep_active`, schedules are read as if none were active: one schedule must not fire
    on two servers.
    """
    found: list[Thing] = []
    pools = list(_pages(caller, "/work_pools/filter"))
    if "work-pool" in kinds:
        found += [_thing("work-pool", each, _POOL, each["name"]) for each in pools]
    if "work-queue" in kinds:
        found += _queues(caller, pools)
    if "limit" in kinds:
        limits = _pages(caller, "/v2/concurrency_limits/filter")
        # Those of tags and of deployments belong to other things.
        found += [
            _thing("limit", each, _LIMIT, each["name"])
            for each in limits
            if not each["name"].startswith(("tag:", "deployment:"))
        ]
    if "tag-limit" in kinds:
        tags = _pages(caller, "/concurrency_limits/filter")
        found += [
            _thing("tag-limit", each, ("tag", "concurrency_limit"), each["tag"]) for each in tags
        ]
    if "variable" in kinds:
        found += [
            _thing("variable", each, _VARIABLE, each["name"])
            for each in _pages(caller, "/variables/filter")
        ]
    if "deployment" in kinds:
        found += _deployments(caller, keep_active=keep_active)
    return found


def read_left(caller: Caller) -> list[Left]:
    """What is not copied."""
    found: list[Left] = []
    for what, path, why in _LEFT:
        status, content = caller.send("POST", f"{path}/count", {})
        count = msgspec.json.decode(content, type=int) if status < FIRST_REFUSAL else 0
        if count:
            found.append(Left(what=what, count=count, why=why))
    return found


def ask(caller: Caller, method: str, path: str, body: Any = None) -> Any:
    """The JSON of an answer.

    Raises:
        ApiProblem: the server refused.
    """
    status, content = caller.send(method, path, body)
    if status >= FIRST_REFUSAL:
        raise refusal(method, path, status, content)
    return msgspec.json.decode(content) if content else None


def _pages(caller: Caller, path: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        try:
            page = ask(caller, "POST", path, {"limit": _PAGE, "offset": offset})
        except NotFound:
            return  # a server that is too old to have such things
        yield from page
        if len(page) < _PAGE:
            return
        offset += len(page)


def _queues(caller: Caller, pools: Sequence[dict[str, Any]]) -> Iterator[Thing]:
    for pool in pools:
        queues = _pages(caller, join("work_pools", pool["name"], "queues", "filter"))
        # Making one moves those behind it back, so they are made in their order.
        for queue in sorted(queues, key=lambda each: each.get("priority") or 0):
            yield _thing("work-queue", queue, _QUEUE, pool["name"], queue["name"])


def _deployments(caller: Caller, *, keep_active: bool) -> Iterator[Thing]:
    flows = {flow["id"]: flow["name"] for flow in _pages(caller, "/flows/filter")}
    for each in _pages(caller, "/deployments/filter"):
        flow = flows.get(each["flow_id"])
        if flow is None:
            continue  # deleted meanwhile
        thing = _thing("deployment", each, _DEPLOYMENT, flow, each["name"])
        limit = each.get("global_concurrency_limit") or {}
        schedules = [
            {name: schedule.get(name) for name in _SCHEDULE}
            | ({} if keep_active else {"active": False})
            for schedule in each.get("schedules") or []
        ]
        yield msgspec.structs.replace(
            thing,
            body=thing.body
            | {
                "concurrency_limit": limit.get("limit") or each.get("concurrency_limit"),
                "schedules": sorted(schedules, key=msgspec.json.encode),
            },
        )


def _thing(kind: str, found: dict[str, Any], fields: Sequence[str], *name: str) -> Thing:
    return Thing(kind=kind, name=name, body={field: found.get(field) for field in fields})
