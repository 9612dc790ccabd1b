"""Runs in the worker: what is larger than a message may be, made to fit. A run that has acted is not to be lost for its size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc

from .errors import RunFailure
from .events import Chunk, Chunks
from .v1 import agent_pb2 as pb

__all__ = ["fit_chunk", "pieces", "point_to_output", "put_text", "text_of"]

_FRAME_BYTES = 512
"""More than ids, numbers and tags of a chunk take."""
_PIECE_BYTES = 1024 * 1024


def fit_chunk(chunk: Chunk, chunks: Chunks, max_bytes: int) -> list[Chunk]:
    """The chunks to send for one: itself, unless it is too large.

    A text is divided. Arguments and results of tools, parts and what other events hold are left out, and how many bytes they have is told;
    a snapshot of the output, citations and what a model is told of its mistake are left out altogether; an error
    goes without the messages of its run. An event of a front end's protocol can be neither divided nor left out.

    Args:
        chunk: The last one of `chunks`, and not too large once its largest field is out; that one is changed in place.
        chunks: Numbers those that are added.
        max_bytes: The limit of a message.

    Raises:
        RunFailure: ANSWER_TOO_LARGE for an event of a front end.
    """
    if chunk.ByteSize() <= max_bytes:
        return [chunk]
    text = text_of(chunk)
    if text is not None:
        first, *rest = _divide(text, max_bytes)
        put_text(chunk, first)
        return [chunk, *(_next_piece(chunk, piece, chunks) for piece in rest)]
    match chunk.WhichOneof("event"):
        case "partial_output_json" | "citations_delta" | "retry":
            chunks.take_back()
            return []
        case "tool_call" | "output_call" | "tool_result" | "output_result" | "part_end" | "pydantic_event" | "input_requested" as event:
            _leave_out(getattr(chunk, event), _LARGEST[event])
        case "frontend_text":
            raise RunFailure(
                pb.AGENT_ERROR_KIND_ANSWER_TOO_LARGE,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"one event of the answer is larger than max ({chunk.ByteSize()} vs. {max_bytes} bytes)",
            )
        case "failed":
            chunk.failed.messages_json = b""
            chunk.failed.truncated = True
        case "cancelled":
            chunk.cancelled.messages_json = b""
    return [chunk]


_LARGEST = {
    "tool_call": "args_json",
    "output_call": "args_json",
    "tool_result": "content_json",
    "output_result": "content_json",
    "part_end": "part_json",
    "pydantic_event": "event_json",
    "input_requested": "requests_json",
}


def text_of(chunk: Chunk) -> str | None:
    """The text of a delta; None for every other event."""
    match chunk.WhichOneof("event"):
        case "text_delta":
            return chunk.data
        case "thinking_delta":
            return chunk.thinking_delta.text
        case "tool_args_delta":
            return chunk.tool_args_delta.text
    return None


def put_text(chunk: Chunk, text: str) -> None:
    """Gives a delta another text; every other event stays as it is."""
    match chunk.WhichOneof("event"):
        case "text_delta":
            chunk.data = text
        case "thinking_delta":
            chunk.thinking_delta.text = text
        case "tool_args_delta":
            chunk.tool_args_delta.text = text


def _next_piece(chunk: Chunk, text: str, chunks: Chunks) -> Chunk:
    """A delta of the same part, with a text of its own."""
    event = chunk.WhichOneof("event")
    assert event is not None
    piece = chunks.make(**{event: getattr(chunk, event)})
    put_text(piece, text)
    return piece


def _leave_out(message: Any, field: str) -> None:
    message.omitted_bytes = len(getattr(message, field))
    setattr(message, field, b"")


def _divide(text: str, max_bytes: int) -> list[str]:
    # A character is at most 4 bytes of UTF-8.
    length = max(1, (max_bytes - _FRAME_BYTES) // 4)
    return [text[start : start + length] for start in range(0, len(text), length)]


def point_to_output(response: pb.RunResponse) -> None:
    """Takes the output out of an answer when the new messages hold the very same, and says where.

    Args:
        response: Changed in place.
    """
    is_text = response.kind == pb.OUTPUT_KIND_TEXT
    try:
        messages: list[Any] = json.loads(response.new_messages_json or b"[]")
        output = response.result if is_text else json.loads(response.output_json)
    except (ValueError, RecursionError):  # an integer of more digits, or a nesting deeper, than Python reads: sent twice, then
        return
    for message in range(len(messages) - 1, -1, -1):
        for part, held in enumerate(messages[message].get("parts", ())):
            if _holds(held, output, is_text=is_text):
                response.result = ""
                response.output_json = b""
                response.output_at.CopyFrom(pb.OutputAt(message=message, part=part))
                return


def _holds(part: dict[str, Any], output: Any, *, is_text: bool) -> bool:
    if is_text:
        return part.get("part_kind") == "text" and part.get("content") == output
    if part.get("part_kind") != "tool-call":
        return False
    args = part.get("args")
    try:
        # 1 == 1.0 == True in Python, but not in JSON.
        return json.dumps(json.loads(args) if isinstance(args, str) else args) == json.dumps(output)
    except (ValueError, RecursionError):
        return False  # what the model wrote as arguments may be any text


def pieces(response: pb.RunResponse, max_bytes: int) -> Iterator[bytes]:
    """An answer's binary form in pieces that fit into messages."""
    data = response.SerializeToString()
    length = min(max_bytes - _FRAME_BYTES, _PIECE_BYTES)
    for start in range(0, len(data), length):
        yield data[start : start + length]
