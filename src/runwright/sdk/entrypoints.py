"""Where a flow is: `path/to/file.py:flow` or `package.module:flow`. Read without importing it."""

import ast
import os
from pathlib import Path
from typing import NamedTuple

from runwright.errors import FlowLoadError


class Entrypoint(NamedTuple):
    """A file or a module, and the name of a flow in it where one is given."""

    target: str
    flow: str | None
    is_file: bool

    def __str__(self) -> str:
        return self.target if self.flow is None else f"{self.target}:{self.flow}"


class FoundFlow(NamedTuple):
    """A flow as its source declares it. `name` is None where only running the file can tell."""

    function: str
    name: str | None
    line: int


def parse_entrypoint(text: str) -> Entrypoint:
    """Raises FlowLoadError when it is none."""
    target, colon, flow = text.strip().rpartition(":")
    # Without a colon, or with one of a Windows drive or a file's name, no flow is named.
    if not colon or "/" in flow or "\\" in flow or flow.endswith(".py"):
        target, flow = text.strip(), ""
    is_file = target.endswith(".py") or "/" in target or os.sep in target
    if not target or (not is_file and not all(p.isidentifier() for p in target.split("."))):
        raise FlowLoadError(
            f"{text!r} is not an entrypoint. Write path/to/file.py:flow_function, or "
            "package.module:flow_function."
        )
    return Entrypoint(target, flow or None, is_file)


def find_flows(path: Path) -> list[FoundFlow]:
    """The flows that a file declares at its top level or in classes, without running it.

    Raises:
        FlowLoadError: there is no such file, or it is not Python.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        raise FlowLoadError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (SyntaxError, ValueError) as error:
        raise FlowLoadError(f"{path} is not valid Python: {error}.") from error
    return [found for node in tree.body for found in _flows_in(node, "")]


def _flows_in(node: ast.stmt, prefix: str) -> list[FoundFlow]:
    if isinstance(node, ast.ClassDef):
        return [each for inner in node.body for each in _flows_in(inner, f"{prefix}{node.name}.")]
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        decorated_by = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", None)
        if decorated_by == "flow":
            name = _given_name(decorator, node.name)
            return [FoundFlow(prefix + node.name, name, node.lineno)]
    return []


def _given_name(decorator: ast.expr, function: str) -> str | None:
    for keyword in getattr(decorator, "keywords", []):
        if keyword.arg == "name":
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            return value if isinstance(value, str) else None
    return function.replace("_", "-")
