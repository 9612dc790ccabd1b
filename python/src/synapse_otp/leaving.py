"""Runs in the worker: the last steps of the process, as the interpreter itself would take them."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from .ending import Ending, Stopped

__all__ = ["leave"]

_log = logging.getLogger("synapse_otp.leaving")


def leave(code: int, ending: Ending, finish: Callable[[], None]) -> NoReturn:
    """Waits for threads that are no daemons, calls what user code has registered with `atexit`, and ends the process.

    The interpreter does the same in this order. What it does afterwards, taking modules apart while daemon threads of libraries written
    in C still run, crashes in some of them and helps nobody: here the kernel does it. And it waits for threads without end; here the
    `atexit` functions are called when half of what is left until the kill has passed, and the threads are waited for after them.

    Args:
        code: The exit code.
        ending: Told of each step, so that the host knows which one does not end.
        finish: Waits for what the event loop has left.
    """
    ending.enter("joining its threads")
    _attempt(lambda: _join_threads(ending))
    ending.enter("calling its atexit functions")
    _attempt(atexit._run_exitfuncs)
    _attempt(finish)
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.main_thread():
            ending.enter("joining its threads")
            _attempt(thread.join)
    for stream in (sys.stdout, sys.stderr):
        _attempt(stream.flush)  # its reader may be gone, or user code may have closed it
    os._exit(code)


def _join_threads(ending: Ending) -> None:
    with ending.interrupt_after(ending.patience_s()):
        threading._shutdown()  # type: ignore[attr-defined]


def _attempt(step: Callable[[], object]) -> None:
    try:
        step()
    except Stopped:
        _log.debug("a thread does not end")
    except BaseException as error:
        _log.debug("a last step failed: %s: %s", type(error).__name__, error)
