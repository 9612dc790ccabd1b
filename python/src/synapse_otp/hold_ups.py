"""Runs in the worker: what keeps it from ending, in words: threads and tasks, each with the place in the user's code where it stands."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

__all__ = ["hold_ups", "task_lines", "thread_lines"]

_MOST = 8
_MOST_TASKS = 100
_MOST_THREADS = 100
_DEEPEST_TASK = 20
_DEEPEST = 3
_OURS = str(Path(__file__).parent) + os.sep
_EXECUTOR = concurrent.futures.thread.__file__
_LIBRARIES = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))

Place = tuple[CodeType, int]


def hold_ups(loop: asyncio.AbstractEventLoop | None, *, joining: bool) -> list[str]:
    """What is left of a worker that should have ended, most telling first; at most eight lines.

    Called from a thread beside the main one. Never raises.

    Args:
        loop: The event loop, if it runs.
        joining: Whether threads are waited for: then those are told too that do nothing of the user's.
    """
    try:
        threads = list(_threads(sys._current_frames(), joining))
        tasks = [] if loop is None else list(_tasks(loop))
    except RuntimeError as error:  # what is looked at changes meanwhile
        return [f"unknown ({error})"]
    return [*threads, *tasks][:_MOST]


def thread_lines() -> list[str]:
    """Where every thread beside the main one stands, if that is in the user's code or a library's; at most a hundred.

    Called from a thread beside the main one, with the interpreter's lock: no frame changes while it is read. Never raises.
    """
    try:
        main = threading.main_thread().ident
        return list(_threads({ident: frame for ident, frame in sys._current_frames().items() if ident != main}, False))[:_MOST_THREADS]
    except RuntimeError as error:  # a thread has begun meanwhile
        return [f"threads unknown ({error})"]


def task_lines(loop: asyncio.AbstractEventLoop | None) -> list[str]:
    """Where every task of a loop stands, each with what it awaits, innermost first; at most a hundred. Tasks of C code alone are left out.

    Called from a thread beside the main one, so that it is answered while the loop is blocked. Never raises.
    """
    try:
        tasks = [] if loop is None else [(task.get_name(), _awaits(task.get_coro())) for task in asyncio.all_tasks(loop)]
        told = [(name, [place for place in places if os.path.isabs(place[0].co_filename)]) for name, places in tasks]
        return [f"task {name!r} at {_words(places[:_DEEPEST_TASK])}" for name, places in told if places][:_MOST_TASKS]
    except RuntimeError as error:  # what is looked at changes meanwhile
        return [f"tasks unknown ({error})"]


def _threads(frames: dict[int, FrameType], joining: bool) -> Iterator[str]:
    main = threading.main_thread()
    idle: list[str] = []
    for thread in sorted(threading.enumerate(), key=lambda thread: thread is not main):
        if thread.name.startswith("synapse-") or thread.ident is None:
            continue
        name = "the main thread" if thread is main else f"thread {thread.name!r}"
        frame = frames.get(thread.ident)
        places = _telling(_stack(frame))
        if places:
            yield f"{name} at {_words(places)}"
        elif joining and not thread.daemon and thread is not main and not _waits_for_work(frame):
            idle.append(name)
    yield from idle


def _waits_for_work(frame: FrameType | None) -> bool:
    """Whether it is a thread of a ThreadPoolExecutor that has nothing to do: it ends when threads are joined."""
    return frame is not None and frame.f_code.co_name == "_worker" and frame.f_code.co_filename == _EXECUTOR


def _tasks(loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    for task in asyncio.all_tasks(loop):
        places = _telling(_awaits(task.get_coro()))
        if places:
            yield f"task {task.get_name()!r} at {_words(places)}"


def _stack(frame: FrameType | None) -> Iterator[Place]:
    """The frames of a thread, innermost first."""
    while frame is not None:
        yield frame.f_code, frame.f_lineno
        frame = frame.f_back


def _awaits(awaited: Any) -> list[Place]:
    """The frames of a suspended coroutine and of what it awaits, innermost first."""
    places: list[Place] = []
    while awaited is not None:
        frame = next((frame for kind in ("cr", "gi", "ag") if (frame := getattr(awaited, f"{kind}_frame", None)) is not None), None)
        if frame is None:
            break
        places.append((frame.f_code, frame.f_lineno))
        awaited = next((getattr(awaited, name) for name in ("cr_await", "gi_yieldfrom", "ag_await") if hasattr(awaited, name)), None)
        # What awaits an asynchronous generator does not tell which one; @asynccontextmanager has it beside.
        if type(awaited).__name__.startswith("async_generator_"):
            awaited = getattr(frame.f_locals.get("self"), "gen", None)
    return places[::-1]


def _telling(places: Iterator[Place] | list[Place]) -> list[Place]:
    """The innermost places in the user's code, or else one in a library that is neither Python's nor ours; empty: nothing of interest."""
    own: list[Place] = []
    library: list[Place] = []
    for code, line in places:
        file = code.co_filename
        if file.startswith(_OURS) or not os.path.isabs(file):  # not a file of Python: "<frozen runpy>", Cython
            continue
        if not file.startswith(_LIBRARIES):
            own.append((code, line))
        elif "site-packages" in file and not {"grpc", "anyio"} & set(Path(file).parts):
            library.append((code, line))
    return own[:_DEEPEST] or library[:1]


def _words(places: list[Place]) -> str:
    return ", called at ".join(f"{Path(code.co_filename).name}:{line} in {code.co_qualname}" for code, line in places)
