"""Runs that wait for answers from outside: how a wait reaches the host, how it ends, and what runs without a host are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from pydantic_ai import Agent, CallDeferred, DeferredToolRequests, DeferredToolResults, RunContext
from pydantic_ai.capabilities import HandleDeferredToolCalls, RequestInput
from pydantic_ai.external_events import ExternalEventError, wait_for_external_event
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_core import to_json

from synapse_otp.errors import RunFailure
from synapse_otp.events import Chunks
from synapse_otp.host_session import HostSession
from synapse_otp.runner import AgentRunner, Progress
from synapse_otp.v1 import agent_pb2 as pb

DEADLINE_S = 20


def _answer(messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    returned = [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
    if returned:
        return ModelResponse([TextPart(to_json([[part.outcome, part.tool_name, part.content] for part in returned]).decode())])
    calls = json.loads(messages[0].parts[0].content)  # type: ignore[union-attr, arg-type]
    return ModelResponse([ToolCallPart(name, args, f"call-{n}") for n, (name, args) in enumerate(calls, 1)])


async def _stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    for index, part in enumerate(_answer(messages, info).parts):
        if isinstance(part, ToolCallPart):
            yield {index: DeltaToolCall(part.tool_name, part.args_as_json_str(), tool_call_id=part.tool_call_id)}
        elif isinstance(part, TextPart):
            yield part.content


def make_agent(*capabilities: Any) -> Agent[None, str]:
    agent = Agent(FunctionModel(_answer, stream_function=_stream), capabilities=capabilities)

    @agent.tool_plain(requires_approval=True)
    async def delete(path: str) -> str:
        return f"deleted {path}"

    @agent.tool_plain
    async def ticket(title: str) -> Any:
        raise CallDeferred(metadata={"title": title})

    @agent.tool_plain
    async def wait(name: str, timeout_ms: int = 0, in_place: Any = None) -> Any:
        def ask(_token: str) -> Any:
            return in_place

        try:
            return await wait_for_external_event(name, ask=ask, timeout=timedelta(milliseconds=timeout_ms) if timeout_ms else None)
        except ExternalEventError as error:
            return f"no answer: {error}"

    return agent


class Host:
    """The host of one run, in memory."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[pb.WorkerMessage] = asyncio.Queue()
        self.answers: asyncio.Queue[pb.HostMessage | None] = asyncio.Queue()
        self.session = HostSession(self.sent.put, lambda: False)
        self.chunks: list[pb.RunResponseChunk] = []
        self.run: asyncio.Task[pb.RunResponse]

    async def messages(self) -> AsyncIterator[pb.HostMessage]:
        while (message := await self.answers.get()) is not None:
            yield message

    async def next(self, kind: str) -> Any:
        """The next message of a kind; chunks that come before it are kept."""
        while True:
            message = await asyncio.wait_for(self.sent.get(), DEADLINE_S)
            if message.WhichOneof("message") == kind:
                return getattr(message, kind)
            if message.HasField("chunk"):
                self.chunks.append(message.chunk)

    def answer(self, request: pb.HostRequest, value: Any) -> None:
        answered = pb.HostWaitAnswered(value_json=json.dumps(value).encode())
        self.answers.put_nowait(pb.HostMessage(answer=pb.HostAnswer(request_id=request.id, wait_answered=answered)))

    def decline(self, request: pb.HostRequest, reason: str) -> None:
        declined = pb.HostWaitDeclined(reason=reason)
        self.answers.put_nowait(pb.HostMessage(answer=pb.HostAnswer(request_id=request.id, wait_declined=declined)))

    def expire(self, request: pb.HostRequest) -> None:
        self.answers.put_nowait(pb.HostMessage(answer=pb.HostAnswer(request_id=request.id, timed_out=pb.HostTimedOut())))

    async def heard(self) -> Any:
        """What the model was told."""
        response = await asyncio.wait_for(self.run, DEADLINE_S)
        while not self.sent.empty():
            message = self.sent.get_nowait()
            if message.HasField("chunk"):
                self.chunks.append(message.chunk)
        return json.loads(response.result)

    @property
    def inputs(self) -> list[Any]:
        """The events of waits."""
        kinds = ((chunk, chunk.WhichOneof("event")) for chunk in self.chunks)
        return [getattr(chunk, kind) for chunk, kind in kinds if kind in ("input_requested", "input_answered")]


@asynccontextmanager
async def hosted(agent: Agent[Any, Any], calls: list[Any], **fields: Any) -> AsyncIterator[Host]:
    host = Host()
    request = pb.RunRequest(**{"prompt": json.dumps(calls), "run_id": "run-1", "attempt": 1, "may_wait": True, **fields})
    reading = asyncio.create_task(host.session.read(host.messages()))
    runner = AgentRunner(agent, 1)
    begin = runner.answer_frontend if request.HasField("frontend") else runner.stream
    host.run = asyncio.create_task(begin(request, Chunks("run-1", 1), Progress(), host.session.write, host.session))
    try:
        yield host
    finally:
        host.run.cancel()
        reading.cancel()
        await asyncio.gather(host.run, reading, return_exceptions=True)


async def test_a_wait_is_a_request_of_the_host_and_goes_on_with_the_value() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour"}]]) as host:
        request = await host.next("request")
        assert request.wait == pb.HostWait(token="run-1|event|colour#1", name="colour")
        assert not request.HasField("time_left_ms")
        host.answer(request, {"is": "red"})
        assert await host.heard() == [["success", "wait", {"is": "red"}]]
        assert host.inputs == [
            pb.InputRequested(token="run-1|event|colour#1", name="colour"),
            pb.InputAnswered(token="run-1|event|colour#1", name="colour", outcome=pb.INPUT_OUTCOME_ANSWERED),
        ]
        assert [chunk.seq for chunk in host.chunks] == list(range(1, len(host.chunks) + 1))


async def test_the_host_knows_a_token_before_anybody_is_asked_and_then_its_readers() -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()
    go_on = asyncio.Event()

    async def ask(_ctx: RunContext[Any], _requests: DeferredToolRequests, token: str) -> None:
        asked.put_nowait(token)
        await go_on.wait()

    async with hosted(make_agent(RequestInput(ask)), [["delete", {"path": "/a"}]]) as host:
        request = await host.next("request")
        assert await asyncio.wait_for(asked.get(), DEADLINE_S) == request.wait.token
        assert host.inputs == []
        # Somebody is faster than `ask`.
        host.answer(request, {"approvals": {"call-1": True}})
        go_on.set()
        assert await host.heard() == [["success", "delete", "deleted /a"]]
        assert [type(event) for event in host.inputs] == [pb.InputRequested, pb.InputAnswered]


async def test_waits_at_a_time_have_tokens_of_their_own_and_are_answered_in_any_order() -> None:
    async with hosted(make_agent(), [["wait", {"name": "one"}], ["wait", {"name": "one"}], ["wait", {"name": "two"}]]) as host:
        requests = [await host.next("request") for _ in range(3)]
        assert [request.wait.token for request in requests] == ["run-1|event|one#1", "run-1|event|one#2", "run-1|event|two#1"]
        for request in reversed(requests):
            host.answer(request, request.wait.token)
        assert sorted(told[2] for told in await host.heard()) == [request.wait.token for request in requests]


async def test_tools_that_ask_people_are_one_wait_of_the_step_and_answered_together() -> None:
    calls = [["delete", {"path": "/a"}], ["delete", {"path": "/b"}], ["delete", {"path": "/c"}], ["ticket", {"title": "t"}]]
    async with hosted(make_agent(), calls) as host:
        request = await host.next("request")
        asked = json.loads(request.wait.requests_json)
        assert [call["tool_call_id"] for call in asked["approvals"]] == ["call-1", "call-2", "call-3"]
        assert [call["tool_call_id"] for call in asked["calls"]] == ["call-4"]
        assert asked["metadata"] == {"call-4": {"title": "t"}}
        approvals = {
            "call-1": True,
            "call-2": {"kind": "tool-denied", "message": "no"},
            "call-3": {"kind": "tool-approved", "override_args": {"path": "/x"}},
        }
        host.answer(request, {"approvals": approvals, "calls": {"call-4": {"kind": "tool-return", "return_value": 7}}})
        assert sorted(await host.heard()) == [
            ["denied", "delete", "no"],
            ["success", "delete", "deleted /a"],
            ["success", "delete", "deleted /x"],
            ["success", "ticket", 7],
        ]
        assert host.inputs[0].requests_json == request.wait.requests_json


async def test_the_agents_own_capabilities_are_asked_before_and_the_host_hears_of_the_rest() -> None:
    def approve(_ctx: RunContext[Any], requests: DeferredToolRequests) -> DeferredToolResults:
        return DeferredToolResults(approvals={call.tool_call_id: True for call in requests.approvals})

    async with hosted(make_agent(HandleDeferredToolCalls(approve)), [["delete", {"path": "/a"}], ["ticket", {"title": "t"}]]) as host:
        request = await host.next("request")
        asked = json.loads(request.wait.requests_json)
        assert (asked["approvals"], [call["tool_call_id"] for call in asked["calls"]]) == ([], ["call-2"])
        host.answer(request, {"calls": {"call-2": 1}})
        assert await host.heard() == [["success", "delete", "deleted /a"], ["success", "ticket", 1]]


async def test_the_name_and_the_time_are_those_of_the_agents_own_request_input() -> None:
    own = RequestInput(lambda _ctx, _requests, _token: None, timeout=timedelta(seconds=90), name="sign")
    async with hosted(make_agent(own), [["delete", {"path": "/a"}]]) as host:
        request = await host.next("request")
        assert (request.wait.name, request.time_left_ms) == ("sign", 90_000)
        assert json.loads(request.wait.requests_json)["approvals"][0]["tool_call_id"] == "call-1"
        host.expire(request)
        [[outcome, _, content]] = await host.heard()
        assert (outcome, content) == ("denied", "No decision on this tool call arrived: No resolution arrived within 0:01:30.")
        requested, answered = host.inputs
        assert requested.deadline_unix_ms > 0
        assert answered.outcome == pb.INPUT_OUTCOME_TIMED_OUT


async def test_what_is_declined_is_told_with_its_reason() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour"}]]) as host:
        host.decline(await host.next("request"), "nobody is in")
        assert await host.heard() == [["success", "wait", "no answer: nobody is in"]]
        assert host.inputs[1].outcome == pb.INPUT_OUTCOME_DECLINED


async def test_an_answer_in_place_takes_the_request_back_and_is_told_to_nobody() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour", "in_place": "blue"}]]) as host:
        request = await host.next("request")
        assert (await host.next("request_cancelled")).id == request.id
        assert await host.heard() == [["success", "wait", "blue"]]
        assert host.inputs == []


async def test_what_ask_raises_is_raised_and_takes_the_request_back() -> None:
    def ask(_ctx: RunContext[Any], _requests: DeferredToolRequests, _token: str) -> None:
        raise TimeoutError("the mail did not leave")

    async with hosted(make_agent(RequestInput(ask)), [["delete", {"path": "/a"}]]) as host:
        request = await host.next("request")
        assert (await host.next("request_cancelled")).id == request.id
        with pytest.raises(TimeoutError, match="the mail did not leave"):
            await host.run


async def test_the_time_bounds_ask_too() -> None:
    async def ask(_ctx: RunContext[Any], _requests: DeferredToolRequests, _token: str) -> None:
        await asyncio.Event().wait()

    async with hosted(make_agent(RequestInput(ask, timeout=timedelta(milliseconds=50))), [["delete", {"path": "/a"}]]) as host:
        request = await host.next("request")
        assert (await host.next("request_cancelled")).id == request.id
        assert (await host.heard())[0][0] == "denied"


async def test_a_cancelled_run_takes_its_request_back() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour"}]]) as host:
        request = await host.next("request")
        host.run.cancel()
        assert (await host.next("request_cancelled")).id == request.id


async def test_a_run_that_may_pause_too_pauses_for_tools_and_waits_for_its_own_code() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour"}], ["delete", {"path": "/a"}]], may_pause=True) as host:
        request = await host.next("request")
        assert (request.wait.name, request.wait.requests_json) == ("colour", b"")
        host.answer(request, "red")
        response = await asyncio.wait_for(host.run, DEADLINE_S)
        assert response.kind == pb.OUTPUT_KIND_DEFERRED


async def test_an_agent_that_a_tool_calls_waits_at_the_same_host() -> None:
    outer = make_agent()
    inner = make_agent(RequestInput(lambda _ctx, _requests, _token: None, name="inner"))

    @outer.tool_plain
    async def delegate() -> str:
        return (await inner.run(json.dumps([["delete", {"path": "/a"}]]))).output

    async with hosted(outer, [["delegate", {}]]) as host:
        request = await host.next("request")
        assert (request.wait.token, request.wait.requests_json) == ("run-1|event|inner#1", b"")
        host.answer(request, {"approvals": {"call-1": True}})
        [[outcome, _, content]] = await host.heard()
        assert (outcome, json.loads(content)) == ("success", [["success", "delete", "deleted /a"]])


async def test_a_lost_host_ends_the_wait() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour"}]]) as host:
        await host.next("request")
        host.answers.put_nowait(None)
        with pytest.raises(RunFailure, match="the host has closed its side"):
            await asyncio.wait_for(host.run, DEADLINE_S)


async def test_a_host_that_does_not_know_waits_ends_the_run() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour"}]]) as host:
        request = await host.next("request")
        host.answers.put_nowait(pb.HostMessage(answer=pb.HostAnswer(request_id=request.id, unknown=pb.HostUnknown())))
        with pytest.raises(RunFailure, match="does not know requests of the kind wait"):
            await asyncio.wait_for(host.run, DEADLINE_S)


async def test_a_run_that_may_not_wait_is_told_how_it_may() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour"}]], may_wait=False) as host:
        with pytest.raises(RunFailure, match=r'waits for "colour" .* mayWait: true') as caught:
            await asyncio.wait_for(host.run, DEADLINE_S)
        assert caught.value.kind == pb.AGENT_ERROR_KIND_USER_ERROR


async def test_a_run_that_may_not_wait_takes_answers_in_place() -> None:
    async with hosted(make_agent(), [["wait", {"name": "colour", "in_place": 1}]], may_wait=False) as host:
        assert await host.heard() == [["success", "wait", 1]]


async def test_may_wait_without_a_session_is_refused() -> None:
    request = pb.RunRequest(prompt="[]", run_id="run-1", attempt=1, may_wait=True)
    with pytest.raises(RunFailure, match="may_wait needs RunSession"):
        await AgentRunner(make_agent(), 1).run(request, Progress())


def _frontend(calls: list[Any]) -> pb.FrontendRequest:
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": json.dumps(calls)}]}
    body = json.dumps({"id": "chat", "trigger": "submit-message", "messages": [message]}).encode()
    return pb.FrontendRequest(protocol=pb.FRONTEND_PROTOCOL_VERCEL_AI, body=body, sdk_version=7)


async def test_a_run_of_a_front_end_waits_for_what_its_code_waits_for_and_pauses_for_tools_that_ask() -> None:
    calls = [["wait", {"name": "colour"}], ["delete", {"path": "/a"}]]
    async with hosted(make_agent(), [], may_pause=True, frontend=_frontend(calls)) as host:
        request = await host.next("request")
        assert request.wait == pb.HostWait(token="run-1|event|colour#1", name="colour")
        host.answer(request, "red")
        response = await asyncio.wait_for(host.run, DEADLINE_S)
        assert response.kind == pb.OUTPUT_KIND_DEFERRED
        while not host.sent.empty():
            host.chunks.append(host.sent.get_nowait().chunk)
        assert host.chunks[0].HasField("started")
        assert [type(event) for event in host.inputs] == [pb.InputRequested, pb.InputAnswered]
        text = "".join(chunk.frontend_text.text for chunk in host.chunks)
        assert text.count('"output":"red"') == 1
        assert '"approvalId":"call-2"' in text


async def test_a_run_of_a_front_end_that_waits_before_it_tells_anything_has_begun_by_then() -> None:
    async def instructions() -> str:
        return str(await wait_for_external_event("tone", ask=lambda _token: None))

    async def says(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
        yield "hello"

    agent = Agent(FunctionModel(stream_function=says), instructions=instructions)
    async with hosted(agent, [], frontend=_frontend([])) as host:
        host.answer(await host.next("request"), "kind")
        await asyncio.wait_for(host.run, DEADLINE_S)
        while not host.sent.empty():
            host.chunks.append(host.sent.get_nowait().chunk)
        assert host.chunks[0].HasField("started")


async def test_a_run_of_a_front_end_that_may_not_wait_is_rejected_by_name_of_the_option() -> None:
    async with hosted(make_agent(), [], may_wait=False, frontend=_frontend([["wait", {"name": "colour"}]])) as host:
        with pytest.raises(RunFailure, match="mayWait: true"):
            await asyncio.wait_for(host.run, DEADLINE_S)
