"""Runs in the worker: who holds the other end of a socket, as the kernel says and not as it says itself."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

__all__ = ["Peer", "peer_of"]

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True)
class Peer:
    """The process that made the other end."""

    pid: int
    """0 if it is in another pid namespace."""
    uid: int

    def fault(self, said_pid: object) -> str | None:
        """Why this is not the host that says it has the process number `said_pid`; None if it is."""
        if self.uid != os.geteuid():
            return f"it belongs to user {self.uid}, this worker to user {os.geteuid()}"
        if self.pid != 0 and isinstance(said_pid, int) and said_pid != self.pid:
            return f"it says that it is process {said_pid}, and is process {self.pid}"
        return None


def peer_of(end: socket.socket) -> Peer | None:
    """The peer of a connected Unix socket; None where the system cannot be asked (SO_PEERCRED is Linux's)."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    try:
        pid, uid, _ = _CREDENTIALS.unpack(end.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    except OSError:
        return None
    return Peer(pid, uid)
