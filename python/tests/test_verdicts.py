"""Every exception of the installed pydantic-ai has its kind, and its facts arrive."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pydantic_ai
import pytest
from pydantic_ai import Agent, ModelRetry, RunContext, exceptions
from pydantic_ai.capabilities import HookTimeoutError
from pydantic_ai.conversation_store import ConversationConflict
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.function import AgentInfo, FunctionModel

from synapse_otp.errors import describe_exception
from synapse_otp.runner import AgentRunner, Progress
from synapse_otp.v1 import agent_pb2 as pb
from synapse_otp.verdicts import VERDICTS, judge, pydantic_ai_names

CLASSES: list[type[Exception]] = [found for found in vars(exceptions).values() if inspect.isclass(found) and issubclass(found, Exception)]


def kind_name(kind: pb.AgentErrorKind) -> str:
    return pb.AgentErrorKind.Name(kind).removeprefix("AGENT_ERROR_KIND_").lower()


def test_every_exception_of_pydantic_ai_has_a_verdict_of_its_own() -> None:
    public = {found.__name__ for found in (*CLASSES, HookTimeoutError, ConversationConflict) if not found.__name__.startswith("_")}
    assert public - set(VERDICTS) == set(), "pydantic-ai has exceptions that verdicts.py does not know"
    assert set(VERDICTS) - public == set(), "verdicts.py knows exceptions that pydantic-ai does not have"


ELSEWHERE: dict[str, str | None] = {
    "BatchJobError": "ModelHTTPError",
    "CredentialsPersistenceError": "ModelAPIError",
    "CredentialsRefreshError": "ModelAPIError",
    "DecisionHandOff": "ModelAPIError",
    "DownloadTooLargeError": None,
    "ExternalEventError": None,
    "InlinedSchemaTooLargeError": "UserError",
    "MCPError": None,
    "RealtimeError": "ModelAPIError",
    "ResponseRejected": None,
    "UnfillableRoute": "ModelAPIError",
    "UnsureRoute": "ModelAPIError",
    "WorkspaceError": None,
    "WorkspaceOutputLimitError": None,
    "WorkspaceReadOnlyError": None,
    "WorkspaceTimeoutError": None,
    "WorkspaceUnavailableError": None,
}
"""Exceptions that pydantic-ai keeps beside those of a run, and whose verdict each has; None: that of user code, such as a tool."""


def exceptions_of_all_modules() -> set[type[BaseException]]:
    """Every public exception of the installed pydantic-ai; modules whose extras are not installed are left out."""
    found: set[type[Any]] = set()
    for info in pkgutil.walk_packages(pydantic_ai.__path__, "pydantic_ai.", onerror=lambda _name: None):
        if info.name.endswith("__main__"):
            continue
        with warnings.catch_warnings(), contextlib.suppress(ImportError, SystemExit):
            warnings.simplefilter("ignore")
            found |= {each for each in vars(importlib.import_module(info.name)).values() if inspect.isclass(each)}
    return {
        each
        for each in found
        if issubclass(each, BaseException) and each.__module__.startswith("pydantic_ai") and not each.__name__.startswith("_")
    }


def test_every_exception_elsewhere_in_pydantic_ai_has_the_verdict_that_is_said_of_it() -> None:
    beside = {each.__name__: each for each in exceptions_of_all_modules() if each.__name__ not in VERDICTS}
    assert beside.keys() - ELSEWHERE.keys() == set(), "pydantic-ai has exceptions that ELSEWHERE does not have"
    told = {name: next(iter(pydantic_ai_names(each)), None) for name, each in beside.items()}
    assert told == {name: verdict for name, verdict in ELSEWHERE.items() if name in beside}


@pytest.mark.parametrize(
    ("category", "status", "kind", "retriable"),
    [
        (exceptions.ModelRateLimitError, 429, "model_rate_limit", True),
        (exceptions.ModelQuotaExceededError, 429, "model_quota", False),
        (exceptions.ModelUnavailableError, 503, "model_unavailable", True),
        (exceptions.ModelOverloadedError, 529, "model_overloaded", True),
        (exceptions.ModelServerError, 500, "model_server", True),
        (exceptions.ModelContextWindowExceededError, 400, "context_window", False),
        (exceptions.ModelRequestRejectedError, 422, "model_rejected", False),
        (exceptions.ModelAuthenticationError, 401, "model_authentication", False),
        (exceptions.ModelNotFoundError, 404, "model_not_found", False),
        (None, 429, "model_http", True),
        (None, 500, "model_http", True),
        (None, 418, "model_http", False),
    ],
)
@pytest.mark.parametrize("hint", [None, "true", "false"])
def test_error_of_a_provider_has_its_kind_with_a_status_and_the_providers_own_word(
    category: Any, status: int, kind: str, *, retriable: bool, hint: str | None
) -> None:
    headers = {"Retry-After": "7"} if hint is None else {"Retry-After": "7", "X-Should-Retry": hint}
    raised = exceptions.ModelHTTPError.for_category(
        category=category,
        status_code=status,
        model_name="m1",
        body={"error": "b"},
        headers=headers,
        provider_error_code="some_code",
        provider_error_type="some_type",
    )
    error = describe_exception(raised).error
    assert kind_name(error.kind) == kind
    assert error.retriable is (retriable if hint is None else hint == "true")
    assert (error.http_status, error.model_name, error.retry_after_s) == (status, "m1", 7.0)
    assert (error.provider_error_code, error.provider_error_type) == ("some_code", "some_type")


@pytest.mark.parametrize(
    ("raised", "kind", "retriable"),
    [
        (exceptions.ModelConnectionError("m", "no way", phase="connect"), "model_connection", True),
        (exceptions.ModelTimeoutError("m", "too slow"), "model_timeout", True),
        (exceptions.ModelRequestTimeout("m", 3.0), "model_timeout", True),
        (exceptions.ModelAPIError("m", "odd"), "model_api", True),
        (exceptions.ModelRateLimitError("m", "in a stream", in_stream=True), "model_rate_limit", True),
        (exceptions.OutputTokenLimitExceeded("cut"), "output_token_limit", False),
        (exceptions.IncompleteToolCall("cut"), "incomplete_tool_call", False),
        (exceptions.ContentFilterError("no"), "content_filter", False),
        (exceptions.ToolFailed("gone"), "tool_failed", False),
        (exceptions.ApprovalRequired(), "user_error", False),
        (exceptions.RunTimedOut("late"), "deadline", False),
        (exceptions.SuspendedResponseExpired("late"), "suspended_expired", False),
        (HookTimeoutError("h", "f", 1.0), "hook_timeout", True),
        (ConversationConflict("c"), "conversation_conflict", False),
        (exceptions.AgentRunError("odd"), "user_code", False),
    ],
)
def test_exception_has_its_kind(raised: Exception, kind: str, *, retriable: bool) -> None:
    verdict = judge(raised)
    assert (kind_name(verdict.kind), verdict.retriable) == (kind, retriable)


def test_class_of_the_user_that_has_the_name_of_one_of_pydantic_ais_is_user_codes() -> None:
    class ModelQuotaExceededError(Exception): ...

    class MyLimit(exceptions.UsageLimitExceeded): ...

    assert kind_name(judge(ModelQuotaExceededError()).kind) == "user_code"
    assert kind_name(judge(MyLimit("x")).kind) == "usage_limit_exceeded"


async def test_all_models_of_a_fallback_are_told_with_their_kinds() -> None:
    def refuse(category: Any, status: int) -> FunctionModel:
        def answer(_messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
            raise exceptions.ModelHTTPError.for_category(category=category, status_code=status, model_name="m")

        return FunctionModel(answer)

    models = FallbackModel(refuse(exceptions.ModelOverloadedError, 529), refuse(exceptions.ModelQuotaExceededError, 402))
    error = await _failed(Agent(models))
    assert (kind_name(error.kind), error.retriable) == ("fallback", True)
    assert [kind_name(cause.kind) for cause in error.causes] == ["model_overloaded", "model_quota"]


SECRET = "secret-17-of-this-test"


def _calls(name: str) -> FunctionModel:
    def answer(_messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts=[ToolCallPart(name, {"n": 1})])

    async def stream(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
        yield "unused"

    return FunctionModel(answer, stream_function=stream)


def _raising(kind: str) -> Agent[Any, Any]:
    agent: Agent[Any, Any] = Agent(_calls("tool"), retries=0)

    @agent.tool_plain
    def tool(n: int) -> str:  # noqa: ARG001
        match kind:
            case "error":
                raise ValueError(SECRET) from KeyError(SECRET)
            case "retry":
                raise ModelRetry(SECRET)
            case "group":
                raise ExceptionGroup(SECRET, [ValueError(SECRET), ModelRetry(SECRET)])
            case _:
                raise type("Odd", (exceptions.UserError,), {})(SECRET)

    return agent


def _validating() -> Agent[Any, Any]:
    def answer(_messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts=[TextPart("x")])

    agent: Agent[Any, Any] = Agent(FunctionModel(answer), retries=0)

    @agent.output_validator
    def check(_ctx: RunContext[Any], _value: str) -> str:
        raise ModelRetry(SECRET)

    return agent


async def _failed(agent: Agent[Any, Any], *, tracebacks: bool = True) -> pb.AgentError:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the run ends with
        await AgentRunner(agent, 1).run(pb.RunRequest(prompt="p"), Progress())
    return describe_exception(caught.value, tracebacks=tracebacks).error


@pytest.mark.parametrize("kind", ["error", "retry", "group", "subclass", "validator"])
async def test_what_user_code_says_stays_in_the_worker_unless_tracebacks_are_told(kind: str) -> None:
    agent = _validating() if kind == "validator" else _raising(kind)
    told = await _failed(agent)
    withheld = await _failed(agent, tracebacks=False)
    assert SECRET.encode() in told.SerializeToString()
    assert SECRET.encode() not in withheld.SerializeToString()
    assert (withheld.kind, withheld.python_type, withheld.tool_name) == (told.kind, told.python_type, told.tool_name)
    assert [cause.kind for cause in withheld.causes] == [cause.kind for cause in told.causes]
    assert withheld.message
    assert withheld.traceback == ""


async def test_what_pydantic_ai_says_is_told_in_any_case() -> None:
    agent = Agent(_calls("missing"))
    error = await _failed(agent, tracebacks=False)
    assert "exceeded max retries" in error.message
    assert error.tool_name == "missing"
