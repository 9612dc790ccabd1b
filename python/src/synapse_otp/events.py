"""Runs in the worker: pydantic-ai's stream events as the contract's chunks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic_ai.messages import (
    PartDeltaEvent,
    TextPartDelta,
    ToolReturnPart,
)

from .deferred import plain_requests, plain_results
from .json_text import say, write_json
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
        self._calls: dict[int, tuple[str, str]] = {}
        """Ids and names of the tool calls that the model writes, by their part."""
        self._whole: set[tuple[int, int]] = set()
        """Steps and indices of parts that have ended as they began."""
        self.step = 0
        """The model request that the events belong to, from 1; 0 before the first."""

    def make(self, **event: Any) -> Chunk:
        """The next chunk, with one member of the `event` union (and `data`)."""
        self._seq += 1
        return Chunk(seq=self._seq, run_id=self._run_id, attempt=self._attempt, step=self.step, **event)

    def of_input(self, event: pb.InputRequested | pb.InputAnswered) -> Chunk:
        """The chunk that tells of a wait."""
        return self.make(**{"input_requested" if isinstance(event, pb.InputRequested) else "input_answered": event})

    def take_back(self) -> None:
        """Gives the last number away again: the chunk that has it was joined to the one before."""
        self._seq -= 1

    def of_event(self, event: Any) -> Iterable[Chunk]:
        """The chunks of one event, of which pydantic-ai may have more kinds than are known here."""
        # A stream is mostly deltas of text.
        if isinstance(event, PartDeltaEvent):
            delta = event.delta
            if isinstance(delta, TextPartDelta) and not getattr(delta, "citations_delta", None):
                return self._text(event.index, delta.content_delta)
        kind = str(getattr(event, "event_kind", type(event).__name__))
        match kind:
            case "part_delta":
                return self._part_delta(event)
            case "part_start":
                return self._part_start(event)
            case "part_end":
                return self._part_end(event)
            case "function_tool_call":
                return (self.make(tool_call=self._tool_call(event)),)
            case "output_tool_call":
                return (self.make(output_call=self._tool_call(event)),)
            case "function_tool_result":
                return (self.make(tool_result=self._tool_result(event.part)),)
            case "output_tool_result":
                return (self.make(output_result=self._tool_result(event.part)),)
            case _:
                return (self._other(kind, event),)

    def of_retry(self, part: Any) -> Chunk:
        """The chunk that tells what the model is told of an answer that cannot be used.

        Args:
            part: pydantic-ai's `RetryFeedbackPart`.
        """
        retry = part.retry
        return self.make(
            retry=pb.ModelRetry(
                cause=clean_text(str(retry.cause)),
                content_json=self._json(part.content),
                attempt=retry.attempt or 0,
                max_retries=retry.max_retries or 0,
            )
        )

    def _part_start(self, event: Any) -> Iterable[Chunk]:
        part, index = event.part, event.index
        call_id, name = clean_text(getattr(part, "tool_call_id", None) or ""), clean_text(getattr(part, "tool_name", None) or "")
        if call_id or name:
            self._calls[index] = (call_id, name)
        yield self.make(part_start=pb.PartStart(part_index=index, part_kind=part.part_kind, tool_call_id=call_id, tool_name=name))
        match part.part_kind:
            case "text":
                yield from self._text(index, part.content)
            case "thinking":
                yield from self._thinking(index, part.content)
            case "tool-call" | "builtin-tool-call":
                yield from self._tool_args(index, part.args)
            case "speech":
                pass
            case _:
                # pydantic-ai says of a part without deltas only that it begins.
                self._whole.add((self.step, index))
                yield self._ended(index, part)

    def _part_delta(self, event: Any) -> Iterable[Chunk]:
        delta, index = event.delta, event.index
        match delta.part_delta_kind:
            case "text":
                yield from self._text(index, delta.content_delta)
                if citations := getattr(delta, "citations_delta", None):
                    citations = self._json(citations)
                    yield self.make(citations_delta=pb.CitationsDelta(part_index=index, citations_json=citations))
            case "thinking":
                yield from self._thinking(index, delta.content_delta)
            case "tool_call":
                if delta.tool_call_id or delta.tool_name_delta:
                    call_id, name = self._calls.get(index, ("", ""))
                    self._calls[index] = (clean_text(delta.tool_call_id or call_id), name + (delta.tool_name_delta or ""))
                yield from self._tool_args(index, delta.args_delta)
            case _:
                yield self._other("part_delta", event)

    def _part_end(self, event: Any) -> Iterable[Chunk]:
        if (self.step, event.index) not in self._whole:
            yield self._ended(event.index, event.part)

    def _ended(self, index: int, part: Any) -> Chunk:
        return self.make(part_end=pb.PartEnd(part_index=index, part_kind=part.part_kind, part_json=self._json(part)))

    def _text(self, index: int, text: str) -> Iterable[Chunk]:
        if not text:
            return ()
        delta = self._text_deltas.get(index)
        if delta is None:
            delta = self._text_deltas[index] = pb.TextDelta(part_index=index)
        try:
            return (self.make(data=text, text_delta=delta),)
        except (UnicodeEncodeError, ValueError):
            self._seq -= 1
            return (self.make(data=clean_text(text), text_delta=delta),)

    def _thinking(self, index: int, text: str | None) -> Iterable[Chunk]:
        if not text:
            return ()
        return (self.make(thinking_delta=pb.ThinkingDelta(part_index=index, text=clean_text(text))),)

    def _tool_args(self, index: int, args: str | dict[str, Any] | None) -> Iterable[Chunk]:
        if not args:
            return ()
        call_id, name = self._calls.get(index, ("", ""))
        text = clean_text(args) if isinstance(args, str) else self._json(args).decode()
        return (self.make(tool_args_delta=pb.ToolArgsDelta(part_index=index, tool_call_id=call_id, tool_name=clean_text(name), text=text)),)

    def _tool_call(self, event: Any) -> pb.ToolCall:
        part = event.part
        return pb.ToolCall(
            tool_call_id=clean_text(part.tool_call_id),
            tool_name=clean_text(part.tool_name),
            args_json=self._args_json(part.args),
            # None: the call is settled without being made, which is no fault of its arguments.
            args_valid=event.args_valid is not False,
        )

    def _tool_result(self, part: Any) -> pb.ToolResult:
        outcome = _OUTCOMES.get(part.outcome) if isinstance(part, ToolReturnPart) else pb.TOOL_OUTCOME_RETRY
        return pb.ToolResult(
            tool_call_id=clean_text(part.tool_call_id),
            tool_name=clean_text(part.tool_name or ""),
            content_json=self._json(part.content),
            outcome=outcome or pb.TOOL_OUTCOME_UNSPECIFIED,
        )

    def _other(self, kind: str, event: object) -> Chunk:
        told = self._json(_plain(kind, event))
        return self.make(pydantic_event=pb.PydanticEvent(kind=clean_text(kind), event_json=told))

    def _args_json(self, args: str | dict[str, Any] | None) -> bytes:
        """A call's arguments as one JSON document; what the model wrote that is no JSON becomes a JSON string."""
        if not args:
            return b"{}"
        if not isinstance(args, str):
            return self._json(args)
        try:
            json.loads(args, parse_constant=None if self._constants else _refuse)
        except (ValueError, RecursionError):  # a text that the tool's own validation refuses, too
            return self._json(args)
        return clean_text(args).encode()

    def _json(self, value: object) -> bytes:
        try:
            return write_json(value, constants=self._constants, fallback=say)
        except Exception:  # a tool may return anything; what it returned must not fail the run
            return write_json(say(value), constants=False)


def _plain(kind: str, event: Any) -> Any:
    """What is to be written of an event: pydantic-ai has rules of its own for what a run asks for and is answered."""
    match kind:
        case "deferred_tool_requests":
            return {"requests": plain_requests(event.requests)}
        case "deferred_tool_results":
            return {"results": plain_results(event.results)}
    return event


def _refuse(constant: str) -> None:
    raise ValueError(constant)
