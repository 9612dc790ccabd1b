"""Runs in the worker: a request of a front end, answered by pydantic-ai's own adapter for its protocol.

The adapter reads the body, sanitises what the client says of the past, and makes the text of the answer; the run itself is driven here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
from pydantic import ValidationError
from pydantic_ai import Agent
from pydantic_ai.agent import AbstractAgent, WrapperAgent
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ModelMessage
from pydantic_ai.run import AgentRun, AgentRunResultEvent
from pydantic_ai.ui import UIAdapter
from pydantic_graph import End

from .deferred import or_deferred
from .errors import RunFailure
from .frontend_error import FrontendError
from .known_tools import innermost
from .v1 import agent_pb2 as pb

__all__ = ["Frontend", "FrontendText", "open_frontend"]

FrontendText = tuple[str, "pb.FrontendEnd"]
"""One event of the protocol as text, and what it says of the run's end."""

_SDK_VERSIONS = (5, 6, 7)


def open_frontend(request: pb.RunRequest, agent: AbstractAgent[Any, Any]) -> Frontend:
    """Reads a request of a front end.

    Args:
        request: One with `frontend`.
        agent: What it is for.

    Raises:
        RunFailure: FRONTEND_REQUEST if its protocol is unknown, its body is not of it, or it approves calls without a history that counts;
            USER_ERROR if the protocol's package is not installed.
    """
    served = _ServedAgent(agent)
    adapter = _adapter(request.frontend, served)
    frontend = Frontend(adapter, served)
    if not request.frontend.server_history and frontend.approves:
        # In a history that the client holds nothing says which calls the model has made, and which wait for approval.
        raise _refused(
            "the request approves or denies calls of tools, which counts only against a history that the host holds; "
            'give agent.fetch conversation: "server"'
        )
    return frontend


def _adapter(frontend: pb.FrontendRequest, agent: AbstractAgent[Any, Any]) -> Any:
    held_by: Any = "server" if frontend.server_history else "client"
    given: dict[str, Any] = {"agent": agent, "accept": "text/event-stream", "manage_message_history": held_by}
    try:
        match frontend.protocol:
            case pb.FRONTEND_PROTOCOL_VERCEL_AI:
                from pydantic_ai.ui.vercel_ai import VercelAIAdapter  # late: most workers serve no front end

                version: Any = frontend.sdk_version if frontend.sdk_version in _SDK_VERSIONS else max(_SDK_VERSIONS)
                return VercelAIAdapter(run_input=VercelAIAdapter.build_run_input(frontend.body), sdk_version=version, **given)
            case pb.FRONTEND_PROTOCOL_AG_UI:
                agui = _agui_adapter()
                return agui(run_input=agui.build_run_input(frontend.body), **given)
    except ValidationError as error:
        raise _refused(f"the body is no request of the protocol: {error.error_count()} of its fields are wrong") from error
    raise _refused("frontend.protocol is one that this worker does not know")


def _refused(message: str) -> RunFailure:
    return RunFailure(pb.AGENT_ERROR_KIND_FRONTEND_REQUEST, grpc.StatusCode.INVALID_ARGUMENT, message)


def _agui_adapter() -> Any:
    try:
        from pydantic_ai.ui.ag_ui import AGUIAdapter
    except ImportError as error:
        raise RunFailure(
            pb.AGENT_ERROR_KIND_USER_ERROR,
            grpc.StatusCode.FAILED_PRECONDITION,
            "AG-UI needs a package that is not installed in the worker's Python; run: pip install ag-ui-protocol",
        ) from error
    return AGUIAdapter


class _ServedAgent(WrapperAgent[Any, Any]):
    """The agent as an adapter runs it: its events come one by one, of a run that others may look at and steer."""

    asked = False
    """Whether the adapter has accepted the request."""
    began: Callable[[AgentRun[Any, Any], list[ModelMessage]], None]
    stepped: Callable[[], None]

    @asynccontextmanager
    async def run_stream_events(self, user_prompt: Any = None, **given: Any) -> AsyncGenerator[AsyncIterator[Any]]:  # type: ignore[override]
        self.asked = True
        given.pop("infer_name", None)
        async with self.wrapped.iter(user_prompt, infer_name=False, **given) as run:
            self.began(run, list(given.get("message_history") or ()))
            async with aclosing(self._events(run)) as events:
                yield events

    async def _events(self, run: AgentRun[Any, Any]) -> AsyncGenerator[Any]:
        node = run.next_node
        while not isinstance(node, End):
            if Agent.is_model_request_node(node):
                self.stepped()
            if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                async with node.stream(run.ctx) as events:
                    async for event in events:
                        yield event
            node = await run.next(node)
        if run.result is None:
            raise RuntimeError("the run ended without a result")
        yield AgentRunResultEvent(run.result)


class Frontend:
    """One request of a front end, and the text that answers it.

    Args:
        adapter: pydantic-ai's, for the request's protocol.
        agent: The one that the adapter runs.
    """

    def __init__(self, adapter: UIAdapter[Any, Any, Any, Any, Any], agent: _ServedAgent) -> None:
        self._adapter = adapter
        self._agent = agent
        self._end: pb.FrontendEnd = pb.FRONTEND_END_UNSPECIFIED
        self._error: Exception | None = None

    @property
    def approves(self) -> bool:
        """Whether the client answers calls that wait for approval."""
        try:
            answers = self._adapter.deferred_tool_results
        except UserError as error:
            raise _refused(str(error)) from error
        return answers is not None and bool(answers.approvals)

    async def texts(
        self,
        *,
        began: Callable[[AgentRun[Any, Any], list[ModelMessage]], None],
        stepped: Callable[[], None],
        output_type: Any,
        **given: Any,
    ) -> AsyncGenerator[FrontendText]:
        """Runs the agent; the text of each event of the protocol.

        Args:
            began: Told of the run, and of the messages that it begins with.
            stepped: Called at each request of the model.
            output_type: Of the request; None: the agent's own.
            given: As of `UIAdapter.run_stream_native`.

        Raises:
            RunFailure: FRONTEND_REQUEST if the adapter refuses the request.
            BaseException: Whatever ended the run, after the text that tells of it.
        """
        self._agent.began, self._agent.stepped = began, stepped
        stream: Any = self._adapter.build_event_stream()
        self._hide_errors(stream)
        events: Any = self._adapter.run_stream_native(output_type=self._may_defer(output_type), infer_name=False, **given)
        # Each generator is closed here: one that is merely dropped would be closed in another task.
        async with (
            aclosing(events),
            aclosing(self._watched(events)) as watched,
            aclosing(stream.transform_stream(watched)) as transformed,
        ):
            async for event in transformed:
                yield stream.encode_event(event), self._end
        error = self._error
        if error is None:
            return
        if isinstance(error, UserError) and not self._agent.asked:
            raise _refused(str(error)) from error
        raise error

    async def _watched(self, events: AsyncIterator[Any]) -> AsyncGenerator[Any]:
        try:
            async for event in events:
                if isinstance(event, AgentRunResultEvent):
                    self._end = pb.FRONTEND_END_COMPLETED
                yield event
        except Exception as error:
            self._error = error
            self._end = pb.FRONTEND_END_FAILED
            raise

    def _hide_errors(self, stream: Any) -> None:
        """What an exception says is for the host; the client is told a sentence that tells no details."""
        on_error = stream.on_error

        def hidden(error: Exception) -> AsyncIterator[Any]:
            if self._error is None:  # raised while an event was written
                self._error = error
            self._end = pb.FRONTEND_END_FAILED
            told: AsyncIterator[Any] = on_error(FrontendError.of(error))
            return told

        stream.on_error = hidden

    def _may_defer(self, output_type: Any) -> Any:
        """The output type with what a run asks for that waits for people, where the agent takes another output type at all."""
        if self._adapter.toolset is not None or _has_output_validators(self._agent):
            return output_type
        return or_deferred(output_type, self._agent)


def _has_output_validators(agent: AbstractAgent[Any, Any]) -> bool:
    # Private in pydantic-ai, which refuses another output type for an agent that has some; a test pins it.
    return bool(getattr(innermost(agent), "_output_validators", ()))
