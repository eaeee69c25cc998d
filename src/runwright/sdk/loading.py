"""Loads flows from files and modules, and says plainly why when it cannot."""

import hashlib
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from runwright.core.texts import error_text
from runwright.errors import FlowLoadError
from runwright.sdk.entrypoints import Entrypoint, parse_entrypoint

if TYPE_CHECKING:
    from runwright.sdk.flows import Flow

#: Folders in which modules are found beside the installed packages: asked for, and in all.
_asked_for: list[str] = []
_looked_in: list[str] = []

#: Lines of a traceback in a message.
_TRACEBACK_FRAMES = 5


def load_flow(entrypoint: str, *, path: str | Path | None = None) -> "Flow[..., Any]":
    """The flow at `entrypoint`, whose file is relative to `path` (default: where we are).

    Raises:
        FlowLoadError: no such file, module or flow; several flows and none named; or the user's
            own code failed while it was imported, in which case its last frames are told.
    """
    where = parse_entrypoint(entrypoint)
    base = Path(path or ".").absolute()
    if str(base) not in sys.path:
        sys.path.append(str(base))  # last, so that it hides no installed package
    _looked_in.clear()
    _looked_in.extend(dict.fromkeys([*_asked_for, str(base)]))
    module = _load_file(where, base) if where.is_file else _load_module(where, base)
    return _pick_flow(module, where)


def extend_python_path(folders: Sequence[str], root: Path) -> None:
    """Have modules in `folders`, relative to `root`, found before all others.

    Raises:
        FlowLoadError: there is no such folder.
    """
    for folder in reversed(folders):
        place = (root / folder).resolve()
        if not place.is_dir():
            raise FlowLoadError(
                f"There is no folder {folder!r} in {root}, which python_path names. Folders are "
                "relative to the root of the source."
            )
        _put_first(place)
        if str(place) not in _asked_for:
            _asked_for.insert(0, str(place))


def _load_file(where: Entrypoint, base: Path) -> ModuleType:
    file = (base / where.target).resolve()
    if not file.is_file():
        relative = "" if Path(where.target).is_absolute() else f" (looked from {base})"
        raise FlowLoadError(
            f"There is no file {file}{relative}. Check the entrypoint {str(where)!r}, and that the "
            "deployment's path or pull steps bring the code to this machine."
        )
    root, package = _package_of(file)
    _put_first(root)
    if not package:
        return _execute(file, _free_name(file), where)
    if file.stem == "__init__":
        return _import(package, root, where)
    if "." not in file.stem:
        return _import(f"{package}.{file.stem}", root, where)
    # The import system would look for `etl.v2` inside of a package `etl`.
    _import(package, root, where)
    name = f"{package}.{_without_dots(file.stem)}"
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(file):
        return known
    return _execute(file, name if known is None else f"{name}_{_digest(file)}", where)


def _load_module(where: Entrypoint, base: Path) -> ModuleType:
    return _import(where.target, base, where)


def _import(name: str, root: Path, where: Entrypoint) -> ModuleType:
    _put_first(root)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise FlowLoadError(
                f"There is no module {name!r} (looked in {root} and the installed packages). "
                f"Check the entrypoint {str(where)!r}."
            ) from error
        raise _failed(where, error) from error
    except (Exception, SystemExit) as error:
        raise _failed(where, error) from error


def _free_name(file: Path) -> str:
    """A module name for a lone file: its own, so that its classes can be pickled."""
    name = _without_dots(file.stem)
    return f"{name}_{_digest(file)}" if _is_taken(name, file) else name


def _without_dots(stem: str) -> str:
    return stem.replace(".", "_")


def _digest(file: Path) -> str:
    return hashlib.sha256(os.fsencode(file)).hexdigest()[:8]


def _execute(file: Path, name: str, where: Entrypoint) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise FlowLoadError(f"{file} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise _failed(where, error) from error
    return module


def _is_taken(name: str, file: Path) -> bool:
    """Whether the name stands for another module, loaded or not."""
    known = sys.modules.get(name)
    if known is not None:
        origin = getattr(known, "__file__", None)
    else:
        found = importlib.util.find_spec(name)
        origin = str(file) if found is None else found.origin
    return origin is None or Path(origin).resolve() != file


def _package_of(file: Path) -> tuple[Path, str]:
    """The directory above a file's package, and the package's dotted name, empty without one.

    Relative imports in the file need the package.
    """
    names: list[str] = []
    directory = file.parent
    while (directory / "__init__.py").is_file() and directory.name.isidentifier():
        names.insert(0, directory.name)
        directory = directory.parent
    return directory, ".".join(names)


def _put_first(directory: Path) -> None:
    text = str(directory)
    if text not in _looked_in:
        _looked_in.insert(0, text)
    if text not in sys.path:
        sys.path.insert(0, text)


def _failed(where: Entrypoint, error: BaseException) -> FlowLoadError:
    """Tell an error in the user's code by its own last frames, not by ours."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen")
        and frame.filename != __file__
        # The import system's own frames are of no use to anybody.
        and "/importlib/" not in frame.filename.replace("\\", "/")
    ]
    told = "".join(traceback.format_list(frames[-_TRACEBACK_FRAMES:]))
    said = _said(error)
    if isinstance(error, ModuleNotFoundError):
        said += (
            f". Looked in {', '.join(_looked_in)}, and the installed packages. Another folder of "
            "the source is added by --python-path of `runwright deploy`, or python_path= of "
            "from_source; a package has to be installed where the worker runs."
        )
    return FlowLoadError(f"Importing {where.target} failed:\n{told}{said}")


def _said(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception_only(error)).rstrip()
    except Exception:  # noqa: BLE001  # the error is of a user's class
        return error_text(error)


def _pick_flow(module: ModuleType, where: Entrypoint) -> "Flow[..., Any]":
    # Late: a flow's module imports this one's neighbours.
    from runwright.sdk.flows import Flow

    found = {name: value for name, value in vars(module).items() if isinstance(value, Flow)}
    if where.flow is None:
        distinct = {id(value): value for value in found.values()}
        if len(distinct) == 1:
            return next(iter(distinct.values()))
        raise FlowLoadError(_unclear(found, where))
    value: Any = module
    for part in where.flow.split("."):
        value = getattr(value, part, None)
    if isinstance(value, Flow):
        return value
    named = [flow for flow in found.values() if flow.name == where.flow]
    if named:
        return named[0]
    if value is not None:
        raise FlowLoadError(
            f"{where.flow!r} in {where.target} is a {type(value).__name__}, not a flow. "
            "Is its @flow decorator missing?"
        )
    raise FlowLoadError(
        f"There is no flow {where.flow!r} in {where.target}. {_listing(found, where)}"
    )


def _unclear(found: dict[str, Any], where: Entrypoint) -> str:
    if not found:
        return f"There is no flow in {where.target}: no function there has the @flow decorator."
    return f"There are several flows in {where.target} and none is named. {_listing(found, where)}"


def _listing(found: dict[str, Any], where: Entrypoint) -> str:
    if not found:
        return "There is no flow at all: no function there has the @flow decorator."
    return "There are: " + ", ".join(f"{where.target}:{name}" for name in sorted(found)) + "."
