"""Runs in the worker: only the host that started this incarnation may call it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

__all__ = ["TokenInterceptor"]

_MESSAGE = "the call does not carry this incarnation's token"


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Answers UNAUTHENTICATED to every call, health checks included, whose `authorization` is not `Bearer <token>`.

    Args:
        token: The incarnation's token, 64 hexadecimal digits.
    """

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Lets a call with the token pass; compares in constant time."""
        given = b""
        for key, value in handler_call_details.invocation_metadata:
            if key == "authorization":
                given = value if isinstance(value, bytes) else value.encode()
        handler = await continuation(handler_call_details)
        if hmac.compare_digest(given, self._expected):
            return handler
        if handler is not None and handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(_refuse_stream)
        return grpc.unary_unary_rpc_method_handler(_refuse)


async def _refuse(_request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, _MESSAGE)


async def _refuse_stream(_request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, _MESSAGE)
