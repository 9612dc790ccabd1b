"""Runs that ask their host: its tools, how each request ends, and what a session refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from conftest import Start
from host import DEADLINE_S, FIXTURES, Client, Worker, _failed
from synapse_otp.host_session import HostSession
from synapse_otp.v1 import agent_pb2 as pb

ADD = pb.ToolSpec(name="add", description="Adds.", parameters_schema_json=b'{"type":"object","properties":{"a":{"type":"integer"}}}')

Answer = Callable[[pb.HostRequest], Awaitable[pb.HostAnswer | None]]


class Session:
    """One call of RunSession: what came, and how it ended."""

    def __init__(self, client: Client) -> None:
        self.call = client.stub.RunSession(metadata=client.metadata, timeout=DEADLINE_S)
        self.chunks: list[pb.RunResponseChunk] = []
        self.requests: list[pb.HostRequest] = []
        self.cancelled: list[pb.HostRequestCancelled] = []

    async def start(self, prompt: object, **fields: Any) -> None:
        text = prompt if isinstance(prompt, str) else json.dumps(prompt)
        request = pb.RunRequest(**{"agent_id": "test-agent", "prompt": text, "run_id": "run-1", "attempt": 1, "tools": [ADD], **fields})
        await self.call.write(pb.HostMessage(start=request))

    async def answer(self, answer: pb.HostAnswer) -> None:
        await self.call.write(pb.HostMessage(answer=answer))

    async def request(self) -> pb.HostRequest:
        """The next request of the run."""
        while not self.requests:
            assert await self.read(), self.chunks
        return self.requests.pop(0)

    async def read(self) -> bool:
        message = await self.call.read()
        if message is grpc.aio.EOF:
            return False
        match message.WhichOneof("message"):
            case "chunk":
                self.chunks.append(message.chunk)
            case "request":
                self.requests.append(message.request)
            case "request_cancelled":
                self.cancelled.append(message.request_cancelled)
        return True

    async def end(self) -> pb.RunResponseChunk:
        """The terminal event."""
        try:
            while await self.read():
                pass
        except grpc.aio.AioRpcError as error:
            raise _failed(error, self.chunks) from error
        return self.chunks[-1]

    async def heard(self) -> Any:
        """What the model was told."""
        return json.loads((await self.end()).completed.result)


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    worker = Worker(f"{FIXTURES}/caller.py:agent")
    await worker.ready()
    async with worker.client() as made:
        yield made
    await worker.close()


async def test_a_tool_of_the_host_is_called_and_its_value_goes_to_the_model(client: Client) -> None:
    session = Session(client)
    await session.start([[["add", {"a": 12345678901234567890}]]])
    request = await session.request()
    call = request.tool_call
    assert (request.id, call.tool_name, call.tool_call_id, call.step) == (1, "add", "call-1-1", 1)
    assert json.loads(call.args_json) == {"a": 12345678901234567890}
    await session.answer(pb.HostAnswer(request_id=1, tool_return=pb.HostToolReturn(value_json=b'{"sum":3}')))
    assert await session.heard() == [["success", "add", {"sum": 3}]]
    events = [chunk.WhichOneof("event") for chunk in session.chunks]
    told = ("started", "tool_call", "tool_result", "text_delta", "completed")
    assert [event for event in events if event in told] == list(told)
    assert [chunk.seq for chunk in session.chunks] == list(range(1, len(events) + 1))


async def test_arguments_that_are_no_object_are_the_models_mistake_and_the_host_is_not_asked(client: Client) -> None:
    for args in ("[1]", '"text"', "7", "null"):
        session = Session(client)
        await session.start([[["add", args]]])
        [[outcome, name, told]] = await session.heard()
        assert (outcome, name, session.requests) == ("retried", "add", []), args
        assert "dict_type" in str(told), told


async def test_terminal_only_sends_nothing_but_requests_and_the_end(client: Client) -> None:
    session = Session(client)
    await session.start([[["add", {}]]], stream=pb.StreamOptions(terminal_only=True))
    await session.request()
    await session.answer(pb.HostAnswer(request_id=1, tool_return=pb.HostToolReturn(value_json=b"1")))
    assert await session.heard() == [["success", "add", 1]]
    assert [chunk.WhichOneof("event") for chunk in session.chunks] == ["completed"]


async def test_calls_of_one_response_are_open_at_a_time_and_answered_in_any_order(client: Client) -> None:
    session = Session(client)
    await session.start([[["add", {"a": 1}], ["add", {"a": 2}], ["own_tool", {"value": 4}]]])
    first, second = await session.request(), await session.request()
    assert [first.id, second.id] == [1, 2]
    for request in (second, first):
        await session.answer(pb.HostAnswer(request_id=request.id, tool_return=pb.HostToolReturn(value_json=request.tool_call.args_json)))
    assert await session.heard() == [
        ["success", "add", {"a": 1}],
        ["success", "add", {"a": 2}],
        ["success", "own_tool", 8],
    ]


async def test_the_host_may_ask_the_model_to_retry_or_say_that_the_tool_failed(client: Client) -> None:
    session = Session(client)
    await session.start([[["add", {}]], [["add", {"a": 1}]]])
    await session.request()
    await session.answer(pb.HostAnswer(request_id=1, tool_retry=pb.HostToolRetry(message="say a")))
    again = await session.request()
    assert (again.id, again.tool_call.retry, again.tool_call.step) == (2, 1, 2)
    await session.answer(pb.HostAnswer(request_id=2, tool_failed=pb.HostToolFailed(message="add is closed")))
    (retry, _, told), failed = await session.heard()
    assert (retry, "say a" in str(told)) == ("retried", True)
    assert failed == ["failed", "add", "add is closed"]


async def test_content_of_a_tool_reaches_the_model_in_its_own_classes(client: Client) -> None:
    session = Session(client)
    await session.start([[["add", {}]]])
    await session.request()
    content = [
        pb.ContentPart(text="see"),
        pb.ContentPart(binary=pb.BinaryPart(data=b"\x00\xff", media_type="image/png")),
        pb.ContentPart(url=pb.UrlPart(kind=pb.MEDIA_KIND_DOCUMENT, url="https://example.org/a.pdf")),
    ]
    await session.answer(pb.HostAnswer(request_id=1, tool_return=pb.HostToolReturn(content=content)))
    ((_, _, (text, image, document)),) = await session.heard()
    assert (text, image["media_type"], image["kind"], document["kind"]) == ("see", "image/png", "binary", "document-url")


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ({"tool_error": pb.HostToolError(message="TypeError: x is not a function", type="TypeError")}, "USER_CODE", "x is not a function"),
        ({"unknown": pb.HostUnknown()}, "INTERNAL", "does not know requests of the kind tool_call"),
        ({}, "INTERNAL", "does not know requests of the kind tool_call"),
    ],
)
async def test_an_answer_that_is_no_result_fails_the_run(client: Client, answer: dict[str, Any], kind: str, said: str) -> None:
    session = Session(client)
    await session.start([[["add", {}]]])
    await session.request()
    await session.answer(pb.HostAnswer(request_id=1, **answer))
    with pytest.raises(Exception, match=said):
        await session.end()
    failed = session.chunks[-1].failed
    assert failed.kind == pb.AgentErrorKind.Value(f"AGENT_ERROR_KIND_{kind}")
    if kind == "USER_CODE":
        assert (failed.tool_name, failed.tool_call_id, failed.usage.requests) == ("add", "call-1-1", 1)


async def test_a_request_that_is_not_answered_in_time_is_called_off_and_the_model_is_told(client: Client) -> None:
    session = Session(client)
    slow = pb.ToolSpec(name="slow", parameters_schema_json=b'{"type":"object"}', timeout_ms=1)
    await session.start([[["slow", {}]]], tools=[slow])
    request = await session.request()
    assert request.time_left_ms == 1
    ((kind, _, told),) = await session.heard()
    assert (kind, "Timed out after 0.001 seconds." in str(told)) == ("retried", True)
    assert [(cancelled.id, cancelled.reason) for cancelled in session.cancelled] == [(1, "its time has passed")]


async def test_a_call_beside_one_that_fails_the_run_is_called_off(client: Client) -> None:
    session = Session(client)
    await session.start([[["add", {"a": 1}], ["add", {"a": 2}]]])
    await session.request()
    await session.request()
    await session.answer(pb.HostAnswer(request_id=1, tool_error=pb.HostToolError(message="broken")))
    with pytest.raises(Exception, match="broken"):
        await session.end()
    assert [cancelled.id for cancelled in session.cancelled] in ([2], [])  # or the end of the call says it


async def test_a_host_that_closes_its_side_fails_what_it_was_asked_for(client: Client) -> None:
    session = Session(client)
    await session.start([[["add", {}]]])
    await session.request()
    await session.call.done_writing()
    with pytest.raises(Exception, match="has closed its side of the session"):
        await session.end()


async def test_a_cancelled_session_ends_the_run_and_what_it_asks_for(start: Start) -> None:
    worker = start(f"{FIXTURES}/caller.py:agent")
    await worker.ready()
    async with worker.client() as client:
        session = Session(client)
        await session.start([[["add", {}]]])
        await session.request()
        session.call.cancel()
        await client.stub.AwaitEnd(pb.AwaitEndRequest(run_id="run-1", attempt=1), metadata=client.metadata, timeout=DEADLINE_S)
        await worker.log(event="run.cancelled")
        assert await worker.shutdown() == 0
    assert not [line for line in worker.logs if line["level"] == "error"]


async def test_what_waits_for_a_call_that_is_cancelled_ends_as_cancelled_though_the_messages_end_before() -> None:
    ended = asyncio.Event()

    async def no_messages() -> AsyncIterator[pb.HostMessage]:
        ended.set()
        return
        yield

    async def send(_: pb.WorkerMessage) -> None:
        pass

    session = HostSession(send, lambda: True)
    asking = asyncio.create_task(session.ask(tool_call=pb.HostToolCall(tool_name="add")))
    reading = asyncio.create_task(session.read(no_messages()))
    await ended.wait()
    for _ in range(5):
        await asyncio.sleep(0)  # whoever was told has heard it
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    reading.cancel()


async def test_a_request_that_is_given_up_while_it_is_sent_is_sent_whole_and_then_called_off() -> None:
    sent: list[str] = []
    begun, room = asyncio.Event(), asyncio.Event()

    async def send(message: pb.WorkerMessage) -> None:
        begun.set()
        await room.wait()
        sent.append(str(message.WhichOneof("message")))

    session = HostSession(send, lambda: False)
    asking = asyncio.create_task(session.ask(tool_call=pb.HostToolCall(tool_name="add")))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    event = asyncio.create_task(session.write(pb.RunResponseChunk(seq=1)))
    room.set()
    await event
    assert sent[0] == "request"
    assert sorted(sent[1:]) == ["chunk", "request_cancelled"]


async def test_a_name_that_the_agent_has_itself_is_refused_before_anything_starts(client: Client) -> None:
    session = Session(client)
    await session.start([], tools=[pb.ToolSpec(name="own_tool", parameters_schema_json=b"{}")])
    with pytest.raises(Exception, match='tools names "own_tool", which is a tool of the Python agent'):
        await session.end()
    (only,) = session.chunks
    assert only.failed.kind == pb.AGENT_ERROR_KIND_VALIDATION
    assert json.loads(only.failed.extra_json) == {"field": "tools.own_tool"}


async def test_tools_need_a_session_and_a_session_needs_a_start(client: Client) -> None:
    with pytest.raises(Exception, match="tools of the host need RunSession"):
        await client.run("[]", tools=[ADD])
    session = Session(client)
    await session.answer(pb.HostAnswer(request_id=1))
    with pytest.raises(Exception, match="the first message of a session must be start"):
        await session.end()


async def test_fifty_sessions_at_a_time_keep_their_answers_apart(client: Client) -> None:
    async def one(number: int) -> Any:
        session = Session(client)
        await session.start([[["add", {"a": number}]]], run_id=f"run-{number}")
        request = await session.request()
        await session.answer(pb.HostAnswer(request_id=request.id, tool_return=pb.HostToolReturn(value_json=request.tool_call.args_json)))
        return await session.heard()

    heard = await asyncio.gather(*(one(number) for number in range(50)))
    assert heard == [[["success", "add", {"a": number}]] for number in range(50)]
