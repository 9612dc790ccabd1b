"""Runs in the worker: an event loop that user code cannot end by raising SystemExit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from .ending import Ending

__all__ = ["EventLoop"]

_T = TypeVar("_T")

_log = logging.getLogger("synapse_otp.loop")


class EventLoop:
    """The loop of one worker: `run`, then `wind_up` and `finish`, each once; together they are `asyncio.run`. Before `run` there is none.

    asyncio re-raises SystemExit and KeyboardInterrupt out of the loop, wherever they were raised: a tool that calls `sys.exit()` would end
    the process. The task that raised has kept the exception by then, so its run fails as for any other one, and the loop is entered again.

    Args:
        ending: Told of each step of winding up, and asked how long it may take.
    """

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unfinished: list[asyncio.Task[None]] = []

    def run(self, main: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine to its end.

        Raises:
            BaseException: What `main` itself raised.
        """
        loop = self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return _complete(loop, loop.create_task(main))

    def wind_up(self) -> None:
        """Cancels the tasks that are left and waits for them, for asynchronous generators and for the default executor.

        What takes longer than half of what is left until the kill is left for `finish`, so that the steps after it have their time too.
        """
        loop = self._loop
        if loop is None:
            return
        rest = asyncio.all_tasks(loop)
        if rest:
            self._ending.enter("cancelling its tasks")
            for task in rest - self._ending.unwinding(rest):
                task.cancel()
            self._give_time(loop, loop.create_task(_ended(rest)))
        self._give_time(loop, loop.create_task(loop.shutdown_asyncgens()))
        self._ending.enter("joining its threads")
        self._give_time(loop, loop.create_task(loop.shutdown_default_executor()))
        self._ending.detach()

    def finish(self) -> None:
        """Waits for what `wind_up` has left, until it ends or the host kills the worker."""
        loop = self._loop
        if loop is None:
            return
        for task in self._unfinished:
            self._ending.enter("cancelling its tasks")
            _complete(loop, task)
        asyncio.set_event_loop(None)
        loop.close()

    def _give_time(self, loop: asyncio.AbstractEventLoop, step: asyncio.Task[None]) -> None:
        _complete(loop, loop.create_task(_within(self._ending.patience_s(), step)))
        if not step.done():
            self._unfinished.append(step)


def _complete(loop: asyncio.AbstractEventLoop, task: asyncio.Task[_T]) -> _T:
    while True:
        try:
            return loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            if task.done():
                raise
            _log.error("user code raised %s(%s); the worker goes on", type(error).__name__, error)


async def _within(timeout_s: float | None, step: asyncio.Task[None]) -> None:
    await asyncio.wait([step], timeout=timeout_s)


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and task.exception() is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a task that was cancelled at the worker's end raised", "exception": task.exception(), "task": task}
            )
