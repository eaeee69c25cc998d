"""Where a flow's code is, as a deployment tells it to workers."""

import inspect
import sys
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec

from runwright.errors import FlowError
from runwright.sdk.git_source import GitSource, clone, looks_like_git, parse_git
from runwright.sdk.loading import extend_python_path, load_flow

if TYPE_CHECKING:
    from runwright.sdk.flows import Flow

EntrypointType = Literal["file", "module"]


class FlowSource(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker gets at a flow."""

    entrypoint: str
    #: The directory that the entrypoint is relative to; None where pull steps lead to it.
    path: str | None = None
    pull_steps: list[dict[str, Any]] | None = None


#: What `from_source` knows of the flows that it gave.
_sources: "weakref.WeakKeyDictionary[Flow[..., Any], FlowSource]" = weakref.WeakKeyDictionary()


def from_source(
    source: "str | Path | GitSource", entrypoint: str, *, python_path: Sequence[str] = ()
) -> "Flow[..., Any]":
    """The flow at `entrypoint` of a directory or a git repository, ready for `.deploy(...)`.

    A repository is cloned here to read the flow's parameters, and again by each run. Its address
    may end in `@` and a branch, a tag or a commit. `python_path`: folders of the source, relative
    to its root, whose modules the flow imports.

    Raises:
        FlowLoadError: the source, or the flow in it, cannot be had.
    """
    if isinstance(source, str) and looks_like_git(source) and not Path(source).is_dir():
        source = parse_git(source)
    if isinstance(source, GitSource):
        if urlsplit(source.url).password is not None:
            raise FlowError(
                "The address of the repository holds a password, which the control plane would "
                'store. Use GitSource(url=..., token_env="NAME"): workers read the token from '
                "that environment variable."
            )
        with tempfile.TemporaryDirectory(prefix="runwright-source-") as directory:
            root = clone(source, Path(directory))
            extend_python_path(python_path, root)
            flow = load_flow(entrypoint, path=root)
        where = FlowSource(
            entrypoint=entrypoint, pull_steps=[_clone_step(source), *_path_steps(python_path)]
        )
    else:
        directory = str(Path(source).expanduser().resolve())
        extend_python_path(python_path, Path(directory))
        flow = load_flow(entrypoint, path=directory)
        where = FlowSource(entrypoint=entrypoint, path=directory)
        if python_path:
            go = {"runwright.set_working_directory": {"directory": directory}}
            where = msgspec.structs.replace(where, pull_steps=[go, *_path_steps(python_path)])
    flow = flow.with_options()
    _sources[flow] = where
    return flow


def source_of(flow: "Flow[..., Any]", kind: EntrypointType = "file") -> FlowSource:
    """Where the flow's code is: as `from_source` said, else where its function was declared.

    Raises:
        FlowError: workers could not find it there.
    """
    known = _sources.get(flow)
    if known is not None:
        return known
    name = _name_in_module(flow)
    if kind == "module":
        if flow.__module__ == "__main__":
            raise FlowError(
                f"Flow {flow.name!r} is declared in the program that is being run, which is no "
                'module that a worker could import. Use entrypoint_type="file".'
            )
        return FlowSource(entrypoint=f"{flow.__module__}:{name}", path=str(Path.cwd()))
    file = _file_of(flow)
    base = Path.cwd() if file.is_relative_to(Path.cwd()) else file.parent
    return FlowSource(entrypoint=f"{file.relative_to(base).as_posix()}:{name}", path=str(base))


def _path_steps(folders: Sequence[str]) -> list[dict[str, Any]]:
    return [{"runwright.extend_python_path": {"folders": list(folders)}}] if folders else []


def _clone_step(source: GitSource) -> dict[str, Any]:
    inputs = {
        "repository": source.url,
        "branch": source.branch,
        "commit_sha": source.commit,
        "token_env": source.token_env,
        "include_submodules": source.submodules or None,
    }
    given = {key: value for key, value in inputs.items() if value is not None}
    return {"runwright.git_clone": given}


def _file_of(flow: "Flow[..., Any]") -> Path:
    try:
        file = inspect.getsourcefile(inspect.unwrap(getattr(flow.fn, "__func__", flow.fn)))
    except TypeError:
        file = None
    if file is None or file.startswith("<"):
        raise FlowError(
            f"Flow {flow.name!r} was not declared in a file, so no worker could load it. Put it "
            "into a .py file, or deploy with flow.from_source(...)."
        )
    return Path(file).resolve()


def _name_in_module(flow: "Flow[..., Any]") -> str:
    module = sys.modules.get(flow.__module__)
    for name, value in vars(module).items() if module is not None else ():
        if value is flow:
            return name
    if "<locals>" in flow.__qualname__:
        raise FlowError(
            f"Flow {flow.name!r} is declared inside a function, so no worker could load it. "
            "Declare it at the top level of its file."
        )
    return flow.__qualname__
