"""The template of pools whose workers start processes."""

from typing import Any

PROCESS: dict[str, Any] = {
    "job_configuration": {
        "command": "{{ command }}",
        "env": "{{ env }}",
        "labels": "{{ labels }}",
        "name": "{{ name }}",
        "preload": "{{ preload }}",
        "python": "{{ python }}",
        "start_method": "{{ start_method }}",
        "stream_output": "{{ stream_output }}",
        "working_dir": "{{ working_dir }}",
    },
    "variables": {
        "type": "object",
        "properties": {
            "name": {
                "title": "Name",
                "description": "What the process of a run is called. Empty: the run's name.",
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "default": None,
            },
            "env": {
                "title": "Environment variables",
                "description": "Added to the worker's own environment; null takes one away.",
                "type": "object",
                "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
            "labels": {
                "title": "Labels",
                "description": "Names and values that the run's process is marked with.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
            "command": {
                "title": "Command",
                "description": "A program to start instead of the flow. Its exit code decides: "
                "0 is Completed, any other Failed. No shell sees it.",
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "default": None,
            },
            "python": {
                "title": "Python",
                "description": "Another interpreter than the worker's, such as that of a virtual "
                "environment; it needs Runwright installed.",
                "anyOf": [{"type": "string", "format": "path"}, {"type": "null"}],
                "default": None,
            },
            "start_method": {
                "title": "Start method",
                "description": "fork: from a warm interpreter, in milliseconds. spawn: an "
                "interpreter started for the run, for libraries that do not bear a fork.",
                "type": "string",
                "enum": ["fork", "spawn"],
                "default": "fork",
            },
            "preload": {
                "title": "Modules to preload",
                "description": "Imported once by the worker, so that its runs need not. They "
                "must start no threads when they are imported.",
                "type": "array",
                "items": {"type": "string"},
                "default": [],
            },
            "stream_output": {
                "title": "Show output",
                "description": "Show what runs print on the output of their worker.",
                "type": "boolean",
                "default": True,
            },
            "working_dir": {
                "title": "Working directory",
                "description": "Where runs start. Empty: where their worker was started, or "
                "a directory made for the run where its code is pulled.",
                "anyOf": [{"type": "string", "format": "path"}, {"type": "null"}],
                "default": None,
            },
        },
    },
}
