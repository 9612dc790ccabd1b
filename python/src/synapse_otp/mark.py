"""Runs in guardian and zygote: the mark by which a system knows its own processes.

It is the soft limit of file locks (RLIMIT_LOCKS), which has had no effect on locks since Linux 2.4. Every descendant inherits it: through
exec, an emptied environment, a session of its own, a second fork and closed descriptors. Everybody can read it in /proc/<pid>/limits.
"""

from __future__ import annotations

import os
import resource
from collections import namedtuple

__all__ = ["Mark", "marked_processes", "read_mark"]

_RLIMIT_LOCKS = 10  # the resource module has no name for it
_MAGIC = 0x5A7
_SYSTEM_BITS = 32
_WORKER_BITS = 20

_LARGEST_SYSTEM = (1 << _SYSTEM_BITS) - 1
"""The largest number that a system may have."""


class Mark(namedtuple("_Mark", ("system", "worker"))):
    """Whose a process is.

    Args:
        system: The system's number.
        worker: The worker's number, from 1; 0 for the guardian and the zygote.
    """

    __slots__ = ()
    system: int
    worker: int

    def set(self) -> bool:
        """Marks this process, and with it what it forks from now on.

        Returns:
            False where the system's limit is too low for a mark, as in a container with `--ulimit locks`.
        """
        value = (_MAGIC << (_SYSTEM_BITS + _WORKER_BITS)) | (self.system << _WORKER_BITS) | (self.worker & ((1 << _WORKER_BITS) - 1))
        try:
            _, hard = resource.getrlimit(_RLIMIT_LOCKS)
            resource.setrlimit(_RLIMIT_LOCKS, (value, hard))
        except (ValueError, OSError):
            return False
        return True

    @staticmethod
    def worker_number(count: int) -> int:
        """The number of the `count`th worker of a system: from 1, used again after a million."""
        return (count - 1) % ((1 << _WORKER_BITS) - 1) + 1


def read_mark(pid: int) -> Mark | None:
    """The mark of a process; None if it has none, or is gone."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            text = file.read()
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith(b"Max file locks"):
            soft = line.split()[3]
            value = int(soft) if soft.isdigit() else 0
            if value >> (_SYSTEM_BITS + _WORKER_BITS) != _MAGIC:
                return None
            return Mark((value >> _WORKER_BITS) & _LARGEST_SYSTEM, value & ((1 << _WORKER_BITS) - 1))
    return None


def marked_processes() -> dict[int, Mark]:
    """All processes of this user that carry a mark, of whatever system. A zombie is none: nobody may ever reap it."""
    found: dict[int, Mark] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            ours = os.stat(f"/proc/{name}").st_uid == os.geteuid()
            with open(f"/proc/{name}/stat", "rb") as file:
                state = file.read().rpartition(b")")[2].split()[0]
        except OSError:
            continue  # it has ended in this instant
        mark = read_mark(int(name)) if ours and state not in (b"Z", b"X") else None
        if mark is not None:
            found[int(name)] = mark
    return found
