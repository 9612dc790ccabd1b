"""Runs in the zygote: goes every way of a run with agents of its own, so that a worker finds built what is built on first use.

No gRPC object and no thread comes of it, and nothing of the user's code is run.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.machinery
import logging
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, cast

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.models.test import TestModel

from .describe import describe_agent
from .logs import JsonLines
from .packing import gather_code
from .runner import AgentRunner
from .scripted import Fill, Say, Turn, scripted_model
from .servicer import AgentServicer, Context
from .v1 import agent_pb2 as pb

__all__ = ["rehearse", "rehearse_start"]

_ROUNDS = 2
"""What is cached at the second call only, is cached too."""

_LIMIT = 64 * 1024 * 1024


class _City(BaseModel):
    name: str
    inhabitants: int | None = None


class _Refused(Exception):
    """What a caller is told instead of an answer."""


class _Caller:
    """The other end of a call, as the servicer sees it."""

    async def write(self, chunk: pb.RunResponseChunk) -> None:
        """Takes a chunk."""
        chunk.SerializeToString()

    async def abort(self, code: object, details: str = "", trailing_metadata: object = ()) -> NoReturn:
        """Takes an error."""
        raise _Refused(code, details, trailing_metadata)

    def invocation_metadata(self) -> None:
        """It is in no trace."""

    def time_remaining(self) -> float | None:
        """It has time."""
        return None


def rehearse() -> None:
    """Runs for text, for structured output and into a failure, answered at once and streamed; describes; writes a line of the log."""
    try:
        for _ in range(_ROUNDS):
            asyncio.run(_run_everything())
        gather_code(lambda: asyncio.run(_run_everything()))
        for _ in range(_ROUNDS):
            asyncio.run(_run_everything())
    finally:
        _forget_loops()
    JsonLines("rehearsal", 1).format(logging.makeLogRecord({"msg": "a line", "levelno": logging.INFO}))


def rehearse_start() -> None:
    """Loads nothing, and runs for a text once: what every agent does first, and no more, since each page that is written to is kept."""
    asyncio.run(_serve(_text_agent(), streamed=False))
    _forget_loops()
    importlib.machinery.PathFinder.find_spec("synapse_otp_rehearsal", sys.path)
    compile("async def nothing(of: int = 1) -> None:\n    return None\n", "<rehearsal>", "exec")
    Path.cwd().joinpath("nothing.py").absolute().resolve().is_file()


def _forget_loops() -> None:
    """As in a process that has never had a loop: `asyncio.get_event_loop()` in the user's module makes one."""
    if sys.version_info < (3, 14):
        asyncio.set_event_loop_policy(None)


async def _run_everything() -> None:
    for agent in (_text_agent(), _typed_agent(), _failing_agent()):
        await _serve(agent, streamed=True)


async def _serve(agent: AbstractAgent[Any, Any], *, streamed: bool) -> None:
    servicer = AgentServicer(
        AgentRunner(agent, 1), partial(describe_agent, agent), agent_id="rehearsal", incarnation=1, max_message_bytes=_LIMIT
    )
    context = cast("Context", _Caller())
    request = pb.RunRequest(agent_id="rehearsal", prompt="hello", run_id="r", attempt=1, incarnation=1, output_once=True)
    request.stream.partial_output = True
    calls: list[Callable[[pb.RunRequest, Context], Coroutine[Any, Any, object]]] = [servicer.Run]
    if streamed:
        await servicer.Describe(pb.DescribeRequest(agent_id="rehearsal"), context)
        calls.append(servicer.RunStream)
    async with agent:
        for call in calls:
            # Each call in a task of its own, as gRPC has it.
            with contextlib.suppress(_Refused):
                await asyncio.create_task(call(pb.RunRequest.FromString(request.SerializeToString()), context))


def _text_agent() -> Agent[None, str]:
    return Agent(scripted_model(lambda _: Say("ok"), delay_ms=0))


def _typed_agent() -> Agent[None, _City]:
    def fill(_: Turn) -> Fill:
        return Fill({"name": "Delft", "inhabitants": 109_577})

    return Agent(scripted_model(fill, delay_ms=0), output_type=_City, instructions="Name a city.")


def _failing_agent() -> Agent[None, str]:
    agent = Agent(TestModel(call_tools=["look"]))

    @agent.tool_plain
    async def look(name: str) -> str:
        """Looks something up."""
        raise LookupError(name)

    return agent
