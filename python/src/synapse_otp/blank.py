"""Runs in the zygote and in a blank: a process that is forked before a worker is wanted, and waits, warm, to be told which one it is.

Half of a start is copying what a worker writes to of the memory that it shares with the zygote. A blank has copied it: it has gone every
way of a run itself. Nothing of the user's is in it; the entry, its environment and its directory come with the order.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .forked import Order

__all__ = ["Blank", "await_order"]

_LARGEST_ORDER = 1 << 16
"""What a socket takes in one piece, in bytes: the zygote never waits for a blank."""


@dataclass(frozen=True)
class Blank:
    """A blank, as the zygote sees it.

    Args:
        pid: Its process.
        number: The number in its mark.
        lifeline: The zygote's end of its lifeline.
        orders: Where its order goes.
    """

    pid: int
    number: int
    lifeline: socket.socket
    orders: socket.socket

    def give(self, request: dict[str, Any], channels: Sequence[socket.socket]) -> bool:
        """Makes a worker of it. False if it does not take the order; it is ended then, and its end is not that of a worker."""
        with contextlib.suppress(OSError):  # it is dead, and not reaped yet
            os.kill(self.pid, signal.SIGCONT)  # somebody may have stopped it
        line = json.dumps(request).encode() + b"\n"
        if len(line) <= _LARGEST_ORDER:
            with contextlib.suppress(OSError):  # it is gone, or stopped with a full socket
                self.orders.setblocking(False)
                if socket.send_fds(self.orders, [line], [channel.fileno() for channel in channels]) == len(line):
                    self.orders.close()
                    return True
        self.end()
        return False

    def end(self) -> None:
        """Kills it and lets go of it. It is not reaped: the number is its own."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Lets go of it: in another child of the zygote, or because it has ended."""
        self.orders.close()
        self.lifeline.close()


def await_order(orders: socket.socket) -> Order:
    """In the blank: warms itself and waits. Ends the process when no order can come any more.

    Args:
        orders: The blank's end of the channel.
    """
    rehearsal = sys.modules.get(f"{__package__}.rehearsal")
    with contextlib.suppress(Exception):  # told by the zygote, which has gone the same way
        if rehearsal is not None:
            rehearsal.rehearse_start()
    gc.collect()
    gc.freeze()
    line, channels, _, _ = socket.recv_fds(orders, _LARGEST_ORDER, 3)
    while not line.endswith(b"\n"):
        more = orders.recv(_LARGEST_ORDER)
        if not more:
            os._exit(0)
        line += more
    orders.close()
    return Order(json.loads(line), channels)
