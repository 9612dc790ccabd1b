"""Runs in the worker: which files the agent's code has been imported from, so that the host can watch them."""

from __future__ import annotations

import os
import sys

__all__ = ["imported_files"]

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def imported_files(folder: str) -> list[str]:
    """The files of all modules that are imported now and lie below a folder, without what is installed there.

    Args:
        folder: Where the agent's own code is: the working directory.

    Returns:
        Absolute paths, links followed, sorted.
    """
    root = os.path.join(os.path.realpath(folder), "")
    prefix = os.path.join(os.path.realpath(sys.prefix), "")
    found = set()
    for module in list(sys.modules.values()):
        # Not getattr: a module may answer to it with code of its own.
        file = getattr(module, "__dict__", {}).get("__file__")
        if not isinstance(file, str):
            continue
        path = os.path.realpath(file)
        if not path.startswith(root) or path.startswith(prefix) or _INSTALLED.intersection(path.split(os.sep)):
            continue
        found.add(path)
    return sorted(found)
