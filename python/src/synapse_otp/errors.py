"""Runs in the worker: what went wrong in a run, as an AgentError with its causes and a gRPC status."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import Any

import grpc
from pydantic import ValidationError
from pydantic_ai import exceptions as pai

from .json_text import say, write_json
from .memory import words_of
from .tracebacks import user_traceback
from .utf8 import clean_text
from .v1 import agent_pb2 as pb
from .verdicts import TOOL_NAME, Verdict, judge, pydantic_ai_names

__all__ = ["Failure", "RunFailure", "describe_exception", "invalid", "kind_of"]

_MAX_CAUSES_DEEP = 8
_MAX_MEMBERS = 8
_MAX_ISSUES = 50
_LIMIT_NAME = re.compile(r"`?(\w+_limit)\b")


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


def kind_of(exc: BaseException) -> pb.AgentErrorKind:
    """What kind of failure an exception is."""
    return _verdict(exc).kind


@dataclass(frozen=True)
class Failure:
    """An exception as the wire carries it."""

    code: grpc.StatusCode
    error: pb.AgentError


def describe_exception(exc: BaseException, *, run_id: str = "", tracebacks: bool = True) -> Failure:
    """Describes an exception that ended a run.

    Args:
        exc: The exception, with its causes.
        run_id: The host's id of the run.
        tracebacks: Whether tracebacks, and what exceptions of user code say, may leave the worker.
    """
    verdict = _verdict(exc)
    error = _agent_error(exc, verdict, 0, set(), tracebacks)
    error.run_id = run_id
    if tracebacks and not (isinstance(exc, RunFailure) and exc.__cause__ is None):
        error.traceback = clean_text(user_traceback(exc))
    return Failure(verdict.code, error)


def _agent_error(exc: BaseException, verdict: Verdict, depth: int, seen: set[int], texts: bool) -> pb.AgentError:
    seen.add(id(exc))
    error = pb.AgentError(
        kind=verdict.kind,
        message=_message(exc, verdict.kind) if texts or not _is_told_by_user_code(exc) else _withheld(exc),
        retriable=verdict.retriable,
        python_type=_qualified_name(exc),
    )
    with contextlib.suppress(Exception):  # a model's class may hold anything where a text or a count is expected: those before it are told
        _add_facts(error, exc)
    if not texts:
        for issue in error.issues:
            issue.input_json = issue.ctx_json = b""
            if issue.type in _USERS_ISSUES:
                issue.msg = issue.type
    if depth < _MAX_CAUSES_DEEP:
        for cause in _causes(exc)[:_MAX_MEMBERS]:
            if id(cause) not in seen:
                error.causes.append(_agent_error(cause, _verdict(cause), depth + 1, seen, texts))
    return error


def _verdict(exc: BaseException) -> Verdict:
    return Verdict(exc.kind, exc.code, exc.retriable) if isinstance(exc, RunFailure) else judge(exc)


_USERS_ISSUES = ("value_error", "assertion_error")
"""The kinds of issues whose words are those of a validator's exception."""
_USERS_WORDS = ("ModelRetry", "ToolRetryError", "ToolFailed", "ToolFailedError")
"""pydantic-ai's exceptions that say what a tool or validator of the user wants said."""


def _is_told_by_user_code(exc: BaseException) -> bool:
    if isinstance(exc, RunFailure):
        return False
    if type(exc).__module__.partition(".")[0] != "pydantic_ai":
        return True
    return any(name in _USERS_WORDS for name in pydantic_ai_names(type(exc)))


def _withheld(exc: BaseException) -> str:
    if isinstance(exc, asyncio.CancelledError):
        return "the run was cancelled"
    if isinstance(exc, ValidationError):
        return f"{exc.error_count()} validation errors for {exc.title}"
    return f"{type(exc).__name__} (what it says stays in the worker; python.tracebacks shows it)"


def _message(exc: BaseException, kind: pb.AgentErrorKind) -> str:
    text = _said(exc)
    name = type(exc).__name__
    if kind in (pb.AGENT_ERROR_KIND_USER_CODE, pb.AGENT_ERROR_KIND_OUT_OF_MEMORY) and not isinstance(exc, RunFailure):
        return f"{name}: {text}" if text else name
    return text or name


def _said(exc: BaseException) -> str:
    """What an exception says of itself; one that raises while it does keeps its type, its traceback and its causes."""
    try:
        if isinstance(exc, MemoryError):
            return clean_text(words_of(exc))
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
        error.tool_name = clean_text(getattr(part, "tool_name", None) or "")
        error.tool_call_id = clean_text(getattr(part, "tool_call_id", None) or "")
        if isinstance(part.content, list):
            error.issues.extend(_issue(item) for item in part.content[:_MAX_ISSUES] if isinstance(item, dict))
    elif isinstance(exc, pai.ModelAPIError):
        error.model_name = clean_text(exc.model_name)
        error.provider_error_code = clean_text(getattr(exc, "provider_error_code", None) or "")
        error.provider_error_type = clean_text(getattr(exc, "provider_error_type", None) or "")
        if exc.retry_after is not None:
            error.retry_after_s = exc.retry_after
        if isinstance(exc, pai.ModelHTTPError):
            error.http_status = exc.status_code
        if exc.body is not None:
            error.body = clean_text(exc.body) if isinstance(exc.body, str) else _json(exc.body).decode()
    elif isinstance(exc, pai.UnexpectedModelBehavior):
        error.body = clean_text(exc.body or "")
        if tool := TOOL_NAME.match(exc.message):
            error.tool_name = clean_text(tool[1])
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
        return write_json(value, constants=False, fallback=say)
    except Exception:  # a repr that raises, say
        return write_json(f"a value of type {type(value).__qualname__}", constants=False)
