"""Runs in the worker: what a run in a session asks its host for. Each request is answered once, or ends with its session, by rule."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

from .errors import RunFailure
from .v1 import agent_pb2 as pb

__all__ = ["HostSession", "unknown_request"]

_PATIENCE_S = 1.0
"""A request with a time limit is given up that much later, in seconds: the host keeps the limit, this is for one that does not answer."""

_GONE_S = 0.5
"""How long a host that has closed its side counts as there, in seconds. The messages of a call that is cancelled end first, and a moment
later it is known to be cancelled: what a run waits for is to end as cancelled then, and not as failed."""

Send = Callable[[pb.WorkerMessage], Awaitable[Any]]


class HostSession:
    """The host of one run, as the run's code asks it. Used in the event loop only.

    Args:
        send: Writes a message to the host; waits while the host does not read.
        cancelled: Whether the call is cancelled, so that nothing may be written any more.
    """

    def __init__(self, send: Send, cancelled: Callable[[], bool]) -> None:
        self._send = send
        self._cancelled = cancelled
        # gRPC takes one message at a time.
        self._writing = asyncio.Lock()
        self._last_id = 0
        self._open: dict[int, asyncio.Future[pb.HostAnswer]] = {}
        self._gone: RunFailure | None = None
        self._farewells: set[asyncio.Task[None]] = set()

    async def write(self, chunk: pb.RunResponseChunk) -> None:
        """Sends an event of the run."""
        await self._write(pb.WorkerMessage(chunk=chunk))

    async def ask(
        self, *, timeout_ms: int = 0, patient: bool = False, sent: Callable[[], Awaitable[None]] | None = None, **request: Any
    ) -> pb.HostAnswer:
        """Asks the host and waits for its answer. Several may be open at a time. One whose task is cancelled is cancelled in the host.

        Args:
            timeout_ms: How long the host has to answer; 0: as long as the run lasts.
            patient: Whether only the host says when the time has passed.
            sent: Called when the request is on its way; what it raises calls the request off.
            request: The one member of HostRequest's union.

        Raises:
            RunFailure: INTERNAL if the host answers nothing more; VALIDATION if it has sent what is no message.
        """
        if self._gone is not None:
            raise self._gone
        self._last_id += 1
        request_id = self._last_id
        answer: asyncio.Future[pb.HostAnswer] = asyncio.get_running_loop().create_future()
        self._open[request_id] = answer
        message = pb.HostRequest(id=request_id, time_left_ms=timeout_ms or None, **request)
        try:
            await self._write(pb.WorkerMessage(request=message))
            if sent is not None:
                await sent()
            return await self._answer_in_time(answer, request_id, 0 if patient else timeout_ms)
        except asyncio.CancelledError:
            self._call_off(request_id, "the run needs it no more")
            raise
        except Exception:
            # Nothing is left to call off but where `sent` has raised.
            if not answer.done():
                self._call_off(request_id, "the run needs it no more")
            raise
        finally:
            self._open.pop(request_id, None)

    async def _answer_in_time(self, answer: asyncio.Future[pb.HostAnswer], request_id: int, timeout_ms: int) -> pb.HostAnswer:
        if timeout_ms == 0:
            return await answer
        try:
            async with asyncio.timeout(timeout_ms / 1000 + _PATIENCE_S) as patience:
                try:
                    return await answer
                except asyncio.CancelledError:
                    if patience.expired():
                        self._call_off(request_id, "its time has passed")
                    raise
        except TimeoutError:
            return pb.HostAnswer(request_id=request_id, timed_out=pb.HostTimedOut())

    async def read(self, messages: AsyncIterator[pb.HostMessage]) -> None:
        """Takes the host's messages until it has closed its side. What this version does not know is ignored."""
        gone = _gone()
        try:
            async for message in messages:
                if message.HasField("answer"):
                    answer = self._open.get(message.answer.request_id)
                    if answer is not None and not answer.done():
                        answer.set_result(message.answer)
            await asyncio.sleep(_GONE_S)
        except RunFailure as error:
            gone = error
        finally:
            self._gone = gone
            for answer in self._open.values():
                if not answer.done():
                    answer.set_exception(gone)

    async def _write(self, message: pb.WorkerMessage) -> None:
        """Who writes may be cancelled meanwhile, the message is sent: after half of one gRPC takes no other, and cannot end the call."""
        await self._writing.acquire()
        sending = asyncio.ensure_future(self._send(message))
        sending.add_done_callback(self._sent)
        await asyncio.shield(sending)

    def _sent(self, sending: asyncio.Future[Any]) -> None:
        self._writing.release()
        if not sending.cancelled():
            sending.exception()  # whoever waits has it; that nobody does is no fault

    def _call_off(self, request_id: int, reason: str) -> None:
        """Tells the host that an answer is not needed any more, unless the whole call is cancelled, which tells it already."""
        if self._open.pop(request_id, None) is None or self._gone is not None or self._cancelled():
            return
        task = asyncio.create_task(self._bid_farewell(request_id, reason))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def _bid_farewell(self, request_id: int, reason: str) -> None:
        # The call may end while this waits for its turn; then the host knows.
        with contextlib.suppress(grpc.aio.BaseError, asyncio.InvalidStateError):
            if not self._cancelled():
                await self._write(pb.WorkerMessage(request_cancelled=pb.HostRequestCancelled(id=request_id, reason=reason)))


def unknown_request(what: str) -> RunFailure:
    """The host does not know what it is asked for."""
    message = f"the host does not know requests of the kind {what}; its package synapse-otp is older than the worker's"
    return RunFailure(pb.AGENT_ERROR_KIND_INTERNAL, grpc.StatusCode.FAILED_PRECONDITION, message)


def _gone() -> RunFailure:
    message = "the host has closed its side of the session, and answers nothing that the run asks for"
    return RunFailure(pb.AGENT_ERROR_KIND_INTERNAL, grpc.StatusCode.FAILED_PRECONDITION, message)
