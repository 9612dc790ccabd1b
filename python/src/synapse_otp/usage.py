"""Runs in the worker: what a run has used, as the contract counts it."""

from __future__ import annotations

import logging
import math
from decimal import Decimal
from typing import Any

from pydantic_ai.usage import RunUsage

from .utf8 import clean_text
from .v1 import agent_pb2 as pb

__all__ = ["usage_message"]

_MOST = 2**53 - 1
"""What JavaScript counts exactly."""

_log = logging.getLogger("synapse_otp.run")


def usage_message(usage: RunUsage) -> pb.Usage:
    """Usage in the contract's names: request_tokens are input_tokens, response_tokens are output_tokens.

    A count that no run has, such as one beyond 2^53 - 1, is a model's mistake: it is told as the nearest that fits, and logged.

    Args:
        usage: What pydantic-ai has added up.
    """
    return pb.Usage(
        request_tokens=_count(usage, "input_tokens"),
        response_tokens=_count(usage, "output_tokens"),
        total_tokens=_count(usage, "total_tokens"),
        requests=_count(usage, "requests"),
        tool_calls=_count(usage, "tool_calls"),
        cache_read_tokens=_count(usage, "cache_read_tokens"),
        cache_write_tokens=_count(usage, "cache_write_tokens"),
        input_audio_tokens=_count(usage, "input_audio_tokens"),
        # Not in every version that a worker may have.
        output_audio_tokens=_count(usage, "output_audio_tokens"),
        cache_audio_read_tokens=_count(usage, "cache_audio_read_tokens"),
        reasoning_tokens=_count(usage, "output_reasoning_tokens"),
        cache_write_1h_tokens=_count(usage, "cache_write_1h_tokens"),
        audio_seconds=_seconds(getattr(usage, "audio_seconds", 0.0)),
        unmeasured_requests=_count(usage, "unmeasured_requests"),
        details={clean_text(str(name)): _fitting(count, f"details.{name}") for name, count in usage.details.items()},
        cost=_cost(getattr(usage, "cost", None)),
    )


def _count(usage: RunUsage, name: str) -> int:
    return _fitting(getattr(usage, name, 0), name)


def _fitting(count: Any, name: str) -> int:
    whole = int(count or 0)
    fitting = max(-_MOST, min(_MOST, whole))
    if fitting != whole:
        _log.warning("a model counts %s as %s, which no run has; it is told as %s", name, whole, fitting)
    return fitting


def _seconds(seconds: float) -> float:
    return seconds if math.isfinite(seconds) else 0.0


def _cost(cost: Decimal | None) -> str:
    """A decimal number; empty when unknown, which NaN is too."""
    return "" if cost is None or not cost.is_finite() else f"{cost:f}"
