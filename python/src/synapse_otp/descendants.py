"""Runs in guardian and zygote: adopts what their descendants leave behind, and ends it.

A process whose parent dies goes to the nearest living ancestor that has asked for it (PR_SET_CHILD_SUBREAPER), whatever session or group it
has put itself in. The kernel moves the children before it reports the death: whoever has reaped a process sees its orphans at once.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import time
from collections.abc import Callable

from .lifeline import prctl
from .mark import Mark, marked_processes

__all__ = ["Reaped", "adopt_orphans", "children", "end_left_behind", "reap", "sweep"]

_PR_SET_CHILD_SUBREAPER = 36
_ROUND_S = 0.005
_LIMIT_S = 5.0

Reaped = dict[int, int]
"""Process number and wait status of each process that was reaped."""


def adopt_orphans() -> bool:
    """Makes this process the parent of all that its descendants leave behind; not inherited. False where there is no such thing."""
    return prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children(pid: int) -> list[int]:
    """The children of a process, zombies included; empty when it is gone."""
    if not _kernel_lists_children():
        return _children_by_parent(pid)
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    except OSError:
        return []
    return found


@functools.cache
def _kernel_lists_children() -> bool:
    """Not every kernel is built with it (CONFIG_PROC_CHILDREN)."""
    return os.path.exists("/proc/thread-self/children")


def _children_by_parent(pid: int) -> list[int]:
    """The same by a look at every process there is: some milliseconds."""
    found: list[int] = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue  # it has ended in this instant
        if parent == pid:
            found.append(int(name))
    return found


def reap() -> Reaped:
    """Takes the status of every child that has ended."""
    reaped: Reaped = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            reaped[pid] = status
    return reaped


def sweep(mine: Callable[[int], bool], woken: int) -> Reaped:
    """Ends the children that are `mine`, with all their descendants, and returns when they are gone.

    A direct child that is not reaped keeps its number: no stranger is hit. One that has changed its user cannot be ended (EPERM) and is not
    waited for.

    Args:
        mine: Whether a direct child is to be ended.
        woken: A non-blocking descriptor that becomes readable when a child ends.

    Returns:
        Everything that was reaped on the way, other children included; not a descendant whose status its own parent took while it died.
    """
    me = os.getpid()
    reaped = reap()
    refused: set[int] = set()
    until = time.monotonic() + _LIMIT_S
    while time.monotonic() < until:
        pending = [pid for pid in children(me) if pid not in refused and mine(pid)]
        if not pending:
            break
        while pending:
            pid = pending.pop()
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has gone by itself
            except PermissionError:
                refused.add(pid)
            pending += children(pid)
        select.select([woken], [], [], _ROUND_S)
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 4096)
        reaped |= reap()
    return reaped


def end_left_behind(around: Mark | None) -> None:
    """Ends what systems have left that are gone themselves: marked processes without a guardian or zygote of the same system.

    Args:
        around: The mark that this process was born with: it runs within that system, whose guardian may be out of sight (a container).
    """
    suspects = _left_behind(around)
    if not suspects:
        return
    # A system that began between two lines of the list is there in full at the second look.
    confirmed = suspects & _left_behind(around)
    for pid in confirmed:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _left_behind(around: Mark | None) -> set[int]:
    found = marked_processes()
    living = {mark.system for mark in found.values() if mark.worker == 0}
    if around is not None:
        living.add(around.system)
    return {pid for pid, mark in found.items() if mark.system not in living}
