"""Runs in the worker: bytes that are no message of the contract are told as that; gRPC would blame the servicer for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from .error_wire import abort
from .errors import RunFailure, describe_exception, invalid

__all__ = ["DecodingInterceptor"]

Context = grpc.aio.ServicerContext[Any, Any]
Decode = Callable[[bytes], Any]


class DecodingInterceptor(grpc.aio.ServerInterceptor):
    """Ends a call whose request cannot be decoded with INVALID_ARGUMENT and an AgentError; in a stream of requests, reading raises that."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Takes the decoding of requests over from gRPC."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_deserializer is None:
            return handler
        decode, encode = _decoder(handler.request_deserializer), handler.response_serializer
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(_decoding_stream(handler.stream_stream, decode), None, encode)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(_decoding(handler.unary_stream, decode), None, encode)
        return grpc.unary_unary_rpc_method_handler(_decoding(handler.unary_unary, decode), None, encode)


def _decoder(deserialize: Decode) -> Decode:
    def decode(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError as error:
            raise invalid(f"{len(data)} bytes came that are no message of the contract ({error})") from error

    return decode


def _decoding(behaviour: Any, decode: Decode) -> Any:
    async def call(data: bytes, context: Context) -> Any:
        try:
            request = decode(data)
        except RunFailure as error:
            await abort(describe_exception(error, run_id=""), context)
        return await behaviour(request, context)

    return call


def _decoding_stream(behaviour: Any, decode: Decode) -> Any:
    async def decoded(messages: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for data in messages:
            yield decode(data)

    async def call(messages: AsyncIterator[bytes], context: Context) -> Any:
        return await behaviour(decoded(messages), context)

    return call
