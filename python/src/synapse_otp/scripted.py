"""A model that answers from a script: offline, deterministic, word by word. For examples and tests, no network and no key.

A script is a function that is told the conversation so far and answers with a `Reply`: `Say` some text, `CallTools`, or `Fill` the
agent's structured output. `scripted_model` makes a pydantic-ai model of it, for runs with and without streaming.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from .environment import scripted_delay_ms

__all__ = ["CallTools", "Fill", "Reply", "Say", "Script", "Turn", "scripted_model"]

_WORD = re.compile(r"\S+\s*|\s+")
_JSON_PIECE_CHARACTERS = 12
# pydantic-ai asks a model for another answer in the user's place; it is not the user's prompt.
_RETRY_MARK = "<pyai:retry_feedback>"


@dataclass(frozen=True)
class Say:
    """Answer with text."""

    text: str


@dataclass(frozen=True)
class CallTools:
    """Call tools, in this order: pairs of a tool's name and its arguments."""

    calls: tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Fill:
    """Answer with the agent's structured output; streamed as JSON in pieces, so that a partial output grows."""

    value: Mapping[str, Any]


Reply = Say | CallTools | Fill


@dataclass(frozen=True)
class Turn:
    """What a script is told: the last user prompt, and what the tools have returned since then, by tool name."""

    prompt: str
    tool_returns: Mapping[str, Any] = field(default_factory=dict)


Script = Callable[[Turn], Reply | Awaitable[Reply]]


def scripted_model(script: Script, *, delay_ms: float | None = None, name: str = "scripted") -> FunctionModel:
    """A model that answers as a script says.

    Args:
        script: Called once for every model request; may be `async`.
        delay_ms: Pause before each word (or piece of JSON) of a streamed answer, in milliseconds. Default: `SYNAPSE_SCRIPTED_DELAY_MS`,
            else 20. An answer that is not streamed comes at once.
        name: The model's name.

    Raises:
        ValueError: If `delay_ms` is negative, or the environment variable is no number of 0 or more.
    """
    pause_ms = scripted_delay_ms() if delay_ms is None else delay_ms
    if pause_ms < 0:
        raise ValueError(f"delay_ms is {delay_ms!r}; it must be 0 or more")

    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        reply = await _ask(script, messages)
        if isinstance(reply, Say):
            return ModelResponse(parts=[TextPart(reply.text)])
        return ModelResponse(
            parts=[ToolCallPart(tool, dict(args), _call_id(tool, n)) for n, (tool, args) in enumerate(_calls(reply, info))]
        )

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        reply = await _ask(script, messages)
        if isinstance(reply, Say):
            for word in _WORD.findall(reply.text) or [""]:
                await asyncio.sleep(pause_ms / 1000)
                yield word
            return
        for index, (tool, args) in enumerate(_calls(reply, info)):
            yield {index: DeltaToolCall(tool, "", tool_call_id=_call_id(tool, index))}
            document = json.dumps(dict(args), ensure_ascii=False)
            for start in range(0, len(document), _JSON_PIECE_CHARACTERS):
                await asyncio.sleep(pause_ms / 1000)
                yield {index: DeltaToolCall(json_args=document[start : start + _JSON_PIECE_CHARACTERS])}

    return FunctionModel(answer, stream_function=stream, model_name=name)


async def _ask(script: Script, messages: list[ModelMessage]) -> Reply:
    reply = script(_turn(messages))
    return reply if isinstance(reply, Say | CallTools | Fill) else await reply


def _turn(messages: list[ModelMessage]) -> Turn:
    prompt = ""
    returns: dict[str, Any] = {}
    for message in messages:
        if not isinstance(message, ModelRequest):
            continue
        for part in message.parts:
            if isinstance(part, UserPromptPart):
                if _RETRY_MARK in str(part.content):
                    continue
                prompt = part.content if isinstance(part.content, str) else " ".join(c for c in part.content if isinstance(c, str))
                returns = {}
            elif isinstance(part, ToolReturnPart):
                returns[part.tool_name] = part.content
    return Turn(prompt, returns)


def _calls(reply: CallTools | Fill, info: AgentInfo) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    if isinstance(reply, CallTools):
        return reply.calls
    if not info.output_tools:
        raise ValueError("the script fills a structured output, but the agent's output_type is text")
    return ((info.output_tools[0].name, reply.value),)


def _call_id(tool: str, index: int) -> str:
    return f"{tool}-{index + 1}"
