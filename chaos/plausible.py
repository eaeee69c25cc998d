"""Requests that a stranger who has read the documentation would send, with everybody's ids.

They are made from the OpenAPI document: each field has a value of its type, and where it is an id
or a name, that of something that exists, mostly somebody else's.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from chaos.two_pools import Owner, instant

#: A stream that never ends.
_STREAMS = {"/api/ui/changes"}
_REPORTS = ("/journal", "/exit", "/release")
_METHODS = {"get", "post", "put", "patch", "delete"}
_NUMBERS = [0, 1, 2, 5, 50, -1, 2**31, 2**63, 2**70, 1e-7]
_TEXTS = ["", "x", "\ud800", "a\x00b", "%", "../..", "🦜" * 40, "{{ a }}", "null", "x" * 5000]
#: The part of a path, or the name of a field, and what it is about.
_KINDS = {
    "flow_runs": "flow_run", "flow_run_id": "flow_run", "parent_flow_run_id": "flow_run",
    "task_runs": "task_run", "task_run_id": "task_run", "parent_task_run_id": "task_run",
    "deployments": "deployment", "deployment_id": "deployment", "schedules": "schedule",
    "execution_id": "execution", "lease_id": "lease", "leases": "lease", "flows": "flow",
    "flow_id": "flow", "work_pools": "work_pool", "work_pool_name": "work_pool",
    "work_queues": "work_queue", "queues": "work_queue", "work_queue_name": "work_queue",
    "work_queue_id": "work_queue", "workers": "instance", "worker_name": "instance",
    "artifacts": "artifact", "variables": "variable", "automations": "automation",
    "block_documents": "block", "block_types": "block_type", "block_schemas": "block_schema",
    "block_schema_id": "block_schema", "block_type_id": "block_type", "keys": "key",
    "saved_searches": "search", "concurrency_limits": "limit", "tag": "tag_limit",
    "input": "input", "names": "lease", "slug": "block_type",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """One of them, and the operation that it is for."""

    operation: str
    method: str
    path: str
    body: Any


class Plausible:
    """Makes requests for each operation of the document, the same ones for the same seed.

    The first of the owners is who sends them, where the sender is one.
    """

    def __init__(self, document: Any, owners: list[Owner], seed: int) -> None:
        self._document = document
        self._owners = owners
        self._chance = random.Random(seed)

    def requests(self, times: int) -> Iterator[Request]:
        """So many of each operation."""
        for path, operations in self._document["paths"].items():
            for method, operation in operations.items():
                if method in _METHODS and path.startswith("/api/") and path not in _STREAMS:
                    for _ in range(times):
                        yield self._request(path.removeprefix("/api"), method.upper(), operation)

    def entries(self, many: int) -> list[dict[str, Any]]:
        """Entries of any kind about everybody's runs, none of which ends the sender's own."""
        made = []
        own = set(self._owners[0].ids["flow_run"])
        schema = self._document["components"]["schemas"]["JournalBatch"]["properties"]["entries"]
        while len(made) < many:
            owner = self._chance.choice(self._owners)
            entry = self._make(owner, schema["items"], "", 1)
            if entry["kind"] != "flow_state" or entry["flow_run_id"] not in own:
                made.append(entry)
        return made

    def _request(self, template: str, method: str, operation: Any) -> Request:
        reports = template.startswith("/flow_runs/") and template.endswith(_REPORTS)
        # Whoever ends a run of their own has no say any more, and the rest would try nothing.
        owner = self._chance.choice(self._owners[1:] if reports else self._owners)
        path = re.sub(r"\{(\w+)\}", lambda found: self._part(owner, template, found), template)
        query = [
            f"{each['name']}={self._quoted(owner, each)}"
            for each in operation.get("parameters", ())
            if each["in"] == "query" and self._chance.random() < 0.7
        ]
        body = None
        for content in operation.get("requestBody", {}).get("content", {}).values():
            body = self._make(owner, content["schema"], "", 0)
        full = path + ("?" + "&".join(query) if query else "")
        return Request(f"{method} /api{template}", method, full, body)

    def _quoted(self, owner: Owner, parameter: Any) -> str:
        made = self._make(owner, parameter["schema"], parameter["name"], 0)
        return quote(str(made), errors="replace")

    def _part(self, owner: Owner, template: str, found: re.Match[str]) -> str:
        before = template[: found.start()].strip("/").split("/")
        kind = _KINDS.get(before[-1], _KINDS.get(found[1], ""))
        as_name = kind in {"work_pool", "input"} or "name" in found[1]
        as_name = as_name or found[1] in {"tag", "slug"}
        if found[1] == "deployment_name":
            kind = "deployment"
        made = self._name(owner, kind) if as_name else self._id(owner, kind)
        return quote(made, safe="", errors="replace")

    def _id(self, owner: Owner, kind: str) -> str:
        if self._chance.random() < 0.05:
            return str(UUID(int=self._chance.getrandbits(128)))
        known = owner.ids.get(kind) or [id_ for ids in owner.ids.values() for id_ in ids]
        return self._chance.choice(known)

    def _name(self, owner: Owner, kind: str) -> str:
        if self._chance.random() < 0.05:
            return self._chance.choice(_TEXTS) or "x"
        known = owner.names.get(kind) or [name for some in owner.names.values() for name in some]
        return self._chance.choice(known)

    def _make(self, owner: Owner, schema: Any, name: str, depth: int) -> Any:
        if "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for several in ("oneOf", "anyOf"):
            if several in schema:
                chosen = self._chance.choice(schema[several])
                return self._make(owner, chosen, name, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        type_ = schema.get("type")
        if isinstance(type_, list):
            type_ = self._chance.choice(type_)
        return self._of_type(type_, owner, schema, name, depth)

    def _of_type(  # noqa: PLR0911  # a type each
        self, type_: Any, owner: Owner, schema: Any, name: str, depth: int
    ) -> Any:
        match type_:
            case "object":
                return self._object(owner, schema, depth)
            case "array":
                many = 0 if depth > 5 else self._chance.choice([0, 1, 1, 2])
                items = schema.get("items", {})
                return [self._make(owner, items, name, depth + 1) for _ in range(many)]
            case "string":
                return self._text(owner, schema, name)
            case "integer" | "number":
                if name == "token":
                    return owner.token
                return self._chance.choice(_NUMBERS[:3] * 3 + _NUMBERS)
            case "boolean":
                return self._chance.random() < 0.5
            case "null":
                return None
        return self._chance.choice([1, "x", None, {}, [], {"a": self._chance.choice(_TEXTS)}])

    def _object(self, owner: Owner, schema: Any, depth: int) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        some = 0.5 if depth < 2 else 0.25 if depth < 6 else 0.0
        made = {
            name: self._make(owner, each, name, depth + 1)
            for name, each in schema.get("properties", {}).items()
            if name in required or self._chance.random() < some
        }
        if not schema.get("properties") and depth < 6 and self._chance.random() < 0.5:
            made[self._chance.choice(["a", "env", "command", "image"])] = self._name(owner, "")
        return made

    def _text(self, owner: Owner, schema: Any, name: str) -> str:
        if schema.get("format") == "uuid":
            return self._id(owner, _KINDS.get(name, ""))
        if schema.get("format") == "date-time":
            return instant()
        if self._chance.random() < 0.7:
            return self._name(owner, _KINDS.get(name, ""))
        return self._chance.choice(_TEXTS)
