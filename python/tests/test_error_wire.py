"""Errors keep their core and fit where they travel."""

from __future__ import annotations

import grpc
import pytest
from google.rpc.status_pb2 import Status
from pydantic import BaseModel, ValidationError
from pydantic_ai import exceptions as pai

from synapse_otp.error_wire import fit, status_details, status_message
from synapse_otp.errors import Failure, describe_exception
from synapse_otp.v1 import agent_pb2 as pb


class Point(BaseModel):
    x: int
    y: int


def validation_error(text: str) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Point.model_validate({"x": text, "y": text})
    return caught.value


def chain(depth: int, text: str) -> Exception:
    error: Exception = validation_error(text)
    for level in range(depth):
        outer = ValueError(f"level {level}: {text}")
        outer.__cause__ = error
        error = outer
    return error


@pytest.mark.parametrize("text", ["short", "long " * 5000, "\u4e2d" * 20000, "\ud83d lone surrogate"])
@pytest.mark.parametrize("depth", [0, 3, 50])
def test_details_fit_the_trailer_and_keep_kind_and_type(text: str, depth: int) -> None:
    failure = describe_exception(chain(depth, text), run_id="run-9")
    failure.error.messages_json = b"[]" * 10000
    ((key, value),) = status_details(failure)
    assert key == "grpc-status-details-bin"
    assert len(value) * 4 / 3 < 3300
    status = Status.FromString(value)
    error = pb.AgentError()
    assert status.details[0].Unpack(error)
    assert (error.kind, error.python_type, error.run_id) == (failure.error.kind, failure.error.python_type, "run-9")
    assert error.truncated
    assert error.messages_json == b""
    assert len(status_message(failure.error.message)) <= 513


def test_small_error_is_not_cut() -> None:
    failure = Failure(grpc.StatusCode.UNKNOWN, pb.AgentError(message="small", messages_json=b"[]"))
    error = pb.AgentError()
    assert Status.FromString(status_details(failure)[0][1]).details[0].Unpack(error)
    assert error == failure.error


def test_in_band_error_keeps_its_messages_whole() -> None:
    error = pb.AgentError(message="m" * 100_000, traceback="t" * 100_000, messages_json=b"[1]" * 100_000)
    fit(error)
    assert error.truncated
    assert len(error.messages_json) == 300_000
    assert error.ByteSize() - len(error.messages_json) < 64 * 1024


def test_cause_that_is_its_own_cause_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    error = describe_exception(one).error
    assert [cause.message for cause in error.causes] == ["ValueError: two"]
    assert not error.causes[0].causes


@pytest.mark.parametrize(
    ("error", "code", "kind", "retriable"),
    [
        (pai.UserError("no"), "FAILED_PRECONDITION", "USER_ERROR", False),
        (pai.UsageLimitExceeded("the total_tokens_limit of 5"), "RESOURCE_EXHAUSTED", "USAGE_LIMIT_EXCEEDED", False),
        (pai.ConcurrencyLimitExceeded("full"), "RESOURCE_EXHAUSTED", "CONCURRENCY_LIMIT", True),
        (pai.UnexpectedModelBehavior("odd"), "ABORTED", "UNEXPECTED_MODEL_BEHAVIOR", True),
        (pai.UnexpectedModelBehavior("Tool 'x' exceeded max retries count of 1"), "ABORTED", "TOOL_RETRIES_EXHAUSTED", True),
        (pai.UnexpectedModelBehavior("Exceeded maximum output retries (1)"), "ABORTED", "OUTPUT_VALIDATION", True),
        (pai.ContentFilterError("no"), "FAILED_PRECONDITION", "CONTENT_FILTER", False),
        (pai.IncompleteToolCall("cut"), "FAILED_PRECONDITION", "INCOMPLETE_TOOL_CALL", False),
        (pai.ModelHTTPError(429, "m"), "RESOURCE_EXHAUSTED", "MODEL_HTTP", True),
        (pai.ModelHTTPError(503, "m"), "UNAVAILABLE", "MODEL_HTTP", True),
        (pai.ModelHTTPError(401, "m"), "FAILED_PRECONDITION", "MODEL_HTTP", False),
        (pai.ModelAPIError("m", "lost"), "UNAVAILABLE", "MODEL_API", True),
        (pai.FallbackExceptionGroup("all", [pai.ModelHTTPError(503, "a"), pai.ModelHTTPError(400, "b")]), "UNAVAILABLE", "FALLBACK", True),
        (pai.FallbackExceptionGroup("all", [pai.ModelHTTPError(400, "b")]), "FAILED_PRECONDITION", "FALLBACK", False),
        (pai.RunCancelled("stop"), "CANCELLED", "CANCELLED", False),
        (pai.RunTimedOut("late"), "DEADLINE_EXCEEDED", "DEADLINE", False),
        (pai.SuspendedResponseExpired("gone"), "FAILED_PRECONDITION", "SUSPENDED_EXPIRED", False),
        (pai.ModelRetry("again"), "ABORTED", "MODEL_RETRY", True),
        (StopAsyncIteration(), "UNKNOWN", "USER_CODE", False),
        (KeyboardInterrupt(), "UNKNOWN", "USER_CODE", False),
    ],
)
def test_each_exception_has_its_kind_and_status(error: BaseException, code: str, kind: str, retriable: bool) -> None:
    failure = describe_exception(error)
    assert failure.code.name == code
    assert pb.AgentErrorKind.Name(failure.error.kind) == f"AGENT_ERROR_KIND_{kind}"
    assert failure.error.retriable is retriable
    assert failure.error.message


def test_validation_error_carries_its_issues() -> None:
    issues = describe_exception(validation_error("abc")).error.issues
    assert [(issue.type, issue.loc_json, issue.input_json) for issue in issues] == [
        ("int_parsing", b'["x"]', b'"abc"'),
        ("int_parsing", b'["y"]', b'"abc"'),
    ]
