"""Runs in the worker: AgentService. Every way a run can end leaves here as an answer, a typed error or the RPC's own cancellation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import grpc.aio
from pydantic_ai import exceptions as pai

from .convert import seconds_left
from .error_wire import fit, status_details, status_message
from .errors import Failure, RunFailure, describe_exception
from .events import Chunks
from .logs import current_run_id
from .runner import AgentRunner, Progress
from .v1 import agent_pb2 as pb
from .v1.agent_pb2_grpc import AgentServiceServicer

__all__ = ["AgentServicer"]

_log = logging.getLogger("synapse_otp.run")

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(eq=False)
class _Call:
    """One run that is being served."""

    task: asyncio.Task[Any]
    context: Context
    progress: Progress = field(default_factory=Progress)
    drained: bool = False
    over: bool = False
    """Whether the user's code has come to its end; what is left is to write the answer."""

    @property
    def cancelled(self) -> bool:
        """Whether the RPC itself was cancelled: by its caller, or at its deadline."""
        return self.task.cancelling() > 0 and not self.drained


class AgentServicer(AgentServiceServicer):
    """Serves one agent.

    Args:
        runner: Runs the agent.
        describe: Makes the answer of Describe, its agent_id aside; called once, when it is asked for.
        agent_id: The host's name of the agent, quoted in errors.
        incarnation: A request that names another one is refused.
        max_message_bytes: The largest answer that is sent.
    """

    def __init__(
        self,
        runner: AgentRunner,
        describe: Callable[[], pb.DescribeResponse],
        *,
        agent_id: str,
        incarnation: int,
        max_message_bytes: int,
    ) -> None:
        self._runner = runner
        self._describe = describe
        self._description: pb.DescribeResponse | None = None
        self._agent_id = agent_id
        self._incarnation = incarnation
        self._max_message_bytes = max_message_bytes
        self._calls: set[_Call] = set()
        self._draining = False
        self._changed = asyncio.Event()

    async def Run(self, request: pb.RunRequest, context: Context) -> pb.RunResponse:
        """Answers once, when the run has ended."""
        async with self._serving(request, context) as call:
            try:
                async with self._admitted(request, call):
                    response = await self._runner.run(request, call.progress)
                    _log.debug("run completed", extra={"event": "run.completed"})
            except BaseException as error:
                failure = self._failure(error, request, call)
            else:
                await self._refuse_oversized(response.ByteSize(), context)
                return response
            return await _abort(failure, context)

    async def RunStream(self, request: pb.RunRequest, context: Context) -> None:
        """Answers with events as they happen; the last one is completed, failed or cancelled."""
        chunks = Chunks(request.run_id, request.attempt)
        async with self._serving(request, context) as call:
            try:
                async with self._admitted(request, call):
                    response = await self._runner.stream(request, chunks, call.progress, context.write)
                    _log.debug("run completed", extra={"event": "run.completed"})
            except BaseException as error:
                failure = self._failure(error, request, call)
            else:
                last = chunks.make(completed=response)
                await self._refuse_oversized(last.ByteSize(), context)
                await context.write(last)
                return
            if failure.error.kind == pb.AGENT_ERROR_KIND_CANCELLED:
                cancelled = pb.RunCancelled(reason=failure.error.message)
                call.progress.add_to(cancelled)
                await context.write(chunks.make(cancelled=cancelled))
                return
            if failure.error.kind != pb.AGENT_ERROR_KIND_DRAINING:  # refused before it began: a status, no events
                await context.write(chunks.make(failed=fit(failure.error)))
            await _abort(failure, context)

    async def Describe(self, request: pb.DescribeRequest, context: Context) -> pb.DescribeResponse:  # noqa: ARG002
        """Tells what the loaded agent is."""
        if self._description is None:
            self._description = self._describe()
            self._description.agent_id = self._agent_id
        return self._description

    def begin_drain(self) -> None:
        """From now on new runs are refused with DRAINING; running ones go on."""
        self._draining = True

    async def wait_idle(self, timeout_s: float) -> bool:
        """Waits until every run is answered, for at most `timeout_s` seconds; returns whether all are."""
        return await self._wait(lambda: not self._calls, timeout_s)

    async def wait_over(self, timeout_s: float) -> bool:
        """Waits until the user's code of every run has ended, for at most `timeout_s` seconds; returns whether it has."""
        return await self._wait(lambda: all(call.over for call in self._calls), timeout_s)

    def end_runs(self) -> None:
        """Cancels what still runs; each call ends with INTERRUPTED."""
        for call in self._calls:
            if not call.over:
                call.drained = True
                call.task.cancel()

    async def _wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(None if timeout_s == float("inf") else timeout_s):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return done()
        return True

    @asynccontextmanager
    async def _serving(self, request: pb.RunRequest, context: Context) -> AsyncGenerator[_Call]:
        task = asyncio.current_task()
        assert task is not None
        call = _Call(task, context)
        current_run_id.set(request.run_id)  # the task is the call's own, and so is its context
        self._calls.add(call)
        try:
            yield call
        finally:
            self._calls.discard(call)
            self._changed.set()

    @asynccontextmanager
    async def _admitted(self, request: pb.RunRequest, call: _Call) -> AsyncGenerator[None]:
        try:
            self._check(request)
            left_s = seconds_left(request)
            _log.debug("run started", extra={"event": "run.started", "attempt": request.attempt})
            try:
                async with asyncio.timeout(left_s) as deadline:
                    yield
            except TimeoutError as error:
                if deadline.expired():
                    raise RunFailure(
                        pb.AGENT_ERROR_KIND_DEADLINE,
                        grpc.StatusCode.DEADLINE_EXCEEDED,
                        "the run's deadline passed before it ended",
                    ) from error
                raise
        finally:
            call.over = True
            self._changed.set()

    def _check(self, request: pb.RunRequest) -> None:
        if self._draining:
            raise RunFailure(
                pb.AGENT_ERROR_KIND_DRAINING,
                grpc.StatusCode.UNAVAILABLE,
                f'incarnation {self._incarnation} of agent "{self._agent_id}" is stopping and takes no new runs',
                retriable=True,
            )
        if request.incarnation not in (0, self._incarnation):
            raise RunFailure(
                pb.AGENT_ERROR_KIND_INTERNAL,
                grpc.StatusCode.FAILED_PRECONDITION,
                f'this is incarnation {self._incarnation} of agent "{self._agent_id}", the run is meant for {request.incarnation}',
                retriable=True,
            )

    def _failure(self, error: BaseException, request: pb.RunRequest, call: _Call) -> Failure:
        """What to answer for an exception.

        Raises:
            asyncio.CancelledError: If the RPC is cancelled: nobody is left to answer, and nothing may be written.
        """
        if call.cancelled:
            left_s = call.context.time_remaining()
            reason = "deadline" if left_s is not None and left_s <= 0.001 else "cancelled"
            _log.info("run cancelled", extra={"event": "run.cancelled", "reason": reason, "attempt": request.attempt})
            if isinstance(error, asyncio.CancelledError):
                raise error
            raise asyncio.CancelledError from error
        if call.drained:
            while call.task.uncancel():
                pass
            error = RunFailure(
                pb.AGENT_ERROR_KIND_INTERRUPTED,
                grpc.StatusCode.UNAVAILABLE,
                f'incarnation {self._incarnation} of agent "{self._agent_id}" stopped before the run had ended',
                retriable=True,
            )
        failure = describe_exception(error, run_id=request.run_id)
        call.progress.add_to(failure.error)
        deadline = failure.error.kind == pb.AGENT_ERROR_KIND_DEADLINE
        cancelled = isinstance(error, pai.RunCancelled) or deadline
        _log.info(
            "run cancelled" if cancelled else "run failed",
            extra={
                "event": "run.cancelled" if cancelled else "run.failed",
                "reason": ("deadline" if deadline else "cancelled") if cancelled else failure.error.message[:500],
                "kind": pb.AgentErrorKind.Name(failure.error.kind).removeprefix("AGENT_ERROR_KIND_").lower(),
                "attempt": request.attempt,
            },
        )
        return failure

    async def _refuse_oversized(self, size: int, context: Context) -> None:
        """Ends the call as gRPC itself would, but before the connection is troubled with the message."""
        if size > self._max_message_bytes:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"Sent message larger than max ({size} vs. {self._max_message_bytes})",
            )


async def _abort(failure: Failure, context: Context) -> NoReturn:
    await context.abort(failure.code, status_message(failure.error.message), status_details(failure))
