"""What brings a deployment's code to where it runs, step by step.

A step is `{name: {inputs}}`. Its outputs can be used by later ones as `{{ id.output }}`.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runwright.errors import FlowLoadError
from runwright.sdk.git_source import GitSource, clone
from runwright.sdk.loading import extend_python_path

_REFERENCE = re.compile(r"\{\{\s*([\w-]+)\.([\w-]+)\s*\}\}")


def run_pull_steps(steps: list[dict[str, Any]]) -> None:
    """Run the steps in order. The process ends up in the directory that they lead to.

    Raises:
        FlowLoadError: a step is unknown, is misspelt, or failed.
    """
    outputs: dict[str, dict[str, Any]] = {}
    for step in steps:
        name, inputs = _parse(step)
        run = _STEPS.get(name)
        if run is None:
            known = ", ".join(sorted(each for each in _STEPS if each.startswith("runwright.")))
            raise FlowLoadError(
                f"There is no pull step {name!r}. Known: {known}. Other steps run user code of the "
                "deployment's choosing, which workers do not do."
            )
        given = {key: _filled(value, outputs) for key, value in inputs.items()}
        identity = given.pop("id", None) or name.rpartition(".")[2]
        given.pop("requires", None)
        try:
            outputs[identity] = run(**given)
        except TypeError as error:
            raise FlowLoadError(f"The inputs of pull step {name!r} do not fit: {error}.") from error


def _parse(step: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if len(step) != 1 or not isinstance(next(iter(step.values())), dict | None):
        raise FlowLoadError(f"A pull step is one name with its inputs; this is not: {step!r}.")
    ((name, inputs),) = step.items()
    return name, dict(inputs or {})


def _filled(value: Any, outputs: dict[str, dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, outputs) for key, each in value.items()}
    if not isinstance(value, str):
        return value

    def output(match: re.Match[str]) -> str:
        try:
            return str(outputs[match[1]][match[2]])
        except KeyError:
            raise FlowLoadError(
                f"{match[0]} in a pull step refers to no output of an earlier step."
            ) from None

    return _REFERENCE.sub(output, value)


def set_working_directory(directory: str) -> dict[str, Any]:
    """Go to a directory."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise FlowLoadError(
            f"Cannot go to the directory {directory!r} on this machine: {error.strerror}."
        ) from error
    return {"directory": directory}


def git_clone(  # the inputs of a step, by name
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    token_env: str | None = None,
    include_submodules: bool = False,
    clone_directory_name: str | None = None,
) -> dict[str, Any]:
    """Clone a repository below the present directory, and go there."""
    source = GitSource(
        url=repository,
        branch=branch,
        commit=commit_sha,
        token_env=token_env,
        submodules=include_submodules,
    )
    directory = clone(source, Path.cwd() / (clone_directory_name or source.directory_name))
    os.chdir(directory)
    return {"directory": str(directory)}


def add_folders(folders: list[str]) -> dict[str, Any]:
    """Have modules in these folders found, which are relative to the present directory."""
    extend_python_path(folders, Path.cwd())
    return {}


_STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "runwright.git_clone": git_clone,
    "runwright.set_working_directory": set_working_directory,
    "runwright.extend_python_path": add_folders,
    # Deployments made by the peer's tools name the same two so.
    "prefect.deployments.steps.git_clone": git_clone,
    "prefect.deployments.steps.set_working_directory": set_working_directory,
}
