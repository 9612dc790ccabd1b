"""Runs in the worker: an event loop that user code cannot end by raising SystemExit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run_to_end"]

_T = TypeVar("_T")

_log = logging.getLogger("synapse_otp.loop")


def run_to_end(main: Coroutine[Any, Any, _T]) -> _T:
    """Runs a coroutine to its end, like `asyncio.run`, but goes on when SystemExit or KeyboardInterrupt leaves another task.

    asyncio re-raises these two out of the loop, wherever they were raised: a tool that calls `sys.exit()` would end the process. The task
    that raised has kept the exception by then, so its run fails as for any other one, and the loop is entered again.

    Raises:
        BaseException: What `main` itself raised.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(main)
    try:
        while True:
            try:
                return loop.run_until_complete(task)
            except (SystemExit, KeyboardInterrupt) as error:
                if task.done():
                    raise
                _log.error("user code raised %s(%s); the worker goes on", type(error).__name__, error)
    finally:
        _cancel_rest(loop)
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def _cancel_rest(loop: asyncio.AbstractEventLoop) -> None:
    rest = asyncio.all_tasks(loop)
    for task in rest:
        task.cancel()
    if rest:
        loop.run_until_complete(asyncio.wait(rest, timeout=1))
