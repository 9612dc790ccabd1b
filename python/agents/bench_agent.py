"""An agent that does no work, for measuring everything around it.

A prompt "chunks:N" is answered with N deltas of five characters as fast as they are read; "collect" after a full
collection; any other prompt with "ok", at once.
"""

import gc
from collections.abc import AsyncIterator

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


def _collect(messages: list[ModelMessage]) -> None:
    last = messages[-1]
    if isinstance(last, ModelRequest) and getattr(last.parts[-1], "content", "") == "collect":
        gc.collect()


def _chunks(messages: list[ModelMessage]) -> int:
    last = messages[-1]
    prompt = str(getattr(last.parts[-1], "content", "")) if isinstance(last, ModelRequest) else ""
    return int(prompt.removeprefix("chunks:")) if prompt.startswith("chunks:") else 0


async def answer(messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    """The whole answer at once."""
    _collect(messages)
    return ModelResponse(parts=[TextPart("tick " * _chunks(messages) or "ok")])


async def stream(messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
    """The answer in deltas."""
    count = _chunks(messages)
    if count == 0:
        yield "ok"
    for _ in range(count):
        yield "tick "


agent = Agent(FunctionModel(answer, stream_function=stream, model_name="bench"))
