"""Runs in the worker: the gRPC server of one incarnation, from its socket to its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from functools import partial
from typing import Any
from urllib.parse import quote

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from pydantic_ai.agent import AbstractAgent

from .auth import TokenInterceptor
from .calls import Calls
from .control import HostHello
from .decoding import DecodingInterceptor
from .deps_factory import DepsFactory
from .describe import describe_agent
from .ending import Ending, StopRequest
from .fetching import watch_downloads
from .load_failure import RAISED, LoadFailure, describe_exception
from .messages import messages_json
from .passing import is_mistake
from .run_work import watch_executors
from .runner import AgentRunner
from .servicer import AgentServicer
from .v1 import agent_pb2
from .v1.agent_pb2_grpc import add_AgentServiceServicer_to_server

__all__ = ["AgentServer", "create_server"]

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_SERVICES = ("", agent_pb2.DESCRIPTOR.services_by_name["AgentService"].full_name)

_ANSWER_S = 0.2
"""How long the answers of ended runs may take on their way; one that a paused reader holds up is given up, in seconds."""

_LEAVING_S = 5.0
"""How long an agent may take to be left that has ended by itself, in seconds."""

_log = logging.getLogger("synapse_otp.server")


def create_server(token: str, max_message_bytes: int) -> grpc.aio.Server:
    """A server with no service and no socket yet.

    Args:
        token: Whoever calls must send it.
        max_message_bytes: The largest message, both ways.
    """
    return grpc.aio.server(
        interceptors=[TokenInterceptor(token), DecodingInterceptor()],
        options=[
            ("grpc.max_send_message_length", max_message_bytes),
            ("grpc.max_receive_message_length", max_message_bytes),
            # A host that pings must not be told to calm down.
            ("grpc.http2.max_ping_strikes", 0),
            ("grpc.http2.min_ping_interval_without_data_ms", 50),
        ],
    )


class AgentServer:
    """Serves one agent on one Unix socket, with health checks, behind the incarnation's token.

    Args:
        agent: The loaded agent.
        entry: What it was loaded from, quoted in errors.
        hello: The host's hello: socket, token, limits, identity.
        deps_factory: Makes the dependencies of runs; None: the agent's deps_type does.
    """

    def __init__(self, agent: AbstractAgent[Any, Any], entry: str, hello: HostHello, deps_factory: DepsFactory | None = None) -> None:
        self._deps_factory = deps_factory
        self._agent = agent
        self._entry = entry
        self._hello = hello
        self._health = health_aio.HealthServicer()
        self._entered = AsyncExitStack()
        self._server: grpc.aio.Server | None = None
        self._calls: Calls | None = None

    async def start(self) -> None:
        """Binds the socket, enters the agent, and turns healthy. Of the user's code only what `async with agent` calls is run.

        Raises:
            LoadFailure: "warmup_failed" if the agent cannot be entered (a toolset that does not start, say), "serve_failed" if the socket
                cannot be bound.
        """
        hello = self._hello
        watch_executors(asyncio.get_running_loop())
        watch_downloads()
        server = create_server(hello.token, hello.maxMessageBytes)
        await self._set_health(_NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        await self._enter_agent()
        messages_json([])  # pydantic makes the serializer of messages on first use: 40 ms that the first run would pay
        calls = Calls(hello.agentId, hello.incarnation)
        servicer = AgentServicer(
            AgentRunner(self._agent, hello.incarnation, self._deps_factory),
            partial(describe_agent, self._agent, None if self._deps_factory is None else self._deps_factory.function),
            calls,
            max_message_bytes=hello.maxMessageBytes,
            tracebacks=hello.tracebacks,
        )
        add_AgentServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
        self._calls = calls
        try:
            # What follows "unix:" is part of a URI: a path with "%2F" or "#" in it would be another one.
            server.add_insecure_port(f"unix:{quote(hello.socketPath)}")
            await server.start()
        except (RuntimeError, OSError) as error:
            said, _, _ = describe_exception(error).partition("; set GRPC_VERBOSITY")
            message = f"the worker's socket \"{hello.socketPath}\" cannot be served: {said}; gRPC's own words are on stderr"
            raise LoadFailure("serve_failed", message, error, retriable=True) from error
        self._server = server
        await self._set_health(_SERVING)

    def begin_drain(self) -> None:
        """From now on new runs are refused unbegun; running ones go on."""
        if self._calls is not None:
            self._calls.begin_drain()

    async def wait_idle(self) -> None:
        """Waits until every run is answered."""
        if self._calls is not None:
            await self._calls.wait_idle(float("inf"))

    async def leave_broken(self, error: asyncio.CancelledError) -> RuntimeError:
        """Leaves an agent whose own code has cancelled the task that entered it, as a task group does whose tasks have failed.

        Args:
            error: The cancellation.

        Returns:
            What the worker ends with; its cause is what leaving the agent has raised, which knows why.
        """
        self.begin_drain()
        broken = RuntimeError("code of the agent or its toolsets has cancelled the task that entered the agent: it cannot serve any more")
        broken.__cause__ = error
        try:
            async with asyncio.timeout(_LEAVING_S):
                await self._entered.__aexit__(type(error), error, error.__traceback__)
        except BaseException as raised:
            broken.__cause__ = raised
        return broken

    async def stop(self, request: StopRequest, ending: Ending) -> None:
        """Lets running runs end, cancels what overstays, and leaves the agent. Nothing of it is cut short here: the host does that.

        Args:
            request: What the host grants.
            ending: Told of each step.
        """
        calls = self._calls
        if calls is not None:
            calls.begin_drain()
            await self._health.enter_graceful_shutdown()
            ending.enter("finishing its runs")
            if not await calls.wait_idle(request.drain_s):
                ending.enter("cancelling its runs")
                ending.cancel_runs(calls.end_runs)
                # A run that does not react, such as a blocking function in a thread, must not keep the agent from being left.
                if await calls.wait_over(request.left_s / 2):
                    await calls.wait_idle(_ANSWER_S)
        ending.enter("leaving the agent")
        try:
            await self._entered.aclose()
        except (Exception, SystemExit, asyncio.CancelledError):
            _log.exception("leaving the agent failed")
        # With runs that still clean up it would cancel them a second time.
        if self._server is not None and calls is not None and await calls.wait_over(0):
            await self._server.stop(_ANSWER_S)

    async def _enter_agent(self) -> None:
        try:
            await self._entered.enter_async_context(self._agent)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the worker is asked to end; or code of the agent's own has cancelled it
            raise self.entering_failed(error) from error
        except BaseException as error:
            raise self.entering_failed(error) from error

    def entering_failed(self, error: BaseException) -> LoadFailure:
        """What to tell of an agent that could not be entered.

        Args:
            error: What entering it has raised.
        """
        return LoadFailure(
            "warmup_failed",
            f'entry "{self._entry}" was loaded, but "async with agent" raised {RAISED}; the traceback shows where',
            error,
            retriable=not is_mistake(error),
        )

    async def _set_health(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for service in _SERVICES:
            await self._health.set(service, status)
