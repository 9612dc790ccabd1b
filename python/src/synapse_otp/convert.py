"""Runs in the worker: the contract's messages to pydantic-ai's values, and back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import grpc
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
from pydantic_ai import DeferredToolRequests, DeferredToolResults, StructuredDict
from pydantic_ai import messages as pai_messages
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    RetryPromptPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
)
from pydantic_ai.run import AgentRun
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import UsageLimits
from pydantic_core import PydanticSerializationError

from .content import read_content
from .errors import RunFailure, invalid
from .json_text import say, write_json
from .messages import messages_json
from .request_json import read_json
from .usage import usage_message
from .utf8 import clean_text
from .v1 import agent_pb2 as pb

__all__ = [
    "RunArguments",
    "or_deferred",
    "output_json",
    "read_arguments",
    "run_response",
    "seconds_left",
]


_DEFERRED_RESULTS: TypeAdapter[DeferredToolResults] = TypeAdapter(DeferredToolResults)
_DEFERRED_REQUESTS: TypeAdapter[DeferredToolRequests] = TypeAdapter(DeferredToolRequests)


@dataclass(frozen=True)
class RunArguments:
    """What `agent.iter` is called with, apart from the model."""

    prompt: str | list[UserContent] | None
    run_id: str | None
    conversation_id: str | None
    message_history: list[ModelMessage] | None
    deps: Any
    output_type: Any
    deferred_tool_results: DeferredToolResults | None
    model_settings: ModelSettings | None
    usage_limits: UsageLimits | None
    instructions: str | None
    metadata: dict[str, Any] | None


def read_arguments(request: pb.RunRequest, agent: AbstractAgent[Any, Any], *, raw_deps: bool = False) -> RunArguments:
    """Checks a request and makes the arguments of the run.

    Args:
        request: As it came.
        agent: What it is for.
        raw_deps: Whether the dependencies stay the JSON value that they are; otherwise the agent's deps_type is made of it.

    Raises:
        RunFailure: VALIDATION if the history, the dependencies, the settings or the limits do not validate.
    """
    history = _history(request.message_history_json)
    if history and (request.prompt or request.content):
        history = _closed(history)
    return RunArguments(
        prompt=_prompt(request, going_on=bool(history)),
        run_id=f"{request.run_id}:{request.attempt}" if request.run_id else None,
        conversation_id=request.conversation_id or None,
        message_history=history,
        deps=read_json(request.deps_json or b"null", "deps_json") if raw_deps else _deps(request.deps_json, agent),
        output_type=_output_type(request, agent),
        deferred_tool_results=_deferred_results(request.deferred_results_json),
        model_settings=_settings(request.model_settings) if request.HasField("model_settings") else None,
        usage_limits=_limits(request.usage_limits) if request.HasField("usage_limits") else None,
        instructions=request.instructions or None,
        metadata=dict(request.metadata) or None,
    )


def _prompt(request: pb.RunRequest, *, going_on: bool) -> str | list[UserContent] | None:
    """The prompt; None for a run without one that goes on where its history ends."""
    if request.content:
        return read_content(request.content, "content")
    return request.prompt if request.prompt or not going_on else None


def _output_type(request: pb.RunRequest, agent: AbstractAgent[Any, Any]) -> Any:
    """The output type of the request; None for the agent's own."""
    own = _structured(request.output_schema_json)
    if not request.may_pause or request.HasField("frontend"):  # a front end has more to say of that
        return own
    return or_deferred(own, agent)


def or_deferred(own: Any, agent: AbstractAgent[Any, Any]) -> Any:
    """The output type of a run that may ask people, too.

    Args:
        own: What was asked for; None: the agent's own.
        agent: The loaded agent.
    """
    asked = agent.output_type if own is None else own
    types = list(asked) if isinstance(asked, list | tuple) else [asked]
    return own if DeferredToolRequests in types else [*types, DeferredToolRequests]


def _structured(data: bytes) -> Any:
    if not data:
        return None
    schema = read_json(data, "output_schema_json")
    if not isinstance(schema, dict):
        raise invalid("output_schema_json is not a JSON object", "output_schema_json")
    try:
        structured = StructuredDict(schema)
        # Asked for by the run as well, where it would be an error of nobody's: a $ref that leads nowhere, say.
        TypeAdapter(structured).json_schema()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise invalid(f"output_schema_json is no JSON Schema that pydantic-ai takes: {said}", "output_schema_json") from error
    return structured


def _deferred_results(data: bytes) -> DeferredToolResults | None:
    if not data:
        return None
    try:
        return _DEFERRED_RESULTS.validate_json(data)
    except ValidationError as error:
        raise invalid("deferred_results_json is not pydantic-ai's DeferredToolResults", "deferred_results_json") from error


def seconds_left(request: pb.RunRequest) -> float | None:
    """Time until the run has to end, in seconds, negative when it has passed; None for no deadline. To be asked when the request comes."""
    if request.HasField("time_left_ms"):
        return request.time_left_ms / 1000
    if request.deadline_unix_ms == 0:
        return None
    return request.deadline_unix_ms / 1000 - time.time()


def _history(data: bytes) -> list[ModelMessage] | None:
    if not data:
        return None
    try:
        return ModelMessagesTypeAdapter.validate_json(data)
    except ValidationError as error:
        raise invalid("message_history_json is not a list of pydantic-ai messages", "message_history_json") from error


def _closed(history: list[ModelMessage]) -> list[ModelMessage]:
    """A history that a prompt may follow: calls of a run that was paused or cut short are closed as interrupted."""
    parts = [part for message in history for part in message.parts]
    called = {part.tool_call_id for part in parts if isinstance(part, ToolCallPart)}
    answered = {part.tool_call_id for part in parts if isinstance(part, ToolReturnPart | RetryPromptPart)}
    repair = getattr(pai_messages, "repair_messages", None)  # not in every version that a worker may have
    return history if repair is None or called <= answered else list(repair(history))


def _deps(data: bytes, agent: AbstractAgent[Any, Any]) -> Any:
    if not data:
        return None
    kind = agent.deps_type
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation) as error:
        raise invalid(f"the agent's deps_type {kind!r} cannot be made from JSON; send no deps", "deps_json") from error
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        raise invalid(f"deps_json does not validate against the agent's deps_type {kind!r}", "deps_json") from error


_TYPED_SETTINGS = (
    ("max_tokens", "max_tokens"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("timeout_s", "timeout"),
    ("parallel_tool_calls", "parallel_tool_calls"),
    ("seed", "seed"),
    ("presence_penalty", "presence_penalty"),
    ("frequency_penalty", "frequency_penalty"),
    ("tool_choice", "tool_choice"),
    ("thinking", "thinking"),
)
_THINKING = {"true": True, "false": False}


def _settings(message: pb.ModelSettings) -> ModelSettings:
    settings: dict[str, Any] = {}
    if message.extra_json:
        extra = read_json(message.extra_json, "model_settings.extra_json")
        if not isinstance(extra, dict):
            raise invalid("model_settings.extra_json is not a JSON object", "model_settings.extra_json")
        settings.update(extra)
    for field, name in _TYPED_SETTINGS:
        if message.HasField(cast("Any", field)):
            settings[name] = getattr(message, field)
    if message.stop_sequences:
        settings["stop_sequences"] = list(message.stop_sequences)
    if message.HasField("thinking"):
        settings["thinking"] = _THINKING.get(message.thinking, message.thinking)
    return cast("ModelSettings", settings)


_LIMITS = (
    "request_limit",
    "tool_calls_limit",
    "input_tokens_limit",
    "output_tokens_limit",
    "total_tokens_limit",
    "per_request_input_tokens_limit",
)


def _limits(message: pb.UsageLimits) -> UsageLimits:
    limits: dict[str, Any] = {name: getattr(message, name) for name in _LIMITS if message.HasField(cast("Any", name))}
    if message.no_request_limit:
        limits["request_limit"] = None
    if message.HasField("cost_limit"):
        limits["cost_limit"] = _decimal(message.cost_limit, "usage_limits.cost_limit")
    return UsageLimits(count_tokens_before_request=message.count_tokens_before_request, **limits)


def _decimal(text: str, field: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():  # NaN is neither over a limit nor below it
        raise invalid(f"{field} is {text!r}; it must be a decimal number", field)
    return number


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
        deferred_json=_deferred_json(output) if paused else b"",
        new_messages_json=messages_json(new),
        all_messages_json=b"" if kept else messages_json(everything),
        run_id=request.run_id or result.run_id,
        conversation_id=clean_text(result.conversation_id),
        attempts=request.attempt or 1,
        model_name=clean_text(response.model_name or ""),
        finish_reason=clean_text(response.finish_reason or ""),
        incarnation=incarnation,
    )


def _deferred_json(requests: DeferredToolRequests) -> bytes:
    try:
        return _DEFERRED_REQUESTS.dump_json(requests, fallback=say, warnings=False)
    except (PydanticSerializationError, ValueError):  # a lone surrogate in what the model has written
        return write_json(_DEFERRED_REQUESTS.dump_python(requests, warnings=False), constants=False, fallback=say)


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
