"""Runs in the worker: one agent run, driven node by node, either answered at its end or streamed."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ModelMessage, UserContent
from pydantic_ai.run import AgentRun
from pydantic_ai.toolsets import AbstractToolset
from pydantic_graph import End

from .arguments import RunArguments, read_arguments
from .deps_factory import DepsFactory, RunInfo
from .events import Chunks
from .fetching import refuse_fetching
from .host_session import HostSession
from .host_tools import host_toolset
from .messages import messages_json
from .model import choose_model
from .partial_output import PartialOutput
from .response import run_response
from .usage import usage_message
from .utf8 import clean_text
from .v1 import agent_pb2 as pb
from .waiting import Tell, waiting

if TYPE_CHECKING:
    from .frontend import FrontendText

__all__ = ["AgentRunner", "Progress", "Write"]

_log = logging.getLogger("synapse_otp.run")

Write = Callable[[pb.RunResponseChunk], Awaitable[Any]]


class Progress:
    """What a run has come to so far: the source of usage and messages when it fails."""

    def __init__(self) -> None:
        self.run: AgentRun[Any, Any] | None = None
        self.history: list[ModelMessage] | None = None
        """The messages that the run was given."""

    def steer(self, content: Sequence[UserContent], *, when_idle: bool) -> bool:
        """Puts a message into the run; False when it has not begun, or has ended.

        Args:
            content: What the model is told.
            when_idle: Only when the run would end otherwise; else with the next model request.
        """
        if self.run is None:
            return False
        try:
            self.run.enqueue(*content, priority="when_idle" if when_idle else "asap")
        except UserError:  # it has come to its end
            return False
        return True

    def add_to(self, message: pb.AgentError | pb.RunCancelled) -> None:
        """Puts usage and messages into an error or a cancellation; does nothing for a run that never began."""
        if self.run is None:
            return
        try:
            message.usage.CopyFrom(usage_message(self.run.usage))
            message.messages_json = messages_json(self.run.new_messages())
        except Exception:  # these are facts beside an error: they must not take its place
            _log.warning("the messages of a run that failed cannot be written", exc_info=True)


class AgentRunner:
    """Runs one agent. Runs may be concurrent; they share nothing but the agent.

    Args:
        agent: The loaded agent, entered.
        incarnation: Put in every answer.
        deps_factory: Makes the dependencies of runs; None: the agent's deps_type does.
    """

    def __init__(self, agent: AbstractAgent[Any, Any], incarnation: int, deps_factory: DepsFactory | None = None) -> None:
        self._agent = agent
        self._incarnation = incarnation
        self._deps_factory = deps_factory

    async def run(self, request: pb.RunRequest, progress: Progress, host: HostSession | None = None) -> pb.RunResponse:
        """Runs without streaming, so that models that cannot stream work too. `host` calls the tools of the host.

        Raises:
            BaseException: Whatever ended the run.
        """
        async with self._begin(request, progress, host) as run:
            # `next` and not `async for`: a StopAsyncIteration of user code would end the loop as if the run were done.
            node = run.next_node
            while not isinstance(node, End):
                node = await run.next(node)
        return run_response(run, request, self._incarnation, progress.history)

    async def stream(
        self, request: pb.RunRequest, chunks: Chunks, progress: Progress, write: Write, host: HostSession | None = None
    ) -> pb.RunResponse:
        """Runs and writes a chunk for every event, `started` first. The terminal event is the caller's to write.

        Raises:
            BaseException: Whatever ended the run.
        """

        async def tell(event: pb.InputRequested | pb.InputAnswered) -> None:
            await write(chunks.of_input(event))

        async with self._begin(request, progress, host, tell) as run:
            await write(chunks.make(started=self._started(run)))
            node = run.next_node
            while not isinstance(node, End):
                if Agent.is_model_request_node(node):
                    for part in node.request.parts:
                        if part.part_kind == "retry-feedback":
                            await write(chunks.of_retry(part))
                    chunks.step += 1
                    await self._stream_model_request(node, run, request, chunks, write)
                elif Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as events:
                        async for event in events:
                            for chunk in chunks.of_event(event):
                                await write(chunk)
                node = await run.next(node)
        return run_response(run, request, self._incarnation, progress.history)

    async def answer_frontend(
        self, request: pb.RunRequest, chunks: Chunks, progress: Progress, write: Write, host: HostSession | None = None
    ) -> pb.RunResponse:
        """Answers a request of a front end: `started`, then the text of its protocol. Of one that is refused nothing is written.

        Raises:
            BaseException: Whatever ended the run, after the text that tells of it.
        """
        from .frontend import open_frontend  # late: most workers serve no front end

        given = read_arguments(request, self._agent, raw_deps=self._deps_factory is not None)
        frontend = open_frontend(request, self._agent)
        tools = host_toolset(request.tools, host, self._agent)

        held: list[FrontendText] = []
        started = False

        async def start() -> None:
            nonlocal started
            if started or progress.run is None:
                return
            started = True
            await write(chunks.make(started=self._started(progress.run)))

        async def tell(event: pb.InputRequested | pb.InputAnswered) -> None:
            await start()
            await write(chunks.of_input(event))

        def began(run: AgentRun[Any, Any], messages: list[ModelMessage]) -> None:
            progress.run = run
            progress.history = given.message_history
            refuse_fetching(request, None, messages)

        def stepped() -> None:
            chunks.step += 1

        async with (
            waiting(request, host, tell) as capabilities,
            self._deps_of(request, given.deps) as deps,
            aclosing(
                frontend.texts(
                    began=began,
                    stepped=stepped,
                    **_given(request, given, deps, tools),
                    capabilities=capabilities,
                )
            ) as texts,
        ):
            async for text in texts:
                held.append(text)
                if progress.run is None:
                    continue
                await start()
                for told, end in held:
                    await write(chunks.make(frontend_text=pb.FrontendText(text=told, end=end)))
                held.clear()
        if progress.run is None:
            raise RuntimeError("the run ended before it began")
        return run_response(progress.run, request, self._incarnation, progress.history)

    @asynccontextmanager
    async def _begin(
        self, request: pb.RunRequest, progress: Progress, host: HostSession | None, tell: Tell | None = None
    ) -> AsyncGenerator[AgentRun[Any, Any]]:
        given = read_arguments(request, self._agent, raw_deps=self._deps_factory is not None)
        tools = host_toolset(request.tools, host, self._agent)
        refuse_fetching(request, given.prompt, given.message_history)
        async with (
            waiting(request, host, tell) as capabilities,
            self._deps_of(request, given.deps) as deps,
            self._agent.iter(
                given.prompt,
                deferred_tool_results=given.deferred_tool_results,
                **_given(request, given, deps, tools),
                capabilities=capabilities,
            ) as run,
        ):
            progress.run = run
            progress.history = given.message_history
            yield run

    @asynccontextmanager
    async def _deps_of(self, request: pb.RunRequest, given: Any) -> AsyncGenerator[Any]:
        factory = self._deps_factory
        if factory is None:
            yield given
            return
        info = RunInfo(request.agent_id, request.run_id, request.attempt, request.conversation_id, dict(request.metadata))
        async with factory.deps(given, info) as deps:
            yield deps

    async def _stream_model_request(self, node: Any, run: AgentRun[Any, Any], request: pb.RunRequest, chunks: Chunks, write: Write) -> None:
        of_event = chunks.of_event
        async with node.stream(run.ctx) as stream:
            if not request.stream.partial_output:
                async for event in stream:
                    for chunk in of_event(event):
                        await write(chunk)
                return
            debounce_ms = request.stream.partial_output_debounce_ms

            async def tell(document: bytes) -> None:
                await write(chunks.make(partial_output_json=document))

            async with PartialOutput(stream, tell, debounce_ms, json_constants=request.json_constants) as partial:
                async for event in stream:
                    await partial.before()
                    for chunk in of_event(event):
                        await write(chunk)
                    await partial.after(event)
                await partial.before()
                await partial.snapshot()

    def _started(self, run: AgentRun[Any, Any]) -> pb.RunStarted:
        model = getattr(run.ctx.deps, "model", None)
        return pb.RunStarted(
            incarnation=self._incarnation,
            model_name=clean_text(getattr(model, "model_name", None) or ""),
            conversation_id=clean_text(run.conversation_id),
        )


def _given(request: pb.RunRequest, given: RunArguments, deps: Any, tools: AbstractToolset[Any] | None) -> dict[str, Any]:
    """What a run is given, whoever drives it."""
    return {
        "output_type": given.output_type,
        "model": choose_model(request.model),
        "message_history": given.message_history,
        "run_id": given.run_id,
        "conversation_id": given.conversation_id,
        "deps": deps,
        "model_settings": given.model_settings,
        "usage_limits": given.usage_limits,
        "instructions": given.instructions,
        "metadata": given.metadata,
        "toolsets": None if tools is None else [tools],
    }
