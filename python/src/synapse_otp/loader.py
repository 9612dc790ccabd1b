"""Runs in the worker: turns an entry such as "agents/example_agent.py:agent" into the Agent that it names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from .entry_file import load_file
from .load_failure import RAISED, LoadFailure
from .passing import came_from_outside

if TYPE_CHECKING:
    from pydantic_ai.agent import AbstractAgent

__all__ = ["load_agent", "load_deps_factory"]


def load_agent(entry: str) -> AbstractAgent[Any, Any]:
    """Imports the entry's module and returns the Agent that its attribute holds.

    The working directory is put on `sys.path` (as `python -m` does), and a file's own folder (as `python file.py` does).

    Args:
        entry: "path/to/file.py:attribute", relative to the working directory, or "package.module:attribute".

    Raises:
        LoadFailure: If there is no such module, it raised, or the attribute is missing or no Agent.
    """
    module, attribute = _import_entry(entry, _import_file)
    return _agent_of(entry, module, attribute)


def load_deps_factory(entry: str) -> Callable[..., Any]:
    """Imports the function that makes the dependencies of runs. A file that is a module already, such as the agent's, is not run again.

    Args:
        entry: As of an agent; the attribute is a function.

    Raises:
        LoadFailure: As of an agent.
    """
    arguments = list(sys.argv)
    try:
        module, attribute = _import_entry(entry, _import_beside)
        found = getattr(module, attribute, None)
        if found is None:
            raise LoadFailure("attribute_missing", f'entry "{entry}": the module has no attribute "{attribute}"')
        if not callable(found):
            raise LoadFailure("attribute_missing", f'entry "{entry}": "{attribute}" is of type {type(found).__qualname__}, not a function')
    except LoadFailure as failure:
        raise failure.about("deps") from failure.__cause__
    finally:
        sys.argv[:] = arguments
    return cast("Callable[..., Any]", found)


def _import_entry(entry: str, import_file: Callable[[str, Path], ModuleType]) -> tuple[ModuleType, str]:
    target, _, attribute = entry.rpartition(":")
    if not target or not attribute:
        raise LoadFailure("attribute_missing", f'entry "{entry}" names no attribute; write it as "file.py:agent" or "module:agent"')
    try:
        cwd = str(Path.cwd())
    except OSError as error:
        raise LoadFailure("module_missing", f'entry "{entry}": the working directory is gone: {RAISED}', error) from error
    if cwd not in sys.path and "" not in sys.path:
        sys.path.insert(0, cwd)
    by_file = target.endswith(".py") or "/" in target
    return import_file(entry, Path(target)) if by_file else _import_module(entry, target), attribute


def _import_beside(entry: str, path: Path) -> ModuleType:
    real = path.resolve()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and Path(file).name == real.name and Path(file).resolve() == real:
            return module
    return _import_file(entry, path)


def _import_file(entry: str, path: Path) -> ModuleType:
    absolute = path.absolute()
    if absolute.is_dir():
        raise LoadFailure("module_missing", f'entry "{entry}": "{absolute}" is a folder; name the file in it')
    if not absolute.is_file():
        raise LoadFailure("module_missing", f'entry "{entry}": there is no file "{absolute}"; paths are relative to the agent\'s cwd')
    try:
        module = load_file(absolute)
    except BaseException as error:
        raise _failed(entry, error) from error
    if module is None:
        raise LoadFailure("module_missing", f'entry "{entry}": "{absolute}" is no Python file; its name must end in .py')
    return module


def _import_module(entry: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise LoadFailure(
                "module_missing",
                f'entry "{entry}": Python finds no module "{error.name}" in "{Path.cwd()}" or among the installed packages',
                error,
            ) from error
        raise _failed(entry, error) from error
    except BaseException as error:
        raise _failed(entry, error) from error


def _failed(entry: str, error: BaseException) -> LoadFailure:
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        advice = f'install what provides "{error.name}" into {sys.prefix}'
    elif isinstance(error, ImportError) and "attempted relative import" in str(error):
        advice = f"a file has no package around it: {_by_module(entry)}"
    elif isinstance(error, SystemExit):
        advice = "a module must not end the process while it is imported"
    else:
        advice = "the traceback shows where"
    message = f'entry "{entry}" raised {RAISED} while it was imported; {advice}'
    return LoadFailure("module_failed", message, error, retriable=came_from_outside(error))


def _by_module(entry: str) -> str:
    target, _, attribute = entry.rpartition(":")
    parts = Path(target).with_suffix("").parts
    if len(parts) > 1 and all(part.isidentifier() for part in parts):
        return f'name it as a module, "{".".join(parts)}:{attribute}"'
    return 'name it as a module, "package.module:attribute"'


def _agent_of(entry: str, module: ModuleType, attribute: str) -> AbstractAgent[Any, Any]:
    from pydantic_ai.agent import AbstractAgent

    missing = object()
    try:
        found = getattr(module, attribute, missing)
    except BaseException as error:  # a module may compute its attributes
        raise _failed(entry, error) from error
    if isinstance(found, AbstractAgent):
        return found
    agents = [f'"{name}"' for name, value in getattr(module, "__dict__", {}).items() if isinstance(value, AbstractAgent)]
    advice = f"the module's agents are {', '.join(agents)}" if agents else "the module has no pydantic_ai.Agent at its top level"
    if found is missing:
        raise LoadFailure("attribute_missing", f'entry "{entry}": the module has no attribute "{attribute}"; {advice}')
    kind = f"{type(found).__module__}.{type(found).__qualname__}".removeprefix("builtins.")
    raise LoadFailure("not_an_agent", f'entry "{entry}": "{attribute}" is of type {kind}, not a pydantic_ai.Agent; {advice}')
