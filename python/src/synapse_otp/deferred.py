"""Runs in the worker: what a run asks of people and what they answer, pydantic-ai's deferred requests and results, as JSON and back."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_ai import DeferredToolRequests, DeferredToolResults
from pydantic_ai.agent import AbstractAgent
from pydantic_core import PydanticSerializationError

from .errors import invalid
from .json_text import say, write_json

__all__ = ["or_deferred", "plain_requests", "plain_results", "read_results", "write_requests"]

_REQUESTS: TypeAdapter[DeferredToolRequests] = TypeAdapter(DeferredToolRequests)
_RESULTS: TypeAdapter[DeferredToolResults] = TypeAdapter(DeferredToolResults)


def or_deferred(own: Any, agent: AbstractAgent[Any, Any]) -> Any:
    """The output type of a run that may ask people, too.

    Args:
        own: What was asked for; None: the agent's own.
        agent: The loaded agent.
    """
    asked = agent.output_type if own is None else own
    types = list(asked) if isinstance(asked, list | tuple) else [asked]
    return own if DeferredToolRequests in types else [*types, DeferredToolRequests]


def read_results(data: bytes) -> DeferredToolResults | None:
    """The answers that a request carries; None for none.

    Raises:
        RunFailure: VALIDATION if they do not validate.
    """
    if not data:
        return None
    try:
        return _RESULTS.validate_json(data)
    except ValidationError as error:
        raise invalid("deferred_results_json is not pydantic-ai's DeferredToolResults", "deferred_results_json") from error


def write_requests(requests: DeferredToolRequests) -> bytes:
    """What a paused run asks, as it goes into its answer."""
    try:
        return _REQUESTS.dump_json(requests, fallback=say, warnings=False)
    except (PydanticSerializationError, ValueError):  # a lone surrogate in what the model has written
        return write_json(_REQUESTS.dump_python(requests, warnings=False), constants=False, fallback=say)


def plain_requests(requests: DeferredToolRequests) -> Any:
    """What a run asks, as values that JSON has."""
    return _REQUESTS.dump_python(requests, mode="json", fallback=say, warnings=False)


def plain_results(results: DeferredToolResults) -> Any:
    """What a run is answered, as values that JSON has."""
    return _RESULTS.dump_python(results, mode="json", fallback=say, warnings=False)
