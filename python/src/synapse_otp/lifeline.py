"""Runs in the worker: makes its process group end with its host, even while C code holds the interpreter's lock.

The host keeps the other end of the lifeline (fd 4) open and never writes to it. When the host dies, the kernel closes that end, and on
Linux sends the signal that was asked for here to the whole group: no Python runs, so a busy loop in C cannot hold it up. Elsewhere
the reader of the control channel (fd 3) notices the end and kills the group.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys

__all__ = ["CONTROL_FD", "LIFELINE_FD", "arm", "end_with_parent", "kill_own_group", "own_group", "prctl"]

CONTROL_FD = 3
LIFELINE_FD = 4

# Linux's fcntl command that chooses the signal of O_ASYNC; the fcntl module has no name for it before Python 3.13.
_F_SETSIG = 10
_PR_SET_PDEATHSIG = 1


def own_group() -> int:
    """Makes sure that this process leads its own group, so that killing the group cannot reach the host.

    Returns:
        The group's id, equal to the process id.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    return os.getpgrp()


def kill_own_group() -> None:
    """SIGKILL to every process of this group, this one included. Does not return."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def arm() -> str:
    """Arms the lifeline; if the host is already gone, kills the group at once.

    Returns:
        What watches the host: "fasync" (the lifeline's signal), "pdeathsig" (Linux without a lifeline: the worker alone is killed), or
        "control" (only the control channel's end).
    """
    if not _is_open(LIFELINE_FD):
        return "pdeathsig" if sys.platform == "linux" and end_with_parent(True) else "control"
    os.set_inheritable(LIFELINE_FD, False)
    armed = "control"
    if sys.platform == "linux":
        # PR_SET_PDEATHSIG is left off here: it would kill the worker before the group's signal is sent.
        fcntl.fcntl(LIFELINE_FD, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(LIFELINE_FD, _F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(LIFELINE_FD, fcntl.F_GETFL)
        fcntl.fcntl(LIFELINE_FD, fcntl.F_SETFL, flags | os.O_ASYNC)
        armed = "fasync"
    if _has_hung_up(LIFELINE_FD):
        kill_own_group()
    return armed


def end_with_parent(yes: bool) -> bool:
    """Whether this process is killed when its parent ends: from now on, or no longer. Linux; False where it cannot be had."""
    return prctl(_PR_SET_PDEATHSIG, signal.SIGKILL if yes else 0)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _has_hung_up(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def prctl(option: int, value: int) -> bool:
    """Sets an option of this process by the system call of that name. False where there is no such call or option."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False
