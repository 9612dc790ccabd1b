"""Runs in the worker: what a run has come to, as the contract's answer."""

from __future__ import annotations

from typing import Any

import grpc
from pydantic_ai import DeferredToolRequests
from pydantic_ai.messages import ModelMessage
from pydantic_ai.run import AgentRun
from pydantic_core import PydanticSerializationError

from .deferred import write_requests
from .errors import RunFailure
from .json_text import write_json
from .messages import messages_json
from .usage import usage_message
from .utf8 import clean_text
from .v1 import agent_pb2 as pb

__all__ = ["output_json", "run_response"]


def run_response(
    run: AgentRun[Any, Any], request: pb.RunRequest, incarnation: int, history: list[ModelMessage] | None = None
) -> pb.RunResponse:
    """The answer of a finished run.

    Args:
        run: The run.
        request: What was asked.
        incarnation: Put in the answer.
        history: The messages of the request. What the run has made of them is told only where it is something else.

    Raises:
        RunFailure: USER_ERROR if the output cannot be written as JSON.
        RuntimeError: If the run ended without a result.
    """
    result = run.result
    if result is None:
        raise RuntimeError("the run ended without a result")
    output = result.output
    is_text = isinstance(output, str)
    paused = request.may_pause and isinstance(output, DeferredToolRequests)
    document = b"" if paused or (is_text and request.output_once) else output_json(output, constants=request.json_constants)
    response = result.response
    everything, new = result.all_messages(), result.new_messages()
    kept = everything[: len(everything) - len(new)] == (history or [])
    return pb.RunResponse(
        result=clean_text(output) if is_text else "" if request.output_once else document.decode(),
        usage=usage_message(result.usage),
        output_json=document,
        kind=pb.OUTPUT_KIND_DEFERRED if paused else pb.OUTPUT_KIND_TEXT if is_text else pb.OUTPUT_KIND_STRUCTURED,
        deferred_json=write_requests(output) if paused else b"",
        new_messages_json=messages_json(new),
        all_messages_json=b"" if kept else messages_json(everything),
        run_id=request.run_id or result.run_id,
        conversation_id=clean_text(result.conversation_id),
        attempts=request.attempt or 1,
        model_name=clean_text(response.model_name or ""),
        finish_reason=clean_text(response.finish_reason or ""),
        incarnation=incarnation,
    )


def output_json(output: object, *, constants: bool = False) -> bytes:
    """An agent's output as one JSON document: aliases as in its schema, bytes as base64; see `write_json`.

    Args:
        output: What the agent answered.
        constants: Whether NaN and infinities are written as such; otherwise they become null.

    Raises:
        RunFailure: USER_ERROR if pydantic does not know how to write it.
    """
    try:
        return write_json(output, constants=constants)
    except (PydanticSerializationError, ValueError) as error:
        deep = "depth exceeded" in str(error)
        why = "its models are nested too deeply for pydantic" if deep else "use an output_type that pydantic knows"
        raise RunFailure(
            pb.AGENT_ERROR_KIND_USER_ERROR,
            grpc.StatusCode.FAILED_PRECONDITION,
            f"the run has ended, but its output, of type {type(output).__qualname__}, cannot be written as JSON; {why}",
        ) from error
