"""Write down the fields of the peer's answers, to hold ours against them.

    python tools/peer_fields.py OPENAPI_JSON [tests/api/prefect_fields.json]

Names and types alone, so that a test can tell whether an answer of ours is one that the peer's
clients can read.
"""

import json
import sys
from pathlib import Path
from typing import Any

_WANTED = (
    "Artifact", "BlockSchema", "BlockType", "CreatedBy", "DeploymentResponse",
    "DeploymentSchedule", "Flow", "FlowRunPaginationResponse", "FlowRunPolicy", "FlowRunResponse",
    "HistoryResponse", "HistoryResponseState", "Log", "OrchestrationResult", "State",
    "StateDetails", "TaskRun", "TaskRunPolicy", "Variable", "WorkPoolResponse",
    "WorkQueueResponse", "WorkerFlowRunResponse", "WorkerResponse",
)  # fmt: skip
_SCALARS = {"string", "integer", "number", "boolean", "null"}


def main(source: str, target: str = "tests/api/prefect_fields.json") -> None:
    """Read the peer's interface, write the fields."""
    schemas = json.loads(Path(source).read_text())["components"]["schemas"]
    fields = {name: _fields(schemas, schemas[name]) for name in _WANTED}
    Path(target).write_text(_one_line_a_field(fields))


def _one_line_a_field(fields: dict[str, dict[str, Any]]) -> str:
    parts = [
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(f" {json.dumps(field)}: {json.dumps(kind)}" for field, kind in each.items())
        + "\n}"
        for name, each in fields.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _fields(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    return {
        name: _kind(schemas, field) | ({"required": True} if name in required else {})
        for name, field in schema["properties"].items()
    }


def _kind(schemas: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    """The JSON types that a field may have, and the format of its text."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        if name in _WANTED:
            return {"types": ["object"], "is": name}
        return _kind(schemas, schemas[name])
    parts = field.get("anyOf") or field.get("oneOf") or field.get("allOf")
    if parts:
        kinds = [_kind(schemas, part) for part in parts]
        found: dict[str, Any] = {}
        for kind in kinds:
            found |= kind
        return found | {"types": sorted({each for kind in kinds for each in kind["types"]})}
    kind = field.get("type")
    if kind is None:
        return {"types": sorted({"array", "object", *_SCALARS})}
    found = {"types": [kind]}
    if field.get("format") in {"uuid", "date-time"}:
        found["format"] = field["format"]
    if kind == "array" and "$ref" in field.get("items", {}):
        name = field["items"]["$ref"].rpartition("/")[2]
        found |= {"of": name} if name in _WANTED else {}
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
