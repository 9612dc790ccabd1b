"""Runs in the worker: what went wrong in a run, as an AgentError with its causes and a gRPC status.

The kinds and codes follow pydantic-ai's exceptions; whatever it does not know is user code's (UNKNOWN, USER_CODE).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import grpc
from pydantic import ValidationError
from pydantic_ai import exceptions as pai

from .json_text import write_json
from .tracebacks import user_traceback
from .utf8 import clean_text
from .v1 import agent_pb2 as pb

__all__ = ["Failure", "RunFailure", "describe_exception", "invalid"]

_Code = grpc.StatusCode
_MAX_CAUSES_DEEP = 8
_MAX_MEMBERS = 8
_MAX_ISSUES = 50
_LIMIT_NAME = re.compile(r"`?(\w+_limit)\b")
_TOOL_NAME = re.compile(r"Tool '([^']+)' exceeded max retries")


class RunFailure(Exception):
    """A run that the bridge itself refuses or ends: a bad request, draining, a deadline.

    Args:
        kind: The AgentErrorKind.
        code: The gRPC status.
        message: For people.
        retriable: Whether the same run may succeed when tried again.
        field: The field of the request that is wrong, by its name in the contract.
    """

    def __init__(self, kind: pb.AgentErrorKind, code: grpc.StatusCode, message: str, *, retriable: bool = False, field: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.kind = kind
        self.code = code
        self.retriable = retriable
        self.tool_name = ""
        self.tool_call_id = ""


def invalid(message: str, field: str = "") -> RunFailure:
    """A request that breaks the contract: VALIDATION, INVALID_ARGUMENT; `field` is the one that does."""
    return RunFailure(pb.AGENT_ERROR_KIND_VALIDATION, grpc.StatusCode.INVALID_ARGUMENT, message, field=field)


@dataclass(frozen=True)
class Failure:
    """An exception as the wire carries it."""

    code: grpc.StatusCode
    error: pb.AgentError


@dataclass(frozen=True)
class _Verdict:
    kind: pb.AgentErrorKind
    code: grpc.StatusCode
    retriable: bool = False


def describe_exception(exc: BaseException, *, run_id: str = "") -> Failure:
    """Describes an exception that ended a run.

    Args:
        exc: The exception, with its causes.
        run_id: The host's id of the run.
    """
    verdict = _judge(exc)
    error = _agent_error(exc, verdict, 0, set())
    error.run_id = run_id
    if not (isinstance(exc, RunFailure) and exc.__cause__ is None):
        error.traceback = clean_text(user_traceback(exc))
    return Failure(verdict.code, error)


def _agent_error(exc: BaseException, verdict: _Verdict, depth: int, seen: set[int]) -> pb.AgentError:
    seen.add(id(exc))
    error = pb.AgentError(
        kind=verdict.kind,
        message=_message(exc, verdict.kind),
        retriable=verdict.retriable,
        python_type=_qualified_name(exc),
    )
    _add_facts(error, exc)
    if depth < _MAX_CAUSES_DEEP:
        for cause in _causes(exc)[:_MAX_MEMBERS]:
            if id(cause) not in seen:
                error.causes.append(_agent_error(cause, _judge(cause), depth + 1, seen))
    return error


def _judge(exc: BaseException) -> _Verdict:
    """The kind, status and retriability of one exception, causes aside (but for how a model's misbehaviour is named)."""
    match exc:
        case RunFailure():
            return _Verdict(exc.kind, exc.code, exc.retriable)
        case pai.RunTimedOut():
            return _Verdict(pb.AGENT_ERROR_KIND_DEADLINE, _Code.DEADLINE_EXCEEDED)
        case pai.RunCancelled() | asyncio.CancelledError():
            return _Verdict(pb.AGENT_ERROR_KIND_CANCELLED, _Code.CANCELLED)
        case pai.UsageLimitExceeded():
            return _Verdict(pb.AGENT_ERROR_KIND_USAGE_LIMIT_EXCEEDED, _Code.RESOURCE_EXHAUSTED)
        case pai.ConcurrencyLimitExceeded():
            return _Verdict(pb.AGENT_ERROR_KIND_CONCURRENCY_LIMIT, _Code.RESOURCE_EXHAUSTED, True)
        case pai.SuspendedResponseExpired():
            return _Verdict(pb.AGENT_ERROR_KIND_SUSPENDED_EXPIRED, _Code.FAILED_PRECONDITION)
        case pai.UnexpectedModelBehavior():
            return _judge_model_behavior(exc)
        case pai.ModelAPIError():
            return _judge_model_api(exc)
        case pai.FallbackExceptionGroup():
            retriable = any(_judge(member).retriable for member in exc.exceptions)
            code = _Code.UNAVAILABLE if retriable else _Code.FAILED_PRECONDITION
            return _Verdict(pb.AGENT_ERROR_KIND_FALLBACK, code, retriable)
        case pai.AgentRunError() if isinstance(exc, TimeoutError):
            return _Verdict(pb.AGENT_ERROR_KIND_HOOK_TIMEOUT, _Code.DEADLINE_EXCEEDED, True)
        case pai.UserError():
            code = _Code.INVALID_ARGUMENT if _is_about_the_request(exc) else _Code.FAILED_PRECONDITION
            return _Verdict(pb.AGENT_ERROR_KIND_USER_ERROR, code)
        case pai.ModelRetry() | pai.ToolRetryError():
            return _Verdict(pb.AGENT_ERROR_KIND_MODEL_RETRY, _Code.ABORTED, True)
        case ValidationError():
            return _Verdict(pb.AGENT_ERROR_KIND_VALIDATION, _Code.UNKNOWN)
        case BaseExceptionGroup() if len(exc.exceptions) == 1:
            return _judge(exc.exceptions[0])
    return _Verdict(pb.AGENT_ERROR_KIND_USER_CODE, _Code.UNKNOWN)


def _judge_model_behavior(exc: pai.UnexpectedModelBehavior) -> _Verdict:
    if isinstance(exc, pai.ContentFilterError):
        return _Verdict(pb.AGENT_ERROR_KIND_CONTENT_FILTER, _Code.FAILED_PRECONDITION)
    if isinstance(exc, pai.IncompleteToolCall):
        return _Verdict(pb.AGENT_ERROR_KIND_INCOMPLETE_TOOL_CALL, _Code.FAILED_PRECONDITION)
    # pydantic-ai tells these apart only by their text.
    if exc.message.startswith("Exceeded maximum output retries"):
        return _Verdict(pb.AGENT_ERROR_KIND_OUTPUT_VALIDATION, _Code.ABORTED, True)
    if _TOOL_NAME.match(exc.message):
        return _Verdict(pb.AGENT_ERROR_KIND_TOOL_RETRIES_EXHAUSTED, _Code.ABORTED, True)
    return _Verdict(pb.AGENT_ERROR_KIND_UNEXPECTED_MODEL_BEHAVIOR, _Code.ABORTED, True)


def _judge_model_api(exc: pai.ModelAPIError) -> _Verdict:
    kind = pb.AGENT_ERROR_KIND_MODEL_HTTP if isinstance(exc, pai.ModelHTTPError) else pb.AGENT_ERROR_KIND_MODEL_API
    status = exc.status_code if isinstance(exc, pai.ModelHTTPError) else None
    if isinstance(exc, pai.ModelQuotaExceededError):
        return _Verdict(kind, _Code.RESOURCE_EXHAUSTED)
    if isinstance(exc, pai.ModelRateLimitError) or status == 429:
        return _Verdict(kind, _Code.RESOURCE_EXHAUSTED, True)
    if isinstance(exc, pai.ModelRequestRejectedError):
        return _Verdict(kind, _Code.FAILED_PRECONDITION)
    if status is not None and status < 500 and status not in (408, 409):
        return _Verdict(kind, _Code.FAILED_PRECONDITION)
    return _Verdict(kind, _Code.UNAVAILABLE, True)


def _is_about_the_request(exc: pai.UserError) -> bool:
    return "Unknown model" in exc.message or "run_id" in exc.message


def _message(exc: BaseException, kind: pb.AgentErrorKind) -> str:
    text = _said(exc)
    name = type(exc).__name__
    if kind == pb.AGENT_ERROR_KIND_USER_CODE and not isinstance(exc, RunFailure):
        return f"{name}: {text}" if text else name
    return text or name


def _said(exc: BaseException) -> str:
    """What an exception says of itself; one that raises while it does keeps its type, its traceback and its causes."""
    try:
        return clean_text(str(exc.message if isinstance(exc, pai.AgentRunError) else exc))
    except Exception as error:
        return f"(its text cannot be told: {type(error).__name__})"


def _qualified_name(exc: BaseException) -> str:
    kind = type(exc)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _causes(exc: BaseException) -> list[BaseException]:
    if isinstance(exc, BaseExceptionGroup):
        return list(exc.exceptions)
    if exc.__cause__ is not None:
        return [exc.__cause__]
    if exc.__context__ is not None and not exc.__suppress_context__:
        return [exc.__context__]
    return []


def _add_facts(error: pb.AgentError, exc: BaseException) -> None:
    if isinstance(exc, RunFailure):
        error.tool_name = exc.tool_name
        error.tool_call_id = exc.tool_call_id
        if exc.field:
            error.extra_json = _json({"field": exc.field})
        if isinstance(exc.__cause__, ValidationError):
            _add_facts(error, exc.__cause__)
    elif isinstance(exc, ValidationError):
        error.issues.extend(_issue(item) for item in _errors_of(exc)[:_MAX_ISSUES])
    elif isinstance(exc, pai.ToolRetryError):
        part = exc.tool_retry
        error.tool_name = getattr(part, "tool_name", None) or ""
        error.tool_call_id = getattr(part, "tool_call_id", None) or ""
        if isinstance(part.content, list):
            error.issues.extend(_issue(item) for item in part.content[:_MAX_ISSUES] if isinstance(item, dict))
    elif isinstance(exc, pai.ModelAPIError):
        error.model_name = exc.model_name
        if exc.retry_after is not None:
            error.retry_after_s = exc.retry_after
        if isinstance(exc, pai.ModelHTTPError):
            error.http_status = exc.status_code
        if exc.body is not None:
            error.body = clean_text(exc.body) if isinstance(exc.body, str) else _json(exc.body).decode()
    elif isinstance(exc, pai.UnexpectedModelBehavior):
        error.body = clean_text(exc.body or "")
        if tool := _TOOL_NAME.match(exc.message):
            error.tool_name = tool[1]
    elif isinstance(exc, pai.UsageLimitExceeded) and (limit := _LIMIT_NAME.search(exc.message)):
        error.limit_name = limit[1]


def _errors_of(exc: ValidationError) -> list[Any]:
    try:
        return list(exc.errors(include_url=False))
    except Exception:  # a context that holds what raises when it is told
        return list(exc.errors(include_url=False, include_context=False, include_input=False))


def _issue(item: Any) -> pb.ValidationIssue:
    """One entry of `errors()`; pydantic-ai leaves `input` out where it would repeat itself."""
    issue = pb.ValidationIssue(
        type=str(item.get("type", "")), loc_json=_json(item.get("loc", ())), msg=clean_text(str(item.get("msg", "")))
    )
    if "input" in item:
        issue.input_json = _json(item["input"])
    if "ctx" in item:
        issue.ctx_json = _json(item["ctx"])
    return issue


def _json(value: Any) -> bytes:
    """A value as JSON, whatever it is: an error must not fail while it is described."""
    try:
        return write_json(value, constants=False, fallback=str)
    except Exception:  # a repr that raises, say
        return write_json(f"a value of type {type(value).__qualname__}", constants=False)
