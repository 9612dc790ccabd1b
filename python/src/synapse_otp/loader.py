"""Runs in the worker: turns an entry such as "agents/example_agent.py:agent" into the Agent that it names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from .tracebacks import user_traceback

if TYPE_CHECKING:
    from pydantic_ai.agent import AbstractAgent

__all__ = ["LoadFailure", "LoadFailureKind", "load_agent"]

LoadFailureKind = Literal["module_missing", "module_failed", "attribute_missing", "not_an_agent", "warmup_failed"]


class LoadFailure(Exception):
    """Why an entry is no agent.

    Args:
        kind: What the host branches on.
        message: One sentence that quotes the entry and says what to do.
        cause: The exception that user code raised, if any.
    """

    def __init__(self, kind: LoadFailureKind, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.cause = cause

    def as_json(self) -> dict[str, Any]:
        """The failure as the control channel carries it."""
        error: dict[str, Any] = {"kind": self.kind, "message": self.message}
        if self.cause is not None:
            error["pythonType"] = type(self.cause).__qualname__
            error["traceback"] = user_traceback(self.cause)
        return error


def load_agent(entry: str) -> AbstractAgent[Any, Any]:
    """Imports the entry's module and returns the Agent that its attribute holds.

    The working directory is put on `sys.path` (as `python -m` does), and a file's own folder at the end of it, so that a file's name
    cannot hide an installed package.

    Args:
        entry: "path/to/file.py:attribute", relative to the working directory, or "package.module:attribute".

    Raises:
        LoadFailure: If there is no such module, it raised, or the attribute is missing or no Agent.
    """
    target, _, attribute = entry.rpartition(":")
    if not target or not attribute:
        raise LoadFailure("attribute_missing", f'entry "{entry}" names no attribute; write it as "file.py:agent" or "module:agent"')
    cwd = str(Path.cwd())
    if cwd not in sys.path and "" not in sys.path:
        sys.path.insert(0, cwd)
    by_file = target.endswith(".py") or "/" in target
    module = _import_file(entry, Path(target)) if by_file else _import_module(entry, target)
    return _agent_of(entry, module, attribute)


def _import_file(entry: str, path: Path) -> ModuleType:
    absolute = path.absolute()
    if not absolute.is_file():
        raise LoadFailure("module_missing", f'entry "{entry}": there is no file "{absolute}"; paths are relative to the agent\'s cwd')
    folder = str(absolute.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    # A name of its own: "agents/openai.py" must not take the place of the package openai.
    name = f"synapse_entry_{absolute.stem}"
    spec = importlib.util.spec_from_file_location(name, absolute)
    if spec is None or spec.loader is None:
        raise LoadFailure("module_missing", f'entry "{entry}": "{absolute}" is no Python file; its name must end in .py')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic resolves annotations through it
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise _failed(entry, error) from error
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
    elif isinstance(error, SystemExit):
        advice = "a module must not end the process while it is imported"
    else:
        advice = "the traceback shows where"
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return LoadFailure("module_failed", f'entry "{entry}" raised {said} while it was imported; {advice}', error)


def _agent_of(entry: str, module: ModuleType, attribute: str) -> AbstractAgent[Any, Any]:
    from pydantic_ai.agent import AbstractAgent

    missing = object()
    found = getattr(module, attribute, missing)
    if isinstance(found, AbstractAgent):
        return found
    agents = [f'"{name}"' for name, value in vars(module).items() if isinstance(value, AbstractAgent)]
    advice = f"the module's agents are {', '.join(agents)}" if agents else "the module has no pydantic_ai.Agent at its top level"
    if found is missing:
        raise LoadFailure("attribute_missing", f'entry "{entry}": the module has no attribute "{attribute}"; {advice}')
    kind = f"{type(found).__module__}.{type(found).__qualname__}".removeprefix("builtins.")
    raise LoadFailure("not_an_agent", f'entry "{entry}": "{attribute}" is of type {kind}, not a pydantic_ai.Agent; {advice}')
