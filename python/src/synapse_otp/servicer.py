"""Runs in the worker: AgentService. Every way a run can end leaves here as an answer, a typed error or the RPC's own cancellation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
from pydantic_ai import exceptions as pai

from .calls import Call, Calls, Context
from .content import read_content
from .error_wire import MAX_IN_BAND_BYTES, abort, fit
from .errors import Failure, RunFailure, describe_exception, invalid
from .events import Chunk, Chunks
from .host_session import HostSession
from .outlet import Outlet
from .oversize import pieces, point_to_output
from .own_task import in_own_task
from .runner import AgentRunner
from .v1 import agent_pb2 as pb
from .v1.agent_pb2_grpc import AgentServiceServicer

__all__ = ["AgentServicer"]

_log = logging.getLogger("synapse_otp.run")


_CHUNK_BYTES = 128
"""What a chunk adds to the answer in it, at most, its run id aside: numbers and tags; with what a session adds to the chunk."""
_FRAME_BYTES = 16
"""What a session adds to a chunk, at most."""


class AgentServicer(AgentServiceServicer):
    """Serves one agent.

    Args:
        runner: Runs the agent.
        describe: Makes the answer of Describe, its agent_id aside; called once, when it is asked for.
        calls: The runs of its worker.
        max_message_bytes: The largest answer that is sent.
        tracebacks: Whether tracebacks, and what exceptions of user code say, may be told.
    """

    def __init__(
        self,
        runner: AgentRunner,
        describe: Callable[[], pb.DescribeResponse],
        calls: Calls,
        *,
        max_message_bytes: int,
        tracebacks: bool = True,
    ) -> None:
        self._runner = runner
        self._describe = describe
        self._calls = calls
        self._description: pb.DescribeResponse | None = None
        self._max_message_bytes = max_message_bytes
        self._tracebacks = tracebacks

    async def Run(self, request: pb.RunRequest, context: Context) -> pb.RunResponse:
        """Answers once, when the run has ended."""
        async with self._calls.serving(request, context) as call:
            try:
                async with self._calls.admitted(request, call):
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
        async with self._calls.serving(request, context) as call:
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
        async with self._calls.serving(request, context) as call:
            host = HostSession(context.write, lambda: call.cancelled)
            reading = asyncio.create_task(host.read(messages))
            try:
                await self._answer_with_events(request, call, host.write, host)
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError, grpc.aio.BaseError):
                    await reading

    async def _answer_with_events(
        self, request: pb.RunRequest, call: Call, send: Callable[[Chunk], Awaitable[Any]], host: HostSession | None = None
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
        self, request: pb.RunRequest, call: Call, chunks: Chunks, outlet: Outlet, host: HostSession | None
    ) -> Failure | None:
        """Runs and writes what happens; the failure that is to be the call's status, if any."""
        write = outlet.write
        try:
            async with self._calls.admitted(request, call):
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
            self._description.agent_id = self._calls.agent_id
        return self._description

    async def Steer(self, request: pb.SteerRequest, context: Context) -> pb.SteerResponse:
        """Puts a message into a run that runs."""
        try:
            content = read_content(request.content, "content")
        except RunFailure as error:
            await abort(describe_exception(error, run_id=request.run_id), context)
        call = self._calls.running((request.run_id, request.attempt))
        when_idle = request.priority == pb.STEER_PRIORITY_WHEN_IDLE
        return pb.SteerResponse(accepted=call is not None and call.progress.steer(content, when_idle=when_idle))

    async def AwaitEnd(self, request: pb.AwaitEndRequest, context: Context) -> pb.AwaitEndResponse:  # noqa: ARG002
        """Answers when nothing of a run works any more."""
        return pb.AwaitEndResponse(known=await self._calls.await_end((request.run_id, request.attempt)))

    def _failure(self, error: BaseException, request: pb.RunRequest, call: Call) -> Failure:
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
            error = self._calls.interrupted()
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
