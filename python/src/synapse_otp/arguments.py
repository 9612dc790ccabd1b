"""Runs in the worker: a run's request as what pydantic-ai's `iter` is called with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
from pydantic_ai import DeferredToolResults
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
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import UsageLimits

from .content import read_content
from .deferred import or_deferred, read_results
from .errors import invalid
from .output_schema import read_output_schema
from .request_json import read_json
from .v1 import agent_pb2 as pb

__all__ = ["RunArguments", "read_arguments"]


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
        deferred_tool_results=read_results(request.deferred_results_json),
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
    own = read_output_schema(request.output_schema_json)
    if not request.may_pause or request.HasField("frontend"):  # a front end has more to say of that
        return own
    return or_deferred(own, agent)


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
