"""Runs in the worker: a run's code in a task of its own, beside the one that carries its call."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["in_own_task"]

T = TypeVar("T")


async def in_own_task(work: Coroutine[Any, Any, T]) -> T:
    """Runs what may cancel the task that it runs in: that ends the work, and not its caller. Who cancels the caller ends the work, too.

    gRPC cancels the task of a call when its client has left: a call whose task is cancelled is one that nobody waits for.

    Args:
        work: Runs to its end before this returns.

    Raises:
        BaseException: What the work raises.
    """
    try:
        result, error = await asyncio.create_task(_boxed(work))
    finally:
        work.close()  # where it was cancelled before it began
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


async def _boxed(work: Coroutine[Any, Any, T]) -> tuple[T | None, BaseException | None]:
    """A SystemExit that leaves a task leaves the event loop, too."""
    try:
        return await work, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return None, error
