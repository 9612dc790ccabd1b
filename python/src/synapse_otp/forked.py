"""Runs in a process that the zygote has forked: makes a worker of it, as a fresh interpreter would have been one."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from .descriptors import private_copy
from .environment import change_environment
from .lifeline import CONTROL_FD

__all__ = ["Order", "become_worker", "far_copy", "place"]


@dataclass(frozen=True)
class Order:
    """What a worker is made of.

    Args:
        request: The host's request for it; instead of its environment, the changes that make it of the zygote's.
        channels: The descriptors of its control channel, stdout and stderr.
    """

    request: dict[str, Any]
    channels: Sequence[int]


def become_worker(order: Order) -> NoReturn:
    """Takes signals, descriptors, environment, directory and arguments of a worker, and lives its life. The lifeline is in place."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    place(list(zip(order.channels, (CONTROL_FD, 1, 2), strict=True)))
    request = order.request
    change_environment(request["changes"])
    os.chdir(request["cwd"])
    sys.argv[:] = [sys.argv[0], "--entry", request["entry"]]
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()  # or all workers would draw the same numbers
    from .worker import main as live

    _open_streams()
    live(request["entry"])


def _open_streams() -> None:
    """Streams for what is at 1 and 2 now, as `python -u` and `write_utf8` make them; those of the zygote remember what was there."""
    for name, fd in (("stdout", 1), ("stderr", 2)):
        raw = open(fd, "wb", buffering=0, closefd=False)  # noqa: SIM115 - it lives as long as the worker
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def place(moves: list[tuple[int, int]]) -> None:
    """Gives descriptors their numbers; none of them lies on the place of another by then."""
    far = [(far_copy(fd), number) for fd, number in moves]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if null != 0:
        os.close(null)
    for fd, number in far:
        os.dup2(fd, number)
        os.close(fd)


def far_copy(fd: int) -> int:
    """Moves a descriptor away from the numbers that have a meaning."""
    copy = private_copy(fd)
    os.close(fd)
    return copy
