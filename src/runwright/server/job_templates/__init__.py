"""The types of workers there are, and the job template a pool of each begins with."""

from typing import Any

from runwright.server.job_templates.docker import DOCKER
from runwright.server.job_templates.process import PROCESS

#: By type: what workers and forms need to know before a pool of that type exists.
WORKER_TYPES: dict[str, dict[str, Any]] = {
    "process": {
        "type": "process",
        "display_name": "Process",
        "description": "Runs each flow run in a process of its own on the worker's machine.",
        "default_base_job_configuration": PROCESS,
        "documentation_url": "",
        "logo_url": "",
        "install_command": "pip install runwright",
        "is_beta": False,
    },
    "docker": {
        "type": "docker",
        "display_name": "Docker",
        "description": "Runs each flow run in a container of its own on the worker's machine.",
        "default_base_job_configuration": DOCKER,
        "documentation_url": "",
        "logo_url": "",
        "install_command": "pip install 'runwright[docker]'",
        "is_beta": False,
    },
}


def default_template(worker_type: str) -> dict[str, Any]:
    """The template a new pool of that type gets; the empty one for a type that is not ours."""
    known = WORKER_TYPES.get(worker_type)
    return known["default_base_job_configuration"] if known else {}
