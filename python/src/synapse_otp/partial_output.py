"""Runs in the worker: snapshots of structured output while the model still writes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from pydantic_ai.messages import FinalResultEvent
from pydantic_ai.result import AgentStream

from .response import output_json

__all__ = ["PartialOutput"]

DEFAULT_DEBOUNCE_MS = 50

_log = logging.getLogger("synapse_otp.partial_output")


class PartialOutput:
    """Watches one model response and tells a snapshot whenever the output so far has become another valid one.

    While the model pauses, the latest one is told as soon as it is time, not with its next event. Within its context the reader of the
    response calls `before` and `after` round each event that it handles, so that nothing is told in the midst of one.

    Args:
        stream: The response that is being read.
        tell: Awaited with a snapshot, as JSON.
        debounce_ms: Least time between two snapshots, in milliseconds; 0 for the default of 50.
        json_constants: Whether NaN and infinities are written as such.
    """

    def __init__(
        self, stream: AgentStream[Any, Any], tell: Callable[[bytes], Awaitable[None]], debounce_ms: int, *, json_constants: bool = False
    ) -> None:
        self._stream = stream
        self._tell = tell
        self._constants = json_constants
        self._debounce_s = (debounce_ms or DEFAULT_DEBOUNCE_MS) / 1000
        self._loop = asyncio.get_running_loop()
        self._begun = False
        self._reading = False
        self._due = 0.0
        self._last = b""
        self._timer: asyncio.TimerHandle | None = None
        self._late: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._reading = False
        if self._timer is not None:
            self._timer.cancel()
        if self._late is not None:
            self._late.cancel()
            await asyncio.gather(self._late, return_exceptions=True)

    async def before(self) -> None:
        """An event has come: what is being told of those before it is told first."""
        self._reading = False
        if self._late is not None:
            late, self._late = self._late, None
            await late

    async def after(self, event: object) -> None:
        """An event has been handled: tells the output so far, now or when it is time."""
        self._begun = self._begun or isinstance(event, FinalResultEvent)
        if not self._begun:
            return
        if self._loop.time() >= self._due:
            await self.snapshot()
        elif self._timer is None:
            self._timer = self._loop.call_at(self._due, self._in_time)
        self._reading = True

    def _in_time(self) -> None:
        self._timer = None
        if self._reading:
            self._late = self._loop.create_task(self.snapshot())

    async def snapshot(self) -> None:
        """Tells the output so far, unless it is not valid yet, is plain text, or has not changed."""
        if not self._begun:
            return
        self._due = self._loop.time() + self._debounce_s
        try:
            value = await self._stream.validate_response_output(self._stream.response, allow_partial=True)
            if isinstance(value, str):
                return
            document = output_json(value, constants=self._constants)
        except Exception as error:  # pydantic's and the user's validators: not valid *yet* is no error
            _log.debug("no snapshot yet: %s", type(error).__name__)
            return
        if document != self._last:
            self._last = document
            await self._tell(document)
