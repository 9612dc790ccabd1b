"""Runs in the guardian: the bare process between the host and the zygote, which ends all descendants when one of the two is gone.

It holds the lifeline (fd 4) and nothing else. Whoever of host, guardian and zygote is killed, somebody is left who sweeps.

What is imported here, and by what is imported here, stays in its memory: no dataclasses (1.5 MB), typing (0.8 MB), json.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal

from .descendants import adopt_orphans, end_left_behind, sweep
from .lifeline import CONTROL_FD, LIFELINE_FD, end_with_parent
from .mark import Mark, read_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["Guarded", "guard", "tell_unfit", "wakeup_pipe"]

_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""A service manager signals every process of a service; these two end with the host, and not before the workers have."""


class Guarded:
    """What the zygote knows of its guardian.

    Args:
        guardian: A pidfd of it, readable when it has ended.
        marked: Whether processes can be marked here.
    """

    def __init__(self, guardian: int, marked: bool) -> None:
        self.guardian = guardian
        self.marked = marked


def wakeup_pipe() -> int:
    """A non-blocking descriptor that becomes readable when a child ends."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return read_end


def guard(system: int) -> Guarded:
    """Forks the zygote. Returns in the zygote alone; the guardian lives here until its end.

    The zygote is killed when the guardian ends, since its imports would keep it from seeing that; once it looks, `end_with_parent(False)`.

    Args:
        system: The number of the system.

    Raises:
        OSError: If this system cannot guard: no subreaper, no pidfd.
    """
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    around = read_mark(os.getpid())
    marked = Mark(system, 0).set()
    if not adopt_orphans():
        raise OSError("this kernel has no PR_SET_CHILD_SUBREAPER")
    guardian = os.getpid()
    own = os.pidfd_open(guardian)
    zygote = os.fork()
    if zygote != 0:
        os.close(own)
        os.close(CONTROL_FD)  # the channel between host and zygote
        _watch(zygote, marked, around)
    os.close(LIFELINE_FD)
    end_with_parent(True)
    if not adopt_orphans() or os.getppid() != guardian:
        os._exit(1)
    return Guarded(own, marked)


def tell_unfit(why: str) -> NoReturn:
    """Says to the host why nothing can be forked here, and ends."""
    import json

    with contextlib.suppress(OSError):  # the host may be gone, and with it whoever would read this
        os.write(CONTROL_FD, json.dumps({"type": "unfit", "message": why}).encode() + b"\n")
    os._exit(1)


def _watch(zygote: int, marked: bool, around: Mark | None) -> NoReturn:
    woken = wakeup_pipe()
    if marked:
        end_left_behind(around)
    pidfd = os.pidfd_open(zygote)
    poll = select.poll()
    poll.register(LIFELINE_FD, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    while not any(fd in (LIFELINE_FD, pidfd) for fd, _ in poll.poll()):
        continue
    status = sweep(lambda _: True, woken).get(zygote, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)  # a signal is said as a shell says it
