"""Runs in the worker: the gRPC server of one incarnation, from its socket to its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from pydantic_ai.agent import AbstractAgent

from .auth import TokenInterceptor
from .control import HostHello
from .convert import messages_json
from .describe import describe_agent
from .dry_run import dry_run
from .load_failure import LoadFailure, describe_exception
from .passing import is_mistake
from .run_work import watch_executors
from .runner import AgentRunner
from .servicer import AgentServicer
from .v1 import agent_pb2
from .v1.agent_pb2_grpc import add_AgentServiceServicer_to_server

__all__ = ["AgentServer"]

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_SERVICES = ("", agent_pb2.DESCRIPTOR.services_by_name["AgentService"].full_name)

_log = logging.getLogger("synapse_otp.server")


class AgentServer:
    """Serves one agent on one Unix socket, with health checks, behind the incarnation's token.

    Args:
        agent: The loaded agent.
        entry: What it was loaded from, quoted in errors.
        hello: The host's hello: socket, token, limits, identity.
    """

    def __init__(self, agent: AbstractAgent[Any, Any], entry: str, hello: HostHello) -> None:
        self._agent = agent
        self._entry = entry
        self._hello = hello
        self._health = health_aio.HealthServicer()
        self._entered = AsyncExitStack()
        self._server: grpc.aio.Server | None = None
        self._servicer: AgentServicer | None = None

    async def start(self) -> None:
        """Binds the socket, enters and warms up the agent, and turns healthy.

        Raises:
            LoadFailure: "warmup_failed" if the agent cannot be entered (a toolset that does not start, say), "serve_failed" if the socket
                cannot be bound.
        """
        hello = self._hello
        watch_executors(asyncio.get_running_loop())
        server = grpc.aio.server(
            interceptors=[TokenInterceptor(hello.token)],
            options=[
                ("grpc.max_send_message_length", hello.maxMessageBytes),
                ("grpc.max_receive_message_length", hello.maxMessageBytes),
                # A host that pings must not be told to calm down.
                ("grpc.http2.max_ping_strikes", 0),
                ("grpc.http2.min_ping_interval_without_data_ms", 50),
            ],
        )
        await self._set_health(_NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        await self._enter_agent()
        description = describe_agent(self._agent, await dry_run(self._agent))
        messages_json([])  # pydantic makes the serializer of messages on first use: 40 ms that the first run would pay
        self._servicer = AgentServicer(
            AgentRunner(self._agent, hello.incarnation),
            description,
            agent_id=hello.agentId,
            incarnation=hello.incarnation,
            max_message_bytes=hello.maxMessageBytes,
        )
        add_AgentServiceServicer_to_server(self._servicer, server)  # type: ignore[no-untyped-call]
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

    async def stop(self, grace_s: float) -> None:
        """Refuses new runs, lets running ones end within `grace_s` seconds, then stops and leaves the agent."""
        if self._server is None or self._servicer is None:
            await self._entered.aclose()
            return
        self._servicer.begin_drain()
        await self._health.enter_graceful_shutdown()
        if not await self._servicer.wait_idle(grace_s):
            self._servicer.end_runs()
            await self._servicer.wait_idle(0.2)
        await self._server.stop(0.1)
        try:
            await self._entered.aclose()
        except Exception:
            _log.exception("leaving the agent failed")

    async def _enter_agent(self) -> None:
        try:
            await self._entered.enter_async_context(self._agent)
        except (Exception, BaseExceptionGroup, SystemExit, asyncio.CancelledError) as error:
            raise LoadFailure(
                "warmup_failed",
                f'entry "{self._entry}" was loaded, but "async with agent" raised {describe_exception(error)}; the traceback shows where',
                error,
                retriable=not is_mistake(error),
            ) from error

    async def _set_health(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for service in _SERVICES:
            await self._health.set(service, status)
