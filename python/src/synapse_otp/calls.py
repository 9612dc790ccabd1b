"""Runs in the worker: the runs that are being served: which of them are let in, and how they end when their worker stops."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from pydantic_ai import Agent

from .errors import RunFailure
from .logs import current_run_id
from .run_ends import RunEnds, RunKey
from .run_work import RunWork, WorkerThreads
from .runner import Progress
from .trace import caller_trace
from .v1 import agent_pb2 as pb

__all__ = ["Call", "Calls", "Context"]

_log = logging.getLogger("synapse_otp.run")

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(eq=False)
class Call:
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


class Calls:
    """The runs of one worker.

    Args:
        agent_id: The host's name of the agent, quoted in errors.
        incarnation: A request that names another one is refused.
    """

    def __init__(self, agent_id: str, incarnation: int) -> None:
        self.agent_id = agent_id
        self._incarnation = incarnation
        self._calls: set[Call] = set()
        self._threads = WorkerThreads()
        self._ends = RunEnds()
        self._draining = False
        self._changed = asyncio.Event()

    def begin_drain(self) -> None:
        """From now on new runs are refused with DRAINING; running ones go on."""
        self._draining = True

    async def wait_idle(self, timeout_s: float) -> bool:
        """Waits until every run is answered, for at most `timeout_s` seconds; returns whether all are."""
        return await self._wait(lambda: not self._calls, timeout_s)

    async def wait_over(self, timeout_s: float) -> bool:
        """Waits until the user's code of every run has ended, for at most `timeout_s` seconds; returns whether it has."""
        return await self._wait(lambda: all(call.over for call in self._calls), timeout_s)

    async def await_end(self, key: RunKey) -> bool:
        """Waits until nothing of a run works any more; returns whether the run was known."""
        return await self._ends.await_end(key)

    def end_runs(self) -> None:
        """Cancels what still runs; each call ends with INTERRUPTED."""
        for call in self._calls:
            if not call.over:
                call.drained = True
                call.task.cancel()

    def running(self, key: RunKey) -> Call | None:
        """The call of a run whose code has not ended; None: there is none."""
        return next((call for call in self._calls if call.key == key and not call.over), None)

    def interrupted(self) -> RunFailure:
        """The failure of a run that `end_runs` has cancelled."""
        return RunFailure(
            pb.AGENT_ERROR_KIND_INTERRUPTED,
            grpc.StatusCode.UNAVAILABLE,
            f'incarnation {self._incarnation} of agent "{self.agent_id}" stopped before the run had ended',
            retriable=True,
        )

    @asynccontextmanager
    async def serving(self, request: pb.RunRequest, context: Context) -> AsyncGenerator[Call]:
        """Within it the current task serves a run."""
        task = asyncio.current_task()
        assert task is not None
        current_run_id.set(request.run_id)  # the task is the call's own, and so is its context
        with (
            self._ends.counted((request.run_id, request.attempt)) as work,
            Agent.using_thread_executor(self._threads),
            caller_trace(context.invocation_metadata()),
        ):
            call = Call((request.run_id, request.attempt), task, context, work)
            self._calls.add(call)
            try:
                yield call
            finally:
                self._calls.discard(call)
                self._changed.set()

    @asynccontextmanager
    async def admitted(self, request: pb.RunRequest, call: Call) -> AsyncGenerator[None]:
        """Within it the run's own code works, until the run's deadline.

        Raises:
            RunFailure: DRAINING, INTERNAL or CANCELLED if the run is not let in, DEADLINE if it overstays.
        """
        try:
            self._check(request)
            left_s = _seconds_left(request)
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
                f'incarnation {self._incarnation} of agent "{self.agent_id}" is stopping and takes no new runs',
                retriable=True,
            )
        if request.incarnation not in (0, self._incarnation):
            raise RunFailure(
                pb.AGENT_ERROR_KIND_INTERNAL,
                grpc.StatusCode.FAILED_PRECONDITION,
                f'this is incarnation {self._incarnation} of agent "{self.agent_id}", the run is meant for {request.incarnation}',
                retriable=True,
            )
        if self._ends.is_given_up((request.run_id, request.attempt)):
            raise RunFailure(pb.AGENT_ERROR_KIND_CANCELLED, grpc.StatusCode.CANCELLED, "its caller had given the run up before it came")

    async def _wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(None if timeout_s == float("inf") else timeout_s):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return done()
        return True


def _seconds_left(request: pb.RunRequest) -> float | None:
    """Time until the run has to end, in seconds, negative when it has passed; None for no deadline. To be asked when the request comes."""
    if request.HasField("time_left_ms"):
        return request.time_left_ms / 1000
    if request.deadline_unix_ms == 0:
        return None
    return request.deadline_unix_ms / 1000 - time.time()
