"""The template of pools whose workers start containers."""

from typing import Any

_SIZE = {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}], "default": None}
_TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
_TEXTS = {"type": "array", "items": {"type": "string"}, "default": []}

_VARIABLES: dict[str, dict[str, Any]] = {
    "image": _TEXT
    | {
        "title": "Image",
        "description": "What the container is made of. It holds the flow's code, its requirements "
        "and Runwright.",
    },
    "image_pull_policy": {
        "title": "When to pull",
        "description": "IfNotPresent: where the machine lacks it. Always: before each run. Never. "
        "Empty: always for the tag latest, else where it is lacking.",
        "anyOf": [
            {"type": "string", "enum": ["IfNotPresent", "Always", "Never"]},
            {"type": "null"},
        ],
        "default": None,
    },
    "registry_credentials": _TEXT
    | {
        "title": "Registry",
        "description": "Which registry of the worker's policy file to sign in to. The password "
        "stays on the worker's machine.",
    },
    "command": _TEXT
    | {
        "title": "Command",
        "description": "A program to start instead of the flow. Its exit code decides: 0 is "
        "Completed, any other Failed. No shell sees it.",
    },
    "env": {
        "title": "Environment variables",
        "description": "Set in the container.",
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "labels": {
        "title": "Labels",
        "description": "Names and values that the container is marked with.",
        "type": "object",
        "additionalProperties": {"type": "string"},
    },
    "networks": _TEXTS
    | {"title": "Networks", "description": "The engine's networks that the container joins."},
    "network_mode": _TEXT
    | {
        "title": "Network mode",
        "description": "bridge, none, or host where the worker's policy allows it.",
    },
    "volumes": _TEXTS
    | {
        "title": "Volumes",
        "description": "name:/path, or /host/path:/path where the worker's policy allows it; :ro "
        "behind for reading alone.",
    },
    "mem_limit": _SIZE
    | {"title": "Memory", "description": "The most that it may have: 512m, 2g, or bytes."},
    "memswap_limit": _SIZE
    | {
        "title": "Memory and swap",
        "description": "The most of both together; -1 is unlimited. Empty: no swap.",
    },
    "shm_size": _SIZE | {"title": "Shared memory", "description": "The size of /dev/shm."},
    "cpus": {
        "title": "Processors",
        "description": "How much of them it may use: 0.5, 2.",
        "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}],
        "default": None,
    },
    "device_requests": {
        "title": "Devices",
        "description": "As the engine's API has them; every GPU is "
        '[{"Count": -1, "Capabilities": [["gpu"]]}].',
        "type": "array",
        "items": {"type": "object"},
        "default": [],
    },
    "user": _TEXT
    | {"title": "User", "description": "user, or user:group. Empty: as the image says."},
    "working_dir": _TEXT
    | {"title": "Working directory", "description": "Empty: as the image says."},
    "auto_remove": {
        "title": "Remove when it has ended",
        "description": "Off: it stays, to be looked at, until somebody removes it.",
        "type": "boolean",
        "default": True,
    },
    "privileged": {
        "title": "Privileged",
        "description": "All rights on the machine, where the worker's policy allows it.",
        "type": "boolean",
        "default": False,
    },
}

DOCKER: dict[str, Any] = {
    "job_configuration": {name: f"{{{{ {name} }}}}" for name in _VARIABLES},
    "variables": {"type": "object", "properties": _VARIABLES},
}
