"""Runs in the worker: AgentService. Every way a run can end leaves here as an answer, a typed error or the RPC's own cancellation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from pydantic_ai import Agent
from pydantic_ai import exceptions as pai

from .content import read_content
from .convert import seconds_left
from .error_wire import MAX_IN_BAND_BYTES, abort, fit
from .errors import Failure, RunFailure, describe_exception, invalid
from .events import Chunk, Chunks
from .host_session import HostSession
from .logs import current_run_id
from .outlet import Outlet
from .oversize import pieces, point_to_output
from .own_task import in_own_task
from .run_ends import RunEnds, RunKey
from .run_work import RunWork, WorkerThreads
from .runner import AgentRunner, Progress
from .trace import caller_trace
from .v1 import agent_pb2 as pb
from .v1.agent_pb2_grpc import AgentServiceServicer

__all__ = ["AgentServicer"]

_log = logging.getLogger("synapse_otp.run")

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(eq=False)
class _Call:
    """One run that is being served."""

    key: RunKey
    task: asyncio.Task[Any]
    context: Context
    work: RunWork
    progress: Progress = field(default_factory=Progress)
    drained: bool = False
    over: bool = False
    """Whether the user's code has come to its end; what is left is to write the answer."""

    @property
    def cancelled(self) -> bool:
        """Whether the RPC itself was cancelled: by its caller, or at its deadline."""
        return self.task.cancelling() > 0 and not self.drained


_CHUNK_BYTES = 128
"""What a chunk adds to the answer in it, at most, its run id aside: numbers and tags; with what a session adds to the chunk."""
_FRAME_BYTES = 16
"""What a session adds to a chunk, at most."""


class AgentServicer(AgentServiceServicer):
    """Serves one agent.

    Args:
        runner: Runs the agent.
        describe: Makes the answer of Describe, its agent_id aside; called once, when it is asked for.
        agent_id: The host's name of the agent, quoted in errors.
        incarnation: A request that names another one is refused.
        max_message_bytes: The largest answer that is sent.
        tracebacks: Whether tracebacks, and what exceptions of user code say, may be told.
    """

    def __init__(
        self,
        runner: AgentRunner,
        describe: Callable[[], pb.DescribeResponse],
        *,
        agent_id: str,
        incarnation: int,
        max_message_bytes: int,
        tracebacks: bool = True,
    ) -> None:
        self._runner = runner
        self._describe = describe
        self._description: pb.DescribeResponse | None = None
        self._agent_id = agent_id
        self._incarnation = incarnation
        self._max_message_bytes = max_message_bytes
        self._tracebacks = tracebacks
        self._calls: set[_Call] = set()
        self._threads = WorkerThreads()
        self._ends = RunEnds()
        self._draining = False
        self._changed = asyncio.Event()

    async def Run(self, request: pb.RunRequest, context: Context) -> pb.RunResponse:
        """Answers once, when the run has ended."""
        async with self._serving(request, context) as call:
            try:
                async with self._admitted(request, call):
                    response = await in_own_task(self._runner.run(request, call.progress))
                    _log.debug("run completed", extra={"event": "run.completed"})
            except BaseException as error:
                failure = self._failure(error, request, call)
            else:
                response.unfinished = call.work.busy
                if self._fits(response, request):
                    return response
                failure = self._too_large(response, request)
            return await abort(failure, context)

    async def RunStream(self, request: pb.RunRequest, context: Context) -> None:
        """Answers with events as they happen; the last one is completed, failed or cancelled."""
        async with self._serving(request, context) as call:
            await self._answer_with_events(request, call, context.write)

    async def RunSession(self, messages: AsyncIterator[pb.HostMessage], context: Context) -> None:
        """Answers as RunStream does, and asks the host for what the run needs of it."""
        try:
            first = await anext(aiter(messages), None)
            if first is None or not first.HasField("start"):
                raise invalid("the first message of a session must be start", "start")
        except RunFailure as error:
            await abort(describe_exception(error), context)
        request = first.start
        async with self._serving(request, context) as call:
            host = HostSession(context.write, lambda: call.cancelled)
            reading = asyncio.create_task(host.read(messages))
            try:
                await self._answer_with_events(request, call, host.write, host)
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError, grpc.aio.BaseError):
                    await reading

    async def _answer_with_events(
        self, request: pb.RunRequest, call: _Call, send: Callable[[Chunk], Awaitable[Any]], host: HostSession | None = None
    ) -> None:
        chunks = Chunks(request.run_id, request.attempt, json_constants=request.json_constants)
        limit = self._max_message_bytes - (0 if host is None else _FRAME_BYTES)
        outlet = Outlet(send, chunks, limit)
        try:
            failure = await self._write_events(request, call, chunks, outlet, host)
            await outlet.flush()
        finally:
            outlet.close()
        if failure is not None:
            await abort(failure, call.context)

    async def _write_events(
        self, request: pb.RunRequest, call: _Call, chunks: Chunks, outlet: Outlet, host: HostSession | None
    ) -> Failure | None:
        """Runs and writes what happens; the failure that is to be the call's status, if any."""
        write = outlet.write
        try:
            async with self._admitted(request, call):
                if request.HasField("frontend"):
                    work = self._runner.answer_frontend(request, chunks, call.progress, write, host)
                elif host is not None and request.stream.terminal_only:
                    work = self._runner.run(request, call.progress, host)
                else:
                    work = self._runner.stream(request, chunks, call.progress, write, host)
                response = await in_own_task(work)
                _log.debug("run completed", extra={"event": "run.completed"})
        except BaseException as error:
            failure = self._failure(error, request, call)
        else:
            response.unfinished = call.work.busy
            if self._fits(response, request):
                await write(chunks.make(completed=response))
                return None
            if request.output_once:
                for piece in pieces(response, self._max_message_bytes - (0 if host is None else _FRAME_BYTES)):
                    await write(Chunk(completed_part=piece))
                await write(chunks.make(completed=pb.RunResponse()))
                return None
            failure = self._too_large(response, request)
        if failure.error.kind == pb.AGENT_ERROR_KIND_CANCELLED:
            cancelled = pb.RunCancelled(reason=failure.error.message, unfinished=call.work.busy)
            call.progress.add_to(cancelled)
            await write(chunks.make(cancelled=cancelled))
            return None
        if failure.error.kind != pb.AGENT_ERROR_KIND_DRAINING:  # refused before it began: a status, no events
            await write(chunks.make(failed=fit(failure.error, min(MAX_IN_BAND_BYTES, self._max_message_bytes // 2))))
        return failure

    async def Describe(self, request: pb.DescribeRequest, context: Context) -> pb.DescribeResponse:  # noqa: ARG002
        """Tells what the loaded agent is."""
        if self._description is None:
            self._description = self._describe()
            self._description.agent_id = self._agent_id
        return self._description

    async def Steer(self, request: pb.SteerRequest, context: Context) -> pb.SteerResponse:
        """Puts a message into a run that runs."""
        try:
            content = read_content(request.content, "content")
        except RunFailure as error:
            await abort(describe_exception(error, run_id=request.run_id), context)
        for call in self._calls:
            if call.key == (request.run_id, request.attempt) and not call.over:
                return pb.SteerResponse(accepted=call.progress.steer(content, when_idle=request.priority == pb.STEER_PRIORITY_WHEN_IDLE))
        return pb.SteerResponse(accepted=False)

    async def AwaitEnd(self, request: pb.AwaitEndRequest, context: Context) -> pb.AwaitEndResponse:  # noqa: ARG002
        """Answers when nothing of a run works any more."""
        return pb.AwaitEndResponse(known=await self._ends.await_end((request.run_id, request.attempt)))

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
        current_run_id.set(request.run_id)  # the task is the call's own, and so is its context
        with (
            self._ends.counted((request.run_id, request.attempt)) as work,
            Agent.using_thread_executor(self._threads),
            caller_trace(context.invocation_metadata()),
        ):
            call = _Call((request.run_id, request.attempt), task, context, work)
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
        if self._ends.is_given_up((request.run_id, request.attempt)):
            raise RunFailure(pb.AGENT_ERROR_KIND_CANCELLED, grpc.StatusCode.CANCELLED, "its caller had given the run up before it came")

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
        failure = describe_exception(error, run_id=request.run_id, tracebacks=self._tracebacks)
        failure.error.unfinished = call.work.busy
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

    def _fits(self, response: pb.RunResponse, request: pb.RunRequest) -> bool:
        """Whether an answer fits into a message, with the output taken out where the messages hold it already."""
        limit = self._max_message_bytes - _CHUNK_BYTES - len(request.run_id.encode())
        if response.ByteSize() <= limit:
            return True
        if not request.output_once:
            return False
        point_to_output(response)
        return response.ByteSize() <= limit

    def _too_large(self, response: pb.RunResponse, request: pb.RunRequest) -> Failure:
        size, limit = response.ByteSize(), self._max_message_bytes
        error = pb.AgentError(
            kind=pb.AGENT_ERROR_KIND_ANSWER_TOO_LARGE,
            message=f"the run has ended well, but its answer is larger than max ({size} vs. {limit} bytes)",
            run_id=request.run_id,
            unfinished=response.unfinished,
            usage=response.usage,
        )
        _log.info("run failed", extra={"event": "run.failed", "reason": error.message, "attempt": request.attempt})
        return Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, error)
