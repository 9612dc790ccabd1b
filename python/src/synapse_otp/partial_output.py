"""Runs in the worker: snapshots of structured output while the model still writes it."""

from __future__ import annotations

import logging
import time
from typing import Any

from pydantic_ai.messages import FinalResultEvent
from pydantic_ai.result import AgentStream

from .convert import output_json

__all__ = ["PartialOutput"]

DEFAULT_DEBOUNCE_MS = 50

_log = logging.getLogger("synapse_otp.partial_output")


class PartialOutput:
    """Watches one model response and makes a snapshot whenever the output so far has become another valid one.

    Args:
        stream: The response that is being read.
        debounce_ms: Least time between two snapshots, in milliseconds; 0 for the default of 50.
        json_constants: Whether NaN and infinities are written as such.
    """

    def __init__(self, stream: AgentStream[Any, Any], debounce_ms: int, *, json_constants: bool = False) -> None:
        self._stream = stream
        self._constants = json_constants
        self._debounce_s = (debounce_ms or DEFAULT_DEBOUNCE_MS) / 1000
        self._begun = False
        self._due = 0.0
        self._last = b""

    async def after(self, event: object) -> bytes | None:
        """The snapshot to send after an event, as JSON; None if there is none, it is not time yet, or nothing changed."""
        if not self._begun:
            if not isinstance(event, FinalResultEvent):
                return None
            self._begun = True
        now = time.monotonic()
        if now < self._due:
            return None
        self._due = now + self._debounce_s
        return await self.snapshot()

    async def snapshot(self) -> bytes | None:
        """The output so far as JSON; None if it is not valid yet, is plain text, or has not changed."""
        if not self._begun:
            return None
        try:
            value = await self._stream.validate_response_output(self._stream.response, allow_partial=True)
            if isinstance(value, str):
                return None
            document = output_json(value, constants=self._constants)
        except Exception as error:  # pydantic's and the user's validators: not valid *yet* is no error
            _log.debug("no snapshot yet: %s", type(error).__name__)
            return None
        if document == self._last:
            return None
        self._last = document
        return document
