"""Runs in the zygote: the mark of a process where the limit of file locks is too low for one, SYNAPSE_SYSTEM in its environment.

It is less than the other one: a process has it from its last exec, and a program that empties the environment of what it starts
takes it away.
"""

from __future__ import annotations

import os

from .mark import Mark

__all__ = ["environment_mark", "read_environment_mark"]

_NAME = b"SYNAPSE_SYSTEM="


def environment_mark(mark: Mark) -> dict[str, str]:
    """The variable that says whose a process is."""
    return {os.fsdecode(_NAME[:-1]): f"{mark.system}:{mark.worker}"}


def read_environment_mark(pid: int) -> Mark | None:
    """The mark in the environment that a process was started with; None if it has none, is gone, or is another user's."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return None
    for variable in variables:
        if variable.startswith(_NAME):
            system, _, worker = variable.removeprefix(_NAME).partition(b":")
            if system.isdigit() and worker.isdigit():
                return Mark(int(system), int(worker))
    return None
