"""Runs in the worker: pydantic-ai's stream events as the contract's chunks."""

from __future__ import annotations

import json
from typing import Any

from pydantic_ai.messages import (
    FunctionToolCallEvent,
    FunctionToolResultEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolReturnPart,
)

from .json_text import write_json
from .utf8 import clean_text
from .v1 import agent_pb2 as pb

__all__ = ["Chunk", "Chunks"]

Chunk = pb.RunResponseChunk

_OUTCOMES = {
    "success": pb.TOOL_OUTCOME_SUCCESS,
    "failed": pb.TOOL_OUTCOME_FAILED,
    "retried": pb.TOOL_OUTCOME_RETRY,
    "denied": pb.TOOL_OUTCOME_DENIED,
    "interrupted": pb.TOOL_OUTCOME_INTERRUPTED,
}


class Chunks:
    """Makes the chunks of one run: each carries the run's id and attempt, and the next sequence number, from 1.

    Args:
        run_id: The host's id of the run.
        attempt: The host's count of attempts.
        json_constants: Whether NaN and infinities are written as such.
    """

    def __init__(self, run_id: str, attempt: int, *, json_constants: bool = False) -> None:
        self._constants = json_constants
        self._run_id = run_id
        self._attempt = attempt
        self._seq = 0
        self._text_deltas: dict[int, pb.TextDelta] = {}
        self.step = 0
        """The model request that the events belong to, from 1; 0 before the first."""

    def make(self, **event: Any) -> Chunk:
        """The next chunk, with one member of the `event` union (and `data`)."""
        self._seq += 1
        return Chunk(seq=self._seq, run_id=self._run_id, attempt=self._attempt, step=self.step, **event)

    def of_event(self, event: object) -> Chunk | None:
        """The chunk of one event; None for what the contract does not carry."""
        # The order is by frequency: a stream is mostly text deltas.
        if isinstance(event, PartDeltaEvent):
            delta = event.delta
            if isinstance(delta, TextPartDelta):
                return self._text(event.index, delta.content_delta)
            if isinstance(delta, ThinkingPartDelta):
                return self._thinking(event.index, delta.content_delta)
        elif isinstance(event, PartStartEvent):
            part = event.part
            if isinstance(part, TextPart):
                return self._text(event.index, part.content)
            if isinstance(part, ThinkingPart):
                return self._thinking(event.index, part.content)
        elif isinstance(event, FunctionToolCallEvent):
            return self._tool_call(event)
        elif isinstance(event, FunctionToolResultEvent):
            return self._tool_result(event.part)
        return None

    def _text(self, index: int, text: str) -> Chunk | None:
        if not text:
            return None
        delta = self._text_deltas.get(index)
        if delta is None:
            delta = self._text_deltas[index] = pb.TextDelta(part_index=index)
        try:
            return self.make(data=text, text_delta=delta)
        except (UnicodeEncodeError, ValueError):
            self._seq -= 1
            return self.make(data=clean_text(text), text_delta=delta)

    def _thinking(self, index: int, text: str | None) -> Chunk | None:
        if not text:
            return None
        return self.make(thinking_delta=pb.ThinkingDelta(part_index=index, text=clean_text(text)))

    def _tool_call(self, event: FunctionToolCallEvent) -> Chunk:
        part = event.part
        return self.make(
            tool_call=pb.ToolCall(
                tool_call_id=part.tool_call_id,
                tool_name=part.tool_name,
                args_json=self._args_json(part.args),
                # None: the call is settled without being made, which is no fault of its arguments.
                args_valid=event.args_valid is not False,
            )
        )

    def _tool_result(self, part: Any) -> Chunk:
        outcome = _OUTCOMES.get(part.outcome) if isinstance(part, ToolReturnPart) else pb.TOOL_OUTCOME_RETRY
        return self.make(
            tool_result=pb.ToolResult(
                tool_call_id=part.tool_call_id,
                tool_name=part.tool_name or "",
                content_json=self._json(part.content),
                outcome=outcome or pb.TOOL_OUTCOME_UNSPECIFIED,
            )
        )

    def _args_json(self, args: str | dict[str, Any] | None) -> bytes:
        """A call's arguments as one JSON document; what the model wrote that is no JSON becomes a JSON string."""
        if not args:
            return b"{}"
        if not isinstance(args, str):
            return self._json(args)
        try:
            json.loads(args, parse_constant=None if self._constants else _refuse)
        except ValueError:
            return self._json(args)
        return clean_text(args).encode()

    def _json(self, value: object) -> bytes:
        try:
            return write_json(value, constants=self._constants, fallback=str)
        except Exception:  # a tool may return anything; what it returned must not fail the run
            return write_json(_say(value), constants=False)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _say(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"a value of type {type(value).__qualname__}"
