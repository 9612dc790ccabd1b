"""Runs in the worker: makes an AgentError fit where it travels, the trailer of a call or the last message of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from urllib.parse import quote

import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.status_pb2 import Status

from .errors import Failure
from .v1 import agent_pb2 as pb

__all__ = ["MAX_IN_BAND_BYTES", "abort", "fit", "status_details", "status_message"]

# gRPC's metadata limit is 8 KiB at both ends; everything of ours together stays below 4 KiB. A binary trailer grows by a third in base64.
MAX_DETAILS_BYTES = 2400
MAX_MESSAGE_BYTES = 512
MAX_IN_BAND_BYTES = 64 * 1024

DETAILS_KEY = "grpc-status-details-bin"


async def abort(failure: Failure, context: grpc.aio.ServicerContext[Any, Any]) -> NoReturn:
    """Ends a call with what was wrong with it."""
    await context.abort(failure.code, status_message(failure.error.message), status_details(failure))


def status_message(message: str) -> str:
    """The message of a gRPC status: the first part of `message` that takes at most 512 bytes when percent-encoded."""
    text = message[:MAX_MESSAGE_BYTES]
    while len(quote(text, safe=" ")) > MAX_MESSAGE_BYTES:
        text = text[: len(text) * 3 // 4]
    return text if text == message else f"{text}…"


def status_details(failure: Failure) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata with google.rpc.Status around the AgentError, cut to fit; the run's messages go first.

    Args:
        failure: What ended the call. It is not changed.
    """
    error = pb.AgentError()
    error.CopyFrom(failure.error)
    code: int = failure.code.value[0]
    message = status_message(error.message)
    budget = MAX_DETAILS_BYTES - len(message.encode()) - 128
    if error.messages_json and error.ByteSize() > budget:
        error.messages_json = b""
        error.truncated = True
    fit(error, budget - len(error.messages_json))
    packed = AnyMessage()
    packed.Pack(error)
    status = Status(code=code, message=message, details=[packed])
    return ((DETAILS_KEY, status.SerializeToString()),)


def fit(error: pb.AgentError, max_bytes: int = MAX_IN_BAND_BYTES) -> pb.AgentError:
    """Cuts an AgentError until it has at most `max_bytes` (messages and usage aside); sets `truncated` if anything was cut.

    The kind, the type and the beginning of the message stay; inputs, bodies and the older part of tracebacks go first.

    Args:
        error: Changed in place.
        max_bytes: Default 64 KiB, what a stream's last message carries.
    """
    kept_messages = error.messages_json
    error.messages_json = b""
    for step in _STEPS:
        if error.ByteSize() <= max_bytes:
            break
        step(error)
        error.truncated = True
    error.messages_json = kept_messages
    return error


_EXTRA_BYTES = 256
"""Which option is wrong is told with every error that says so; larger facts go with the texts."""


def _every(error: pb.AgentError) -> Iterator[pb.AgentError]:
    yield error
    for cause in error.causes:
        yield from _every(cause)


def _cut_inputs(limit: int) -> Callable[[pb.AgentError], None]:
    def step(error: pb.AgentError) -> None:
        for each in _every(error):
            for issue in each.issues:
                if len(issue.input_json) > limit:
                    issue.input_json = b""
                if len(issue.ctx_json) > limit:
                    issue.ctx_json = b""

    return step


def _cut_texts(body: int, traceback: int, message: int) -> Callable[[pb.AgentError], None]:
    def step(error: pb.AgentError) -> None:
        for each in _every(error):
            each.body = _head(each.body, body)
            each.message = _head(each.message, message)
            each.traceback = _tail(each.traceback, traceback)
            if len(each.extra_json) > _EXTRA_BYTES:
                each.extra_json = b""

    return step


def _cut_issues(count: int) -> Callable[[pb.AgentError], None]:
    def step(error: pb.AgentError) -> None:
        for each in _every(error):
            del each.issues[count:]

    return step


def _cut_causes(depth: int) -> Callable[[pb.AgentError], None]:
    def step(error: pb.AgentError) -> None:
        each = error
        for _ in range(depth):
            if not each.causes:
                return
            del each.causes[1:]
            each = each.causes[0]
        del each.causes[:]

    return step


def _only_the_core(error: pb.AgentError) -> None:
    core = pb.AgentError(
        kind=error.kind,
        message=_head(error.message, 400),
        retriable=error.retriable,
        python_type=_head(error.python_type, 100),
        run_id=_head(error.run_id, 100),
        extra_json=error.extra_json,
    )
    error.CopyFrom(core)


_STEPS: tuple[Callable[[pb.AgentError], None], ...] = (
    _cut_inputs(1024),
    _cut_texts(body=8192, traceback=16384, message=8192),
    _cut_inputs(128),
    _cut_texts(body=512, traceback=1000, message=1000),
    _cut_issues(5),
    _cut_inputs(0),
    _cut_texts(body=200, traceback=500, message=400),
    _cut_causes(3),
    _cut_texts(body=0, traceback=300, message=300),
    _cut_issues(2),
    _cut_causes(1),
    _cut_texts(body=0, traceback=0, message=200),
    _only_the_core,
)


def _head(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…" if limit else ""


def _tail(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"…{text[-limit:]}" if limit else ""
