"""Every event of the installed pydantic-ai is told, in order, with its step."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, ModelRetry, RunContext, ToolReturn
from pydantic_ai import messages as m
from pydantic_ai.capabilities import HandleDeferredToolCalls
from pydantic_ai.models import CompletedStreamedResponse
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults

from synapse_otp.events import Chunks
from synapse_otp.runner import AgentRunner, Progress
from synapse_otp.v1 import agent_pb2 as pb

ROOT = Path(__file__).parents[2]

EVENT_KINDS: dict[str, str] = {
    "part_start": "part_start",
    "part_delta": "text_delta",
    "part_end": "part_end",
    "function_tool_call": "tool_call",
    "function_tool_result": "tool_result",
    "output_tool_call": "output_call",
    "output_tool_result": "output_result",
    **dict.fromkeys(
        (
            "final_result",
            "enqueued_messages",
            "tool_availability_delta",
            "capability_load_delta",
            "model_settings_delta",
            "deferred_tool_requests",
            "deferred_tool_results",
            "custom",
            "capability",
            "realtime_turn_complete",
            "realtime_input_speech_start",
            "realtime_input_speech_end",
            "realtime_output_speech_start",
            "realtime_output_speech_end",
            "realtime_response_interrupted",
            "realtime_input_transcription_error",
            "realtime_session_reconnect",
            "realtime_session_error",
        ),
        "pydantic_event",
    ),
}
"""Every event of pydantic-ai by its kind, and the member of the contract's `event` that tells it; any other kind is a `pydantic_event`."""

DELTA_KINDS: dict[str, str] = {
    "text": "text_delta",
    "thinking": "thinking_delta",
    "tool_call": "tool_args_delta",
    "speech": "pydantic_event",
}
"""The same for the kinds of delta in a `part_delta`."""


def members(union: Any) -> list[type]:
    """The classes of a union, whatever it is wrapped in."""
    if typing.get_origin(union) is typing.Annotated:
        return members(typing.get_args(union)[0])
    if parts := typing.get_args(union):
        return [found for part in parts for found in members(part)]
    return [union] if isinstance(union, type) else []


def kinds(union: Any, field: str) -> set[str]:
    return {str(each.default) for found in members(union) for each in dataclasses.fields(found) if each.name == field}


def table_in_typescript(name: str) -> set[str]:
    source = (ROOT / "src" / "rpc" / "pydantic-event.ts").read_text()
    found = re.search(rf"const {name} = \{{(.*?)\n\}}", source, re.DOTALL)
    assert found is not None
    return set(re.findall(r"^  \"?([\w-]+)\"?:", found[1], re.MULTILINE))


def test_every_event_kind_of_pydantic_ai_is_mapped_on_both_sides() -> None:
    ours = kinds(m.AgentStreamEvent, "event_kind")
    assert ours - set(EVENT_KINDS) == set(), "pydantic-ai has events that EVENT_KINDS does not have"
    assert set(EVENT_KINDS) - ours == set(), "EVENT_KINDS has events that pydantic-ai does not have"
    assert table_in_typescript("eventTypes") == ours, "src/rpc/pydantic-event.ts does not have pydantic-ai's events"


def test_every_delta_and_part_kind_of_pydantic_ai_is_mapped_on_both_sides() -> None:
    deltas = kinds(m.ModelResponsePartDelta, "part_delta_kind")
    assert set(DELTA_KINDS) == deltas
    assert table_in_typescript("deltaTypes") == deltas
    assert table_in_typescript("partKinds") == kinds(m.ModelResponsePart, "part_kind")


def test_every_member_of_the_contract_that_an_event_is_told_with_exists() -> None:
    members_of_event = {field.name for field in pb.RunResponseChunk.DESCRIPTOR.oneofs_by_name["event"].fields}
    assert {*EVENT_KINDS.values(), *DELTA_KINDS.values()} <= members_of_event


async def collect(agent: Agent[Any, Any], **fields: Any) -> list[pb.RunResponseChunk]:
    chunks: list[pb.RunResponseChunk] = []

    async def write(chunk: pb.RunResponseChunk) -> None:
        chunks.append(chunk)

    await AgentRunner(agent, 1).stream(pb.RunRequest(prompt="p", **fields), Chunks("r", 1), Progress(), write)
    assert [chunk.seq for chunk in chunks] == list(range(1, len(chunks) + 1))
    return chunks


def told(chunks: list[pb.RunResponseChunk]) -> list[str]:
    """The events by name; those of pydantic-ai alone by their kind."""
    return [chunk.pydantic_event.kind if chunk.HasField("pydantic_event") else str(chunk.WhichOneof("event")) for chunk in chunks]


def native(chunks: list[pb.RunResponseChunk]) -> dict[str, Any]:
    """What is told in pydantic-ai's own words, by kind."""
    events = [chunk.pydantic_event for chunk in chunks if chunk.HasField("pydantic_event")]
    return {event.kind: json.loads(event.event_json) for event in events}


class Replay(WrapperModel):
    """A model whose answers are whole responses."""

    def __init__(self, *responses: m.ModelResponse) -> None:
        super().__init__(FunctionModel(lambda _messages, _info: responses[0]))
        self._responses = iter(responses)

    @asynccontextmanager
    async def request_stream(self, _messages: Any, _settings: Any, parameters: Any, _context: Any = None) -> AsyncIterator[Any]:
        yield CompletedStreamedResponse(next(self._responses), model_request_parameters=parameters, replay_events=True)


def scripted(*steps: Sequence[str | DeltaToolCalls]) -> FunctionModel:
    """A model that streams these deltas, one list for each request."""
    left = iter(steps)

    async def stream(_messages: list[m.ModelMessage], _info: AgentInfo) -> AsyncIterator[Any]:
        for delta in next(left):
            yield delta

    return FunctionModel(stream_function=stream)


def call(name: str, *args: str, call_id: str = "c1", index: int = 0) -> list[DeltaToolCalls]:
    first, *rest = args
    return [
        {index: DeltaToolCall(name, first, tool_call_id=call_id)},
        *({index: DeltaToolCall(json_args=piece, tool_call_id=call_id)} for piece in rest),
    ]


async def test_text_is_a_part_with_its_deltas_and_its_whole() -> None:
    chunks = await collect(Agent(scripted(["Hel", "lo"])))
    assert told(chunks) == ["started", "part_start", "text_delta", "final_result", "text_delta", "part_end"]
    assert chunks[1].part_start.part_kind == "text"
    assert json.loads(chunks[-1].part_end.part_json)["content"] == "Hello"
    assert [chunk.step for chunk in chunks] == [0, 1, 1, 1, 1, 1]


async def test_arguments_of_a_tool_come_as_the_model_writes_them() -> None:
    agent = Agent(scripted(call("double", '{"n"', ": 21}"), ["42"]))

    @agent.tool_plain
    def double(n: int) -> int:
        return 2 * n

    chunks = await collect(agent)
    assert told(chunks)[:7] == ["started", "part_start", "tool_args_delta", "tool_args_delta", "part_end", "tool_call", "tool_result"]
    deltas = [chunk.tool_args_delta for chunk in chunks if chunk.HasField("tool_args_delta")]
    assert json.loads("".join(delta.text for delta in deltas)) == {"n": 21}
    assert {(delta.tool_call_id, delta.tool_name) for delta in deltas} == {("c1", "double")}
    assert [chunk.step for chunk in chunks if chunk.HasField("tool_result")] == [1]
    assert chunks[-1].step == 2


class City(BaseModel):
    name: str


async def test_output_by_a_tool_is_told_and_so_is_what_became_of_it() -> None:
    chunks = await collect(Agent(scripted(call("final_result", '{"name":1}'), call("final_result", '{"name":"Lima"}')), output_type=City))
    assert told(chunks).count("final_result") == 2
    calls = [chunk.output_call for chunk in chunks if chunk.HasField("output_call")]
    assert [(made.tool_name, made.args_valid) for made in calls] == [("final_result", False), ("final_result", True)]
    results = [chunk.output_result for chunk in chunks if chunk.HasField("output_result")]
    assert [result.outcome for result in results] == [pb.TOOL_OUTCOME_RETRY, pb.TOOL_OUTCOME_SUCCESS]


async def test_answer_that_cannot_be_used_is_a_retry_of_the_step_that_gave_it() -> None:
    agent = Agent(scripted(["bad"], ["good"]), retries=2)

    @agent.output_validator
    def check(_ctx: RunContext[Any], text: str) -> str:
        if text == "bad":
            raise ModelRetry("say something good")
        return text

    chunks = await collect(agent)
    (retry,) = [chunk for chunk in chunks if chunk.HasField("retry")]
    assert (retry.step, json.loads(retry.retry.content_json)) == (1, "say something good")
    assert (retry.retry.attempt, retry.retry.max_retries) == (1, 2)
    assert retry.retry.cause
    assert chunks[-1].step == 2


async def test_parts_of_every_kind_arrive_whole() -> None:
    parts: list[m.ModelResponsePart] = [
        m.ThinkingPart("hm", signature="sig"),
        m.NativeToolCallPart("web_search", {"query": "q"}, "n1", provider_name="p"),
        m.NativeToolReturnPart("web_search", {"status": "ok"}, "n1", provider_name="p"),
        m.FilePart(m.BinaryContent(b"\xff\xfe", media_type="image/png")),
        m.CompactionPart(content="short"),
        m.TextPart("cited", citations=[m.Citation([m.WebCitationSource("https://example.org")])]),
    ]
    chunks = await collect(Agent(Replay(m.ModelResponse(parts=parts))))
    ends = [json.loads(chunk.part_end.part_json) for chunk in chunks if chunk.HasField("part_end")]
    assert [end["part_kind"] for end in ends] == ["thinking", "builtin-tool-call", "builtin-tool-return", "file", "compaction", "text"]
    assert [chunk.part_start.part_index for chunk in chunks if chunk.HasField("part_start")] == [0, 1, 2, 3, 4, 5]
    assert ends[0]["signature"] == "sig"
    assert ends[3]["content"] == {"data": "__4=", "media_type": "image/png", "vendor_metadata": None, "kind": "binary"} | {
        "identifier": ends[3]["content"]["identifier"]
    }
    assert ends[5]["citations"][0]["sources"][0]["url"] == "https://example.org"
    (args,) = [chunk.tool_args_delta for chunk in chunks if chunk.HasField("tool_args_delta")]
    assert (args.tool_call_id, args.tool_name, json.loads(args.text)) == ("n1", "web_search", {"query": "q"})


def test_citations_and_speech_are_deltas_of_their_own() -> None:
    chunks = Chunks("r", 1)
    citation = m.Citation([m.WebCitationSource("https://example.org")])
    told_ = [
        *chunks.of_event(m.PartDeltaEvent(index=2, delta=m.TextPartDelta("x", citations_delta=[citation]))),
        *chunks.of_event(m.PartDeltaEvent(index=3, delta=m.SpeechPartDelta(transcript_delta="hi"))),
    ]
    assert told(told_) == ["text_delta", "citations_delta", "part_delta"]
    assert (told_[1].citations_delta.part_index, json.loads(told_[1].citations_delta.citations_json)[0]["anchor"]) == (2, None)
    assert json.loads(told_[2].pydantic_event.event_json)["delta"]["transcript_delta"] == "hi"


@dataclass(kw_only=True)
class StepsDoneEvent(m.CustomEvent):
    done: int
    total: int


async def test_events_of_the_users_own_and_enqueued_messages_are_told() -> None:
    agent = Agent(scripted(call("work", "{}"), ["done"]))

    @agent.tool
    async def work(ctx: RunContext[Any]) -> ToolReturn:
        await ctx.emit(StepsDoneEvent(done=1, total=3))
        ctx.enqueue("one more thing")
        return ToolReturn("worked")

    chunks = await collect(agent)
    events = native(chunks)
    assert events["custom"] == {
        "event_kind": "custom",
        "name": "steps_done",
        "done": 1,
        "total": 3,
        "tool_call_id": "c1",
        "tool_name": "work",
    }
    assert "one more thing" in json.dumps(events["enqueued_messages"]["messages"])


async def test_what_a_run_asks_for_and_is_answered_are_told() -> None:
    def answer(_ctx: RunContext[Any], requests: DeferredToolRequests) -> DeferredToolResults:
        return requests.build_results(approve_all=True)

    agent = Agent(scripted(call("wipe", '{"path":"x"}'), ["done"]), capabilities=[HandleDeferredToolCalls(answer)])

    @agent.tool_plain(requires_approval=True)
    def wipe(path: str) -> str:
        return f"wiped {path}"

    chunks = await collect(agent)
    events = native(chunks)
    assert [asked["tool_name"] for asked in events["deferred_tool_requests"]["requests"]["approvals"]] == ["wipe"]
    assert events["deferred_tool_results"]["results"]["approvals"]["c1"]


def test_event_that_nobody_knows_is_told_with_its_json() -> None:
    @dataclass
    class Newer:
        n: int
        event_kind: str = "newer_than_this"

    (chunk,) = Chunks("r", 1).of_event(Newer(7))
    assert (chunk.pydantic_event.kind, json.loads(chunk.pydantic_event.event_json)["n"]) == ("newer_than_this", 7)


@pytest.mark.parametrize("given", [False, True])
async def test_whole_conversation_is_sent_only_when_it_is_not_what_the_host_can_put_together(given: bool) -> None:
    async def write(_chunk: pb.RunResponseChunk) -> None: ...

    async def answer_of(agent: Agent[Any, Any], **fields: Any) -> pb.RunResponse:
        return await AgentRunner(agent, 1).stream(pb.RunRequest(prompt="p", **fields), Chunks("r", 1), Progress(), write)

    first = await answer_of(Agent(scripted(["one"])))
    history = {"message_history_json": first.new_messages_json} if given else {}
    assert (await answer_of(Agent(scripted(["two"])), **history)).all_messages_json == b""
