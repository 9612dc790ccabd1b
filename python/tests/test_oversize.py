"""What is larger than a message may be: divided, left out and told, or pointed at."""

from __future__ import annotations

import json

import grpc
import pytest

from conftest import Start
from host import Client, Failed, Worker
from synapse_otp.errors import RunFailure
from synapse_otp.events import Chunks
from synapse_otp.oversize import fit_chunk, pieces, point_to_output
from synapse_otp.v1 import agent_pb2 as pb

Controllable = tuple[Worker, Client]
LIMIT = 2_000


def test_text_is_divided_and_its_pieces_are_numbered() -> None:
    chunks = Chunks("r", 1)
    text = "äöü" * 1_000
    fitting = fit_chunk(chunks.make(data=text, text_delta=pb.TextDelta(part_index=3)), chunks, LIMIT)
    assert "".join(chunk.data for chunk in fitting) == text
    assert [chunk.seq for chunk in fitting] == list(range(1, len(fitting) + 1))
    assert {chunk.text_delta.part_index for chunk in fitting} == {3}
    assert max(chunk.ByteSize() for chunk in fitting) <= LIMIT
    thinking = fit_chunk(chunks.make(thinking_delta=pb.ThinkingDelta(part_index=1, text=text)), chunks, LIMIT)
    assert "".join(chunk.thinking_delta.text for chunk in thinking) == text
    assert {chunk.thinking_delta.part_index for chunk in thinking} == {1}
    call = pb.ToolArgsDelta(part_index=2, tool_call_id="c1", tool_name="t", text=text)
    written = [chunk.tool_args_delta for chunk in fit_chunk(chunks.make(tool_args_delta=call), chunks, LIMIT)]
    assert "".join(delta.text for delta in written) == text
    assert {(delta.part_index, delta.tool_call_id, delta.tool_name) for delta in written} == {(2, "c1", "t")}


def test_arguments_results_snapshots_and_messages_that_are_too_large_are_left_out() -> None:
    chunks = Chunks("r", 1)
    large = b"1" * 5_000
    (call,) = fit_chunk(chunks.make(tool_call=pb.ToolCall(tool_name="t", args_json=large)), chunks, LIMIT)
    assert (call.tool_call.args_json, call.tool_call.omitted_bytes, call.tool_call.tool_name) == (b"", 5_000, "t")
    (result,) = fit_chunk(chunks.make(tool_result=pb.ToolResult(content_json=large)), chunks, LIMIT)
    assert (result.tool_result.content_json, result.tool_result.omitted_bytes) == (b"", 5_000)
    (asked,) = fit_chunk(chunks.make(input_requested=pb.InputRequested(token="t", requests_json=large)), chunks, LIMIT)
    assert asked.input_requested == pb.InputRequested(token="t", omitted_bytes=5_000)
    assert fit_chunk(chunks.make(partial_output_json=large), chunks, LIMIT) == []
    (failed,) = fit_chunk(chunks.make(failed=pb.AgentError(message="m", messages_json=large)), chunks, LIMIT)
    assert (failed.failed.message, failed.failed.truncated, failed.ByteSize() < LIMIT) == ("m", True, True)
    (cancelled,) = fit_chunk(chunks.make(cancelled=pb.RunCancelled(reason="c", messages_json=large)), chunks, LIMIT)
    assert (cancelled.cancelled.reason, cancelled.ByteSize() < LIMIT) == ("c", True)


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (pb.RunResponse(kind=pb.OUTPUT_KIND_TEXT, result="long"), {"part_kind": "text", "content": "long"}),
        (pb.RunResponse(kind=pb.OUTPUT_KIND_STRUCTURED, output_json=b'{"a":1}'), {"part_kind": "tool-call", "args": '{"a": 1}'}),
        (pb.RunResponse(kind=pb.OUTPUT_KIND_STRUCTURED, output_json=b'{"a":1}'), {"part_kind": "tool-call", "args": {"a": 1}}),
    ],
)
def test_output_that_the_messages_hold_is_pointed_at(answer: pb.RunResponse, part: dict[str, object]) -> None:
    messages = [{"parts": [{"part_kind": "user-prompt", "content": "long"}]}, {"parts": [{"part_kind": "thinking"}, part]}]
    answer.new_messages_json = json.dumps(messages).encode()
    point_to_output(answer)
    assert (answer.result, answer.output_json, answer.output_at) == ("", b"", pb.OutputAt(message=1, part=1))


def test_output_that_differs_from_the_messages_stays() -> None:
    part = {"part_kind": "tool-call", "args": '{"a": 1.0}'}
    answer = pb.RunResponse(
        kind=pb.OUTPUT_KIND_STRUCTURED, output_json=b'{"a":1}', new_messages_json=json.dumps([{"parts": [part]}]).encode()
    )
    point_to_output(answer)
    assert (answer.output_json, answer.HasField("output_at")) == (b'{"a":1}', False)


def test_pieces_add_up() -> None:
    answer = pb.RunResponse(result="x" * 10_000)
    parts = list(pieces(answer, LIMIT))
    assert max(len(part) for part in parts) < LIMIT
    assert pb.RunResponse.FromString(b"".join(parts)) == answer


async def test_text_is_carried_once_for_a_caller_that_asks_for_it(controllable: Controllable) -> None:
    _, client = controllable
    answer = await client.run("big:600000", output_once=True)
    assert (len(answer.result), answer.output_json, answer.HasField("output_at")) == (0, b"", True)
    small = await client.run("big:100", run_id="run-2", output_once=True)
    assert (small.result, small.output_json) == ("x" * 100, b"")


async def test_answer_over_the_limit_is_an_error_of_its_own_with_the_usage(controllable: Controllable) -> None:
    _, client = controllable
    with pytest.raises(Failed, match="has ended well, but its answer is larger than max") as caught:
        await client.run("big:2000000", output_once=True)
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.error is not None
    assert caught.value.error.kind == pb.AGENT_ERROR_KIND_ANSWER_TOO_LARGE
    assert caught.value.error.usage.requests == 1


async def test_stream_that_has_delivered_everything_ends_well(controllable: Controllable) -> None:
    _, client = controllable
    chunks = await client.stream("big:2000000", output_once=True)
    *parts, last = [chunk for chunk in chunks if chunk.HasField("completed_part") or chunk.HasField("completed")]
    answer = pb.RunResponse.FromString(b"".join(chunk.completed_part for chunk in parts))
    assert last == chunks[-1]
    assert json.loads(answer.new_messages_json)[1]["parts"][0]["content"] == "x" * 2_000_000
    assert "".join(chunk.data for chunk in chunks) == "x" * 2_000_000


async def test_error_whose_text_cannot_be_told_keeps_its_type(start: Start) -> None:
    worker = start("test/fixtures/agents/odd_values.py:agent")
    await worker.ready()
    async with worker.client() as client:
        with pytest.raises(Failed) as caught:
            await client.run("unspeakable")
        error = caught.value.error
        assert error is not None
        assert error.python_type.endswith("Unspeakable")
        assert error.kind == pb.AGENT_ERROR_KIND_USER_CODE
        assert "Unspeakable" in error.message
        with pytest.raises(Failed) as unnamed:
            await client.run("unspeakable-cause", run_id="run-2")
        assert unnamed.value.error is not None
        assert unnamed.value.error.causes[0].python_type.endswith("Unspeakable")


def test_an_event_of_a_front_end_that_is_too_large_fails_its_run() -> None:
    chunks = Chunks("r", 1)
    chunk = chunks.make(frontend_text=pb.FrontendText(text="data: " + "x" * 5_000 + "\n\n"))
    assert fit_chunk(chunk, chunks, 10_000) == [chunk]
    with pytest.raises(RunFailure, match="one event of the answer is larger than max") as raised:
        fit_chunk(chunk, chunks, 4_000)
    assert raised.value.kind == pb.AGENT_ERROR_KIND_ANSWER_TOO_LARGE
