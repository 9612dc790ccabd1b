"""Runs in the worker: loads an entry that is a file, so that it finds its neighbours as under `python file.py`, and they find it.

Under `python file.py` the file's folder comes first on `sys.path`, and the module is called `__main__`. The first is done here too. The
second is not: what stands under `if __name__ == "__main__":` must not run in a worker, and what pickle writes down should be a name
that means something. So the module gets the name under which its neighbours, and the processes of `multiprocessing`, would import it:
the file's stem. Where that name is taken (by an installed package: "agents/openai.py"), or is none ("my.agent.py"), it is what
multiprocessing itself makes of a script: `__mp_main__`, which every process that it starts loads again from the file.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import keyword
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

__all__ = ["load_file"]

SCRIPT = "__mp_main__"
"""What multiprocessing calls the script of the process that started it."""


def load_file(path: Path) -> ModuleType | None:
    """Runs a file as a module, once: whoever imports it later, under whatever name, gets the same module.

    Args:
        path: The file; it exists.

    Returns:
        The module, or what it has put into `sys.modules` in its own place; None if it is no Python file.

    Raises:
        BaseException: What the file raised.
    """
    real = path.resolve()
    name = _place(real)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic and pickle look it up there
    sys.argv[:] = [str(path)]  # the host's arguments are not the file's
    if name == SCRIPT:
        # multiprocessing names the script by the file of a main module without a spec.
        module.__spec__ = None
        sys.modules["__main__"] = module
    sys.meta_path.insert(0, _OneModule(real, module, name))
    spec.loader.exec_module(module)
    return sys.modules.get(name, module)


def _place(file: Path) -> str:
    """Puts a file's folder on `sys.path` and answers the name that the file has there.

    As under `python file.py` the folder comes first. If the file has the name of an installed package, or of one in the working directory
    ("chat/chat.py"), it comes last, so that the package is found.
    """
    folder, stem = str(file.parent), file.stem
    cwd = os.path.realpath(os.getcwd())
    others = [entry for entry in sys.path if os.path.realpath(entry or cwd) != folder]
    installed = [entry for entry in others if os.path.realpath(entry or cwd) != cwd]
    is_taken = stem in sys.modules or stem in sys.stdlib_module_names or _is_found(stem, installed) or _is_package(Path(cwd, stem))
    sys.path[:] = [*others, folder] if is_taken else [folder, *others]
    return SCRIPT if is_taken or not stem.isidentifier() or keyword.iskeyword(stem) or stem == "__init__" else stem


def _is_found(name: str, path: Sequence[str]) -> bool:
    """Whether a name is that of a module; a folder without an `__init__.py` is none."""
    spec = PathFinder.find_spec(name, path)
    return spec is not None and spec.origin is not None


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


class _OneModule(importlib.abc.MetaPathFinder):
    """Answers the entry's module to every import that would load its file a second time ("agents.my_agent" beside "my_agent")."""

    def __init__(self, file: Path, module: ModuleType, name: str) -> None:
        self._file = file
        self._module = module
        self._name = name

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of an import that leads to the entry's file; None for all others."""
        if target is not None or fullname.rpartition(".")[2] != self._file.stem:
            return None  # a target is there to be loaded again: importlib.reload
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or os.path.realpath(spec.origin) != str(self._file):
            return None
        return ModuleSpec(fullname, _Loaded(self._module, self._name), origin=spec.origin)


class _Loaded(importlib.abc.Loader):
    """Loads nothing: the module is there, and keeps what it says of itself."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module = module
        self._spec = module.__spec__
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        """The entry's module, or what it has put in its own place."""
        return sys.modules.get(self._name, self._module)

    def exec_module(self, module: ModuleType) -> None:
        """Gives the module back the spec that it was loaded with: the import system has written this one over it."""
        module.__spec__ = self._spec
