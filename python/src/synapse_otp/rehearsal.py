"""Runs in the zygote: goes every way of a run with agents of its own, so that a worker finds built what is built on first use.

Nothing of the user's code is run. In the zygote no gRPC object and no thread comes of it; a blank, which forks nothing, serves a client.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.machinery
import json
import linecache
import logging
import os
import platform
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, cast

import anyio.lowlevel
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.models.test import TestModel

from .calls import Calls, Context
from .control import CONTRACT, FRAMEWORK, Control, read_hello
from .describe import describe_agent
from .ending import Ending
from .event_loop import EventLoop
from .gathering import gather
from .logs import JsonLines
from .recording import record
from .runner import AgentRunner
from .scripted import Fill, Say, Turn, scripted_model
from .server import create_server
from .servicer import AgentServicer
from .v1 import agent_pb2 as pb
from .v1.agent_pb2_grpc import AgentServiceStub, add_AgentServiceServicer_to_server

__all__ = ["called_runs", "gather_what_is_called", "rehearse", "rehearse_start"]

_ROUNDS = 3
"""What is cached at a later call only, is cached too: the interpreter rewrites code that has been called eight times. Each takes 24 ms."""

_LIMIT = 64 * 1024 * 1024

_STOP_S = 1.0
"""How long a server waits for its client to leave, in seconds: gRPC writes to stderr that calls are cancelled where there are none."""

_DIRECTLY = (("grpc.enable_http_proxy", 0),)
"""gRPC would ask the proxy of the environment (HTTP_PROXY, grpc_proxy) for this machine's own socket."""

_AGENT_ID = "rehearsal"


def _request(stream: pb.StreamOptions) -> pb.RunRequest:
    return pb.RunRequest(agent_id=_AGENT_ID, prompt="hello", run_id="r", attempt=1, incarnation=1, output_once=True, stream=stream)


_ANSWERED = _request(pb.StreamOptions(terminal_only=True))
_STREAMED = _request(pb.StreamOptions(partial_output=True))


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


def gather_what_is_called() -> None:
    """Copies what a start and the ways of a run call to one place."""
    asyncio.run(anyio.lowlevel.checkpoint())  # its back end is imported at its first use
    try:
        gather(record(lambda: asyncio.run(_run_everything()), called_runs()))
    finally:
        _forget_loops()


def called_runs() -> list[Callable[[], None]]:
    """The ways of a run one by one, and what every worker does."""
    ways = ((make, request) for make in _AGENTS for request in (_ANSWERED, _STREAMED))
    return [*(lambda make=make, request=request: asyncio.run(_serve(make(), request)) for make, request in ways), rehearse_start]


def rehearse(hurried: bool = False) -> None:
    """Runs for text, for structured output and into a failure, answered at once and streamed; describes; writes a line of the log.

    Args:
        hurried: Whether to do so once only, after which most of it is cached.
    """
    try:
        with _without_sources():
            for _ in range(1 if hurried else _ROUNDS):
                asyncio.run(_run_everything())
    finally:
        _forget_loops()
    JsonLines("rehearsal", 1).format(logging.makeLogRecord({"msg": "a line", "levelno": logging.INFO}))


@contextlib.contextmanager
def _without_sources() -> Iterator[None]:
    """Within this no traceback quotes its sources: 2 MB of text would be read, and leave as many holes."""
    read = linecache.updatecache
    linecache.updatecache = lambda *_: []
    try:
        yield
    finally:
        linecache.updatecache = read


def rehearse_start() -> None:
    """In a blank: says hello and serves one client by gRPC, and leaves nothing of that but pages that a worker would have to copy.

    It does no more than every agent does first, since each page that is written to is kept.
    """
    _say_hello()
    asyncio.run(_serve_a_client())
    _forget_loops()
    importlib.machinery.PathFinder.find_spec("synapse_otp_rehearsal", sys.path)
    compile("async def nothing(of: int = 1) -> None:\n    return None\n", "<rehearsal>", "exec")
    Path.cwd().joinpath("nothing.py").absolute().resolve().is_file()


def _forget_loops() -> None:
    """As in a process that has never had a loop: `asyncio.get_event_loop()` in the user's module makes one."""
    if sys.version_info < (3, 14):
        asyncio.set_event_loop_policy(None)


def _say_hello() -> None:
    """To itself, as a worker and its host do; the reader's thread ends with it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        control = Control(ours.fileno())
        ending = Ending(control)
        EventLoop(ending)
        hello = {
            "type": "hello",
            "framework": FRAMEWORK,
            "contract": CONTRACT,
            "socketPath": "",
            "token": "",
            "agentId": "",
            "incarnation": 1,
        }
        reader = threading.Thread(target=control.take, args=(json.dumps(hello).encode(),), daemon=True)
        reader.start()
        reader.join()
        read_hello(control.receive())
        control.send({"type": "hello", "framework": FRAMEWORK, "pid": os.getpid(), "python": platform.python_version()})
        control.deliver_to(ending.on_message)
        control.forget()
        _, own = control.descriptors
        os.close(own.fd)


async def _run_everything() -> None:
    for make in _AGENTS:
        await _serve(make(), _ANSWERED, _STREAMED)


async def _serve_a_client() -> None:
    """A client of this process asks for its health and for one run, by gRPC, as a host will."""
    token, address = secrets.token_hex(16), f"unix-abstract:synapse-{secrets.token_hex(16)}"
    metadata = (("authorization", f"Bearer {token}"),)
    agent = _text_agent("start")
    health = health_aio.HealthServicer()
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    server = create_server(token, _LIMIT)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    add_AgentServiceServicer_to_server(_servicer_of(agent), server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(address)
    await server.start()
    try:
        async with agent, grpc.aio.insecure_channel(address, _DIRECTLY) as channel:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), metadata=metadata)
            run = AgentServiceStub(channel).RunStream  # type: ignore[no-untyped-call]
            async for _ in run(_ANSWERED, metadata=metadata):
                pass
    finally:
        await server.stop(_STOP_S)


async def _serve(agent: AbstractAgent[Any, Any], *requests: pb.RunRequest) -> None:
    servicer = _servicer_of(agent)
    context = cast("Context", _Caller())
    await servicer.Describe(pb.DescribeRequest(agent_id=_AGENT_ID), context)
    async with agent:
        for request in requests:
            # Each call in a task of its own, as gRPC has it.
            with contextlib.suppress(_Refused):
                await asyncio.create_task(servicer.RunStream(pb.RunRequest.FromString(request.SerializeToString()), context))


def _servicer_of(agent: AbstractAgent[Any, Any]) -> AgentServicer:
    return AgentServicer(AgentRunner(agent, 1), partial(describe_agent, agent), Calls(_AGENT_ID, 1), max_message_bytes=_LIMIT)


def _text_agent(name: str = "rehearsal") -> Agent[None, str]:
    """Of each name of an agent pydantic-ai builds the steps of a run once, of each name of a model it looks up the price once."""
    return Agent(scripted_model(lambda _: Say("ok"), delay_ms=0, name=name), name=name)


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


_AGENTS = (_text_agent, _typed_agent, _failing_agent)
