"""Runs in the worker: what a run has started in threads and processes, which goes on when the run is cancelled and cannot be stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Any

from anyio import to_thread

__all__ = ["RunWork", "WorkerThreads", "current_work", "watch_executors"]


class RunWork:
    """The work of one run outside its event loop. Made and asked in the loop's own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._open = 0
        self._ended = asyncio.Event()
        self._ended.set()

    @property
    def busy(self) -> bool:
        """Whether something works still."""
        return self._open > 0

    def add(self, future: Future[Any]) -> None:
        """Counts a piece of work until it has ended."""
        self._open += 1
        self._ended.clear()
        future.add_done_callback(self._tell)

    async def ended(self) -> None:
        """Waits until nothing works."""
        await self._ended.wait()

    def _tell(self, _future: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._one_less)

    def _one_less(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._ended.set()


current_work: ContextVar[RunWork | None] = ContextVar("synapse_run_work", default=None)
"""The work of the run that the current task belongs to; None outside runs."""


class WorkerThreads(Executor):
    """The threads for plain functions of an agent (tools, validators, prompts): anyio's, as pydantic-ai takes them by itself.

    By itself it would forget a thread whose caller is cancelled; here a task of its own stays with it. To be used in an event loop only.
    """

    def __init__(self) -> None:
        self._carriers: set[asyncio.Task[None]] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Calls a function in a thread."""
        future: Future[Any] = Future()
        carrier = asyncio.get_running_loop().create_task(_carry(future, partial(fn, *args, **kwargs)))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)
        return future


async def _carry(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = await to_thread.run_sync(call)
    except BaseException as error:  # whatever it is, it is its caller's
        future.set_exception(error)
    else:
        future.set_result(result)


class _Watched(Executor):
    """An executor of anybody's, whose work counts as a run's."""

    def __init__(self, executor: Executor, work: RunWork) -> None:
        self._executor = executor
        self._work = work

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = self._executor.submit(fn, *args, **kwargs)
        self._work.add(future)
        return future


def watch_executors(loop: asyncio.AbstractEventLoop) -> None:
    """From now on `run_in_executor`, and so `asyncio.to_thread`, tells the run that calls it what it has started.

    Args:
        loop: The worker's.
    """
    run_in_executor = loop.run_in_executor
    default = ThreadPoolExecutor(thread_name_prefix="asyncio")
    loop.set_default_executor(default)

    def watched(executor: Executor | None, func: Callable[..., Any], *args: Any) -> Any:
        work = current_work.get()
        if work is None:
            return run_in_executor(executor, func, *args)
        return run_in_executor(_Watched(executor or default, work), func, *args)

    loop.run_in_executor = watched  # type: ignore[method-assign, assignment]
