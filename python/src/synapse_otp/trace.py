"""Runs in the worker: the trace of the caller, in W3C's headers, goes on in what a run does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grpc.aio import Metadata
from opentelemetry import context, propagate, trace

from .logs import current_trace_id

__all__ = ["caller_trace"]


@contextmanager
def caller_trace(metadata: Metadata | None) -> Iterator[None]:
    """Makes the caller's span and baggage current: spans of pydantic-ai, and of tools, become its children.

    Args:
        metadata: The headers of a call.
    """
    carrier = {key: value for key, value in metadata or () if isinstance(value, str)}
    if "traceparent" not in carrier and "baggage" not in carrier:
        yield
        return
    caller = propagate.extract(carrier)
    span = trace.get_current_span(caller).get_span_context()
    if span.is_valid:
        current_trace_id.set(trace.format_trace_id(span.trace_id))  # the task is the call's own, and so is its context
    token = context.attach(caller)
    try:
        yield
    finally:
        context.detach(token)
