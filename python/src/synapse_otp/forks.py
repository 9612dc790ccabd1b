"""Runs in the worker, and in every process that user code forks from it: such a child is a process of its own, and no second worker."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from .control import Control
from .descriptors import Descriptor
from .lifeline import LIFELINE_FD

__all__ = ["part_with_children"]

Handler = Callable[[int, FrameType | None], Any]

_DEFAULTS: dict[signal.Signals, Handler | signal.Handlers] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}


def part_with_children(control: Control, handler: Handler) -> None:
    """From now on a forked child (`multiprocessing`, `os.fork`, `preexec_fn`) ends by its own signals and holds nothing of the worker's.

    What it would inherit: asyncio's wake-up descriptor, through which a signal to the child is one to the worker's loop; `handler` for
    SIGTERM and SIGINT, which only the worker can obey; the dump of stacks at SIGUSR1; and the descriptors whose end tells the host that the
    worker is gone.

    Args:
        control: The control channel.
        handler: The worker's handler of SIGTERM and SIGINT. A handler that user code has put in its place stays.
    """
    held = list(control.descriptors)
    with contextlib.suppress(OSError):  # started without a lifeline
        held.append(Descriptor(LIFELINE_FD))
    masks = threading.local()

    def hold_signals() -> None:
        # One that comes before the child has parted would find the worker's handler, and be lost.
        masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, {*_DEFAULTS, signal.SIGUSR1})

    def release_signals() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.before)

    def part() -> None:
        signal.set_wakeup_fd(-1)
        for number, default in _DEFAULTS.items():
            if signal.getsignal(number) == handler:
                signal.signal(number, default)
        faulthandler.unregister(signal.SIGUSR1)
        control.forget()
        for descriptor in held:
            descriptor.close()
        release_signals()

    os.register_at_fork(before=hold_signals, after_in_parent=release_signals, after_in_child=part)
