"""Runs in a child of the zygote: notes which code is called, so that the zygote knows it without having run anything.

A child may start threads and make gRPC objects, which the zygote must not, and it leaves no garbage behind.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
import traceback
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import NoReturn

from .lifeline import end_with_parent

__all__ = ["called_by", "record"]

_LIMIT_S = 10.0
"""How long the child may take, in seconds. Some 200 ms are usual."""


def record(first: Callable[[], object], runs: Sequence[Callable[[], object]]) -> list[int]:
    """Calls `first`, which is not noted since much of it happens once, and then `runs`, in a child of this process.

    Args:
        first: What is called before.
        runs: What is noted; the last one is what every worker does.

    Returns:
        The `id()` of all code that was called and that this process has, too: that of the last run first, then what most of the runs
        call. Empty if the child has failed, which it says on stderr.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _tell(writer, first, runs)
    os.close(writer)
    try:
        told = _read(reader, time.monotonic() + _LIMIT_S)
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return array("Q", told).tolist()


def called_by(run: Callable[[], object]) -> dict[int, CodeType]:
    """Calls `run`.

    Args:
        run: What is called.

    Returns:
        The code of every function that it has called, in this thread or in one that it has started, by its `id()`: the hash of code is one
        of all that it has, and code that is equal lies in two places.
    """
    called: dict[int, CodeType] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code
            called[id(code)] = code

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return called.copy()


def _tell(writer: int, first: Callable[[], object], runs: Sequence[Callable[[], object]]) -> NoReturn:
    try:
        end_with_parent(True)
        first()
        counts: Counter[int] = Counter()
        called: dict[int, CodeType] = {}
        kept: list[dict[int, CodeType]] = []
        for run in runs:
            called = called_by(run)
            kept.append(called)  # or other code could get the same number
            counts.update(called.keys())
        order = sorted(counts, key=lambda each: (each not in called, -counts[each]))
        with open(writer, "wb") as pipe:
            pipe.write(array("Q", order).tobytes())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _read(reader: int, until: float) -> bytes:
    told = bytearray()
    while select.select([reader], [], [], max(0.0, until - time.monotonic()))[0]:
        piece = os.read(reader, 65536)
        if not piece:
            return bytes(told)
        told += piece
    return b""
