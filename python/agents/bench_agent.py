"""An agent that does no work, for measuring everything around it.

A prompt "chunks:N" is answered with N deltas of five characters as fast as they are read; "chunks:N:US" with as many, each after US µs
of processor time; "work:US" with "ok" after as much; "collect" after a full collection; any other prompt with "ok", at once.
"""

import gc
import time
from collections.abc import AsyncIterator

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


def _collect(messages: list[ModelMessage]) -> None:
    last = messages[-1]
    if isinstance(last, ModelRequest) and getattr(last.parts[-1], "content", "") == "collect":
        gc.collect()


def _asked(messages: list[ModelMessage]) -> tuple[int, int]:
    """How many chunks, and how many microseconds of work for each, or for the answer."""
    last = messages[-1]
    prompt = str(getattr(last.parts[-1], "content", "")) if isinstance(last, ModelRequest) else ""
    kind, *numbers = prompt.split(":")
    if kind == "chunks":
        return int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
    return 0, int(numbers[0]) if kind == "work" else 0


def _work(us: int) -> None:
    until = time.thread_time_ns() + us * 1_000
    while us > 0 and time.thread_time_ns() < until:
        pass


async def answer(messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    """The whole answer at once."""
    _collect(messages)
    count, us = _asked(messages)
    _work(us)
    return ModelResponse(parts=[TextPart("tick " * count or "ok")])


async def stream(messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
    """The answer in deltas."""
    count, us = _asked(messages)
    if count == 0:
        _work(us)
        yield "ok"
    for _ in range(count):
        _work(us)
        yield "tick "


agent = Agent(FunctionModel(answer, stream_function=stream, model_name="bench"))
