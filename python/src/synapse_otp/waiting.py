"""Runs in the worker: what a run waits for from outside, as pydantic-ai's external events; the host hands the answers in.

Every `wait_for_external_event` of a run's code comes here, that of `RequestInput` among them; `resolve_external_event` answers none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import grpc
from pydantic import JsonValue
from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering, RequestInput
from pydantic_ai.external_events import ExternalEventError, ExternalEventWaiter, external_event_scope
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults
from pydantic_core import from_json

from .deferred import plain_requests
from .errors import RunFailure, invalid
from .host_session import HostSession, unknown_request
from .json_text import write_json
from .v1 import agent_pb2 as pb

__all__ = ["Tell", "waiting"]

Tell = Callable[[pb.InputRequested | pb.InputAnswered], Awaitable[None]]
"""Tells the reader of a run's events that it waits, or waits no more."""

Ask = Callable[[str], Awaitable[JsonValue]]

_requests: ContextVar[DeferredToolRequests | None] = ContextVar("synapse_deferred_requests", default=None)
"""What the next wait of this task is about."""


@asynccontextmanager
async def waiting(
    request: pb.RunRequest, host: HostSession | None, tell: Tell | None
) -> AsyncGenerator[list[AbstractCapability[Any]] | None]:
    """The waits of one run go to its host.

    Args:
        request: The run.
        host: Its host; None: a wait that its own code does not answer ends the run.
        tell: Tells of waits; None: nobody listens.

    Yields:
        Capabilities for the run; None: it needs none.

    Raises:
        RunFailure: VALIDATION if the run may wait, and there is no host.
    """
    if not request.may_wait:
        with external_event_scope(_Refusing(request.run_id)):
            yield None
        return
    if host is None:
        raise invalid("may_wait needs RunSession", "may_wait")
    # A run that may pause gives up its place while people think; one that may not asks them while it lives.
    last: list[AbstractCapability[Any]] = [] if request.may_pause else [RequestInput(_hand_over)]
    with external_event_scope(_HostWaiter(request.run_id, host, tell)):
        yield [_Noting(), *last]


class _Tokens:
    """The names of one run's waits: the same in each of its attempts, as far as they come to the same waits."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._counts: dict[str, int] = {}

    def next(self, name: str) -> str:
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return f"{self._run_id}|event|{name}#{count}"


class _Refusing(ExternalEventWaiter):
    """For a run that may not wait: only what answers in place does."""

    def __init__(self, run_id: str) -> None:
        self._tokens = _Tokens(run_id)

    async def wait(self, name: str, *, ask: Ask, timeout: timedelta | None) -> JsonValue:  # noqa: ASYNC109 -- pydantic-ai's word
        async with _within(timeout):
            answer = await ask(self._tokens.next(name))
        if answer is not None:
            return answer
        message = (
            f'the run waits for "{name}" to be answered from outside, and its host does not know: run it with the option mayWait: true'
        )
        raise RunFailure(pb.AGENT_ERROR_KIND_USER_ERROR, grpc.StatusCode.FAILED_PRECONDITION, message)


class _AnsweredInPlace(Exception):
    """Whoever was asked has answered at once."""

    def __init__(self, answer: JsonValue) -> None:
        super().__init__()
        self.answer = answer


class _HostWaiter(ExternalEventWaiter):
    """The waits of one run, answered through its host."""

    def __init__(self, run_id: str, host: HostSession, tell: Tell | None) -> None:
        self._tokens = _Tokens(run_id)
        self._host = host
        self._tell = tell

    async def wait(self, name: str, *, ask: Ask, timeout: timedelta | None) -> JsonValue:  # noqa: ASYNC109 -- pydantic-ai's word
        requests = _requests.get()
        _requests.set(None)
        token = self._tokens.next(name)
        requests_json = b"" if requests is None else write_json(plain_requests(requests), constants=True)
        timeout_ms = 0 if timeout is None else max(1, round(timeout.total_seconds() * 1000))
        told = pb.InputRequested(token=token, name=name, requests_json=requests_json)
        if timeout_ms > 0:
            told.deadline_unix_ms = round(time.time() * 1000) + timeout_ms

        async def hand_over() -> None:
            # The host knows the token before anybody who may answer it does.
            async with _within(timeout):
                answer = await ask(token)
            if answer is not None:
                raise _AnsweredInPlace(answer)
            if self._tell is not None:
                await self._tell(told)

        try:
            wait = pb.HostWait(token=token, name=name, requests_json=requests_json)
            answer = await self._host.ask(timeout_ms=timeout_ms, patient=True, sent=hand_over, wait=wait)
        except _AnsweredInPlace as in_place:
            return in_place.answer
        return await self._settle(answer, token, name, timeout)

    async def _settle(self, answer: pb.HostAnswer, token: str, name: str, limit: timedelta | None) -> JsonValue:
        match answer.WhichOneof("answer"):
            case "wait_answered":
                await self._tell_end(token, name, pb.INPUT_OUTCOME_ANSWERED)
                value: JsonValue = from_json(answer.wait_answered.value_json)
                return value
            case "wait_declined":
                await self._tell_end(token, name, pb.INPUT_OUTCOME_DECLINED)
                raise ExternalEventError(answer.wait_declined.reason)
            case "timed_out":
                await self._tell_end(token, name, pb.INPUT_OUTCOME_TIMED_OUT)
                raise _too_late(limit)
        raise unknown_request("wait")

    async def _tell_end(self, token: str, name: str, outcome: pb.InputOutcome) -> None:
        if self._tell is not None:
            await self._tell(pb.InputAnswered(token=token, name=name, outcome=outcome))


class _Noting(AbstractCapability[Any]):
    """Notes what a wait of `RequestInput` is about, just before it begins: pydantic-ai does not tell a waiter."""

    def get_ordering(self) -> CapabilityOrdering:
        return CapabilityOrdering(position="innermost", wraps=[RequestInput])

    async def handle_deferred_tool_calls(self, ctx: RunContext[Any], *, requests: DeferredToolRequests) -> DeferredToolResults | None:  # noqa: ARG002
        _requests.set(requests)
        return None


async def _hand_over(_ctx: RunContext[Any], _requests: DeferredToolRequests, _token: str) -> None:
    """Nobody else is asked: the host's event has all that there is to answer."""


@asynccontextmanager
async def _within(limit: timedelta | None) -> AsyncGenerator[None]:
    """Bounds what is asked of a person directly, as pydantic-ai's own waiter does."""
    scope = asyncio.timeout(None if limit is None else limit.total_seconds())
    try:
        async with scope:
            yield
    except TimeoutError as late:
        if scope.expired():
            raise _too_late(limit) from late
        raise


def _too_late(limit: timedelta | None) -> ExternalEventError:
    return ExternalEventError(f"No resolution arrived within {limit}.")
