"""Runs in the worker: what kind of failure an exception is, its gRPC status, and whether the same run may succeed when tried again."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import grpc
from pydantic import ValidationError
from pydantic_ai import exceptions as pai

from .v1 import agent_pb2 as pb

__all__ = ["TOOL_NAME", "Verdict", "judge", "pydantic_ai_names"]

_Code = grpc.StatusCode
TOOL_NAME = re.compile(r"Tool '([^']+)' exceeded max retries")
"""How pydantic-ai says that a tool has failed in all its tries."""


@dataclass(frozen=True)
class Verdict:
    """What the host is told of an exception."""

    kind: pb.AgentErrorKind
    code: grpc.StatusCode
    retriable: bool = False


_USERS = Verdict(pb.AGENT_ERROR_KIND_USER_CODE, _Code.UNKNOWN)
_UNUSABLE = Verdict(pb.AGENT_ERROR_KIND_UNEXPECTED_MODEL_BEHAVIOR, _Code.ABORTED, True)
_USED_WRONGLY = Verdict(pb.AGENT_ERROR_KIND_USER_ERROR, _Code.FAILED_PRECONDITION)
_RETRY = Verdict(pb.AGENT_ERROR_KIND_MODEL_RETRY, _Code.ABORTED, True)
_FAILED = Verdict(pb.AGENT_ERROR_KIND_TOOL_FAILED, _Code.ABORTED)
_REJECTED = Verdict(pb.AGENT_ERROR_KIND_MODEL_REJECTED, _Code.FAILED_PRECONDITION)
_TIMEOUT = Verdict(pb.AGENT_ERROR_KIND_MODEL_TIMEOUT, _Code.UNAVAILABLE, True)
_API = Verdict(pb.AGENT_ERROR_KIND_MODEL_API, _Code.UNAVAILABLE, True)

VERDICTS: dict[str, Verdict] = {
    "RunCancelled": Verdict(pb.AGENT_ERROR_KIND_CANCELLED, _Code.CANCELLED),
    "RunTimedOut": Verdict(pb.AGENT_ERROR_KIND_DEADLINE, _Code.DEADLINE_EXCEEDED),
    "UsageLimitExceeded": Verdict(pb.AGENT_ERROR_KIND_USAGE_LIMIT_EXCEEDED, _Code.RESOURCE_EXHAUSTED),
    "ConcurrencyLimitExceeded": Verdict(pb.AGENT_ERROR_KIND_CONCURRENCY_LIMIT, _Code.RESOURCE_EXHAUSTED, True),
    "SuspendedResponseExpired": Verdict(pb.AGENT_ERROR_KIND_SUSPENDED_EXPIRED, _Code.FAILED_PRECONDITION),
    "HookTimeoutError": Verdict(pb.AGENT_ERROR_KIND_HOOK_TIMEOUT, _Code.DEADLINE_EXCEEDED, True),
    "AgentRunError": _USERS,
    # The answers of models.
    "UnexpectedModelBehavior": _UNUSABLE,
    "ContentFilterError": Verdict(pb.AGENT_ERROR_KIND_CONTENT_FILTER, _Code.FAILED_PRECONDITION),
    "OutputTokenLimitExceeded": Verdict(pb.AGENT_ERROR_KIND_OUTPUT_TOKEN_LIMIT, _Code.FAILED_PRECONDITION),
    "IncompleteToolCall": Verdict(pb.AGENT_ERROR_KIND_INCOMPLETE_TOOL_CALL, _Code.FAILED_PRECONDITION),
    # The providers of models.
    "ModelAPIError": _API,
    "ModelHTTPError": Verdict(pb.AGENT_ERROR_KIND_MODEL_HTTP, _Code.UNAVAILABLE, True),
    "ModelRateLimitError": Verdict(pb.AGENT_ERROR_KIND_MODEL_RATE_LIMIT, _Code.RESOURCE_EXHAUSTED, True),
    "ModelQuotaExceededError": Verdict(pb.AGENT_ERROR_KIND_MODEL_QUOTA, _Code.RESOURCE_EXHAUSTED),
    "ModelUnavailableError": Verdict(pb.AGENT_ERROR_KIND_MODEL_UNAVAILABLE, _Code.UNAVAILABLE, True),
    "ModelOverloadedError": Verdict(pb.AGENT_ERROR_KIND_MODEL_OVERLOADED, _Code.UNAVAILABLE, True),
    "ModelServerError": Verdict(pb.AGENT_ERROR_KIND_MODEL_SERVER, _Code.UNAVAILABLE, True),
    "ModelConnectionError": Verdict(pb.AGENT_ERROR_KIND_MODEL_CONNECTION, _Code.UNAVAILABLE, True),
    "ModelTimeoutError": _TIMEOUT,
    "ModelRequestTimeout": _TIMEOUT,
    "ModelRequestRejectedError": _REJECTED,
    "ModelContextWindowExceededError": Verdict(pb.AGENT_ERROR_KIND_CONTEXT_WINDOW, _Code.FAILED_PRECONDITION),
    "ModelAuthenticationError": Verdict(pb.AGENT_ERROR_KIND_MODEL_AUTHENTICATION, _Code.FAILED_PRECONDITION),
    "ModelNotFoundError": Verdict(pb.AGENT_ERROR_KIND_MODEL_NOT_FOUND, _Code.FAILED_PRECONDITION),
    "FallbackExceptionGroup": Verdict(pb.AGENT_ERROR_KIND_FALLBACK, _Code.FAILED_PRECONDITION),
    # What tools and validators say to the model.
    "ModelRetry": _RETRY,
    "ToolRetryError": _RETRY,
    "ToolFailed": _FAILED,
    "ToolFailedError": _FAILED,
    # How pydantic-ai is used.
    "UserError": _USED_WRONGLY,
    "UndrainedPendingMessagesError": _USED_WRONGLY,
    "ConversationConflict": Verdict(pb.AGENT_ERROR_KIND_CONVERSATION_CONFLICT, _Code.ABORTED),
    # Signals of hooks and tools: to reach the top, they were raised where nobody takes them.
    "CallDeferred": _USED_WRONGLY,
    "ApprovalRequired": _USED_WRONGLY,
    "SkipModelRequest": _USED_WRONGLY,
    "RetryModelRequest": _USED_WRONGLY,
    "SkipToolValidation": _USED_WRONGLY,
    "SkipToolExecution": _USED_WRONGLY,
    # Warnings, where the process makes errors of them.
    "MessageHistoryMutatedWarning": _USED_WRONGLY,
    "UnsupportedSettingWarning": _USED_WRONGLY,
    "CostCalculationFailedWarning": _USED_WRONGLY,
    "CostNotFoundWarning": _USED_WRONGLY,
    "UsageExtractionFailedWarning": _USED_WRONGLY,
    "UsageLimitUnavailableWarning": _USED_WRONGLY,
    "PydanticAIDeprecationWarning": _USED_WRONGLY,
}
"""By the names of pydantic-ai's classes: a version that lacks one needs no other table."""

_GENERAL = ("ModelHTTPError", "ModelAPIError", "UnexpectedModelBehavior", "AgentRunError", "UserError")
"""Said by an exception beside what it is in particular."""


def pydantic_ai_names(kind: type[BaseException]) -> list[str]:
    """The names of pydantic-ai's classes that an exception's class is or comes from and that are known here, what is particular first."""
    names = [each.__name__ for each in kind.__mro__ if each.__module__.partition(".")[0] == "pydantic_ai"]
    return sorted((name for name in names if name in VERDICTS), key=lambda name: name in _GENERAL)


def judge(exc: BaseException) -> Verdict:
    """The verdict on one exception; a group of one is its member. What nobody knows is user code's."""
    if isinstance(exc, asyncio.CancelledError):
        return VERDICTS["RunCancelled"]
    if isinstance(exc, ValidationError):
        return Verdict(pb.AGENT_ERROR_KIND_VALIDATION, _Code.UNKNOWN)
    if isinstance(exc, MemoryError):
        return Verdict(pb.AGENT_ERROR_KIND_OUT_OF_MEMORY, _Code.RESOURCE_EXHAUSTED)
    if names := pydantic_ai_names(type(exc)):
        return _refined(names[0], exc)
    if isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        return judge(exc.exceptions[0])
    return _USERS


def _refined(name: str, exc: Any) -> Verdict:
    """By what an exception holds, where its class does not say all."""
    verdict = VERDICTS[name]
    if name == "UnexpectedModelBehavior":
        # pydantic-ai tells these apart only by their text.
        if exc.message.startswith("Exceeded maximum output retries"):
            return Verdict(pb.AGENT_ERROR_KIND_OUTPUT_VALIDATION, _Code.ABORTED, True)
        if TOOL_NAME.match(exc.message):
            return Verdict(pb.AGENT_ERROR_KIND_TOOL_RETRIES_EXHAUSTED, _Code.ABORTED, True)
    elif name == "UserError" and ("Unknown model" in exc.message or "run_id" in exc.message):
        return Verdict(verdict.kind, _Code.INVALID_ARGUMENT)
    elif name == "FallbackExceptionGroup" and any(judge(member).retriable for member in exc.exceptions):
        return Verdict(verdict.kind, _Code.UNAVAILABLE, True)
    elif isinstance(exc, pai.ModelHTTPError):
        return _by_provider(name, exc, verdict)
    return verdict


def _by_provider(name: str, exc: pai.ModelHTTPError, verdict: Verdict) -> Verdict:
    status = exc.status_code
    if name == "ModelHTTPError" and status == 429:
        verdict = Verdict(verdict.kind, _Code.RESOURCE_EXHAUSTED, True)
    elif name == "ModelHTTPError" and status < 500 and status not in (408, 409):
        verdict = Verdict(verdict.kind, _Code.FAILED_PRECONDITION)
    told = getattr(exc, "provider_retry_hint", None)
    return verdict if told is None else Verdict(verdict.kind, verdict.code, told)
