"""Whatever bytes come in and whatever Python values go out: a typed error or the value, and the worker serves on."""

from __future__ import annotations

import json
import os
import random
import string
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.usage import RequestUsage

from fuzzing import Ended, Served, mutate, serving
from synapse_otp.v1 import agent_pb2 as pb

SEED = int(os.environ.get("FUZZ_SEED", "20261126"))
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "150"))

DOCUMENTS: list[bytes] = [
    b"", b"null", b"0", b"-0", b"[]", b"{}", b'""', b"[null]", b'{"a":', b"\xff\xfe", b"\x00", b"NaN", b"[Infinity,-Infinity]", b"1e400",
    b'"\\ud800"', b'"\xed\xa0\x80"', b"9007199254740993", b"9" * 5000, b"[" * 10_000 + b"]" * 10_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b"[" * 10_000, b'[{"kind":"request","parts":[]}]', b'[{"kind":"response","parts":[{"part_kind":"text","content":"x"}]}]',
    b'[{"kind":"request","parts":[{"part_kind":"user-prompt","content":NaN}]}]', b'{"thinking":[1]}', b'{"thinking":{}}',
    b'{"timeout":"soon","logit_bias":[]}', b'{"$ref":"#"}', b'{"type":"object","properties":{"a":{"$ref":"#"}}}', b'{"type":["object"]}',
    b'{"type":"object","properties":5}', b'{"calls":5}', b'{"approvals":{"a":true},"calls":{"b":1}}', b'{"title":7,"type":"object"}',
    b'{"type":"object","$defs":{"a":{"$ref":"#/$defs/a"}},"properties":{"b":{"$ref":"#/$defs/a"}}}',
]  # fmt: skip
TEXTS = ["", "x", "\x00", "ü𝄞\u2028", "1e309", "NaN", "sNaN", "-1", "Infinity", "test:", ":", "openai:none", "unknown-model", "🙂" * 1000]


def echo(messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    parts = [part for message in messages for part in message.parts if isinstance(part, UserPromptPart)]
    return ModelResponse(parts=[TextPart(f"{parts[-1].content if parts else None!s:.50}")])


async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    for part in echo(messages, info).parts:
        yield part.content if isinstance(part, TextPart) else ""


class Counting(FunctionModel):
    async def count_tokens(self, *_: Any) -> RequestUsage:
        return RequestUsage()


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(Agent(Counting(echo, stream_function=stream), deps_type=dict[str, list[float]])) as made:
        yield made
        assert (await made.run("still here")).result == "still here"


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Seeded; a failure is repeated with the FUZZ_SEED that it prints."""
    print(f"FUZZ_SEED={SEED}")
    return random.Random(f"{SEED}/{request.node.name}")


def scalar(field: Any, rng: random.Random) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return rng.choice(DOCUMENTS) if rng.random() < 0.8 else rng.randbytes(rng.randrange(40))
        case FieldDescriptor.CPPTYPE_STRING:
            return rng.choice(TEXTS) if rng.random() < 0.8 else "".join(rng.choices(string.printable, k=rng.randrange(40)))
        case FieldDescriptor.CPPTYPE_BOOL:
            return rng.random() < 0.5
        case FieldDescriptor.CPPTYPE_ENUM:
            return rng.choice([0, 1, 2, 3, 99])
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return rng.choice([0.0, -0.0, 1e308, float("nan"), float("inf"), -1.5])
        case FieldDescriptor.CPPTYPE_INT64 | FieldDescriptor.CPPTYPE_INT32 as kind:
            bits = 63 if kind == FieldDescriptor.CPPTYPE_INT64 else 31
            return rng.choice([0, 1, -1, 2**bits - 1, -(2**bits)])
        case FieldDescriptor.CPPTYPE_UINT64 | FieldDescriptor.CPPTYPE_UINT32 as kind:
            return rng.choice([0, 1, 2**64 - 1 if kind == FieldDescriptor.CPPTYPE_UINT64 else 2**32 - 1])
    raise AssertionError(field.cpp_type)


def fill(message: Message, rng: random.Random, share: float, but: tuple[str, ...] = ()) -> None:
    """Puts values that fit the type, and nothing else, into some of the fields."""
    for field in message.DESCRIPTOR.fields:
        if rng.random() >= share or field.name in but:
            continue
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            getattr(message, field.name)[rng.choice(TEXTS)] = rng.choice(TEXTS)
        elif field.is_repeated:
            for _ in range(rng.randrange(1, 3)):
                if field.message_type is not None:
                    fill(getattr(message, field.name).add(), rng, 0.7)
                else:
                    getattr(message, field.name).append(scalar(field, rng))
        elif field.message_type is not None:
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), rng, share)
        else:
            setattr(message, field.name, scalar(field, rng))


def request(rng: random.Random, share: float) -> pb.RunRequest:
    made = pb.RunRequest(agent_id="fuzzed", prompt="x", run_id=f"r{rng.random()}", attempt=1)
    fill(made, rng, share, ("time_left_ms", "deadline_unix_ms", "incarnation", "run_id", "model"))
    return made


def check(ended: Ended, asked: object) -> None:
    """A value, or an error that says what it is."""
    if ended.code == grpc.StatusCode.OK:
        return
    assert ended.error is not None, (ended.code, ended.message, asked)
    assert ended.error.kind not in (pb.AGENT_ERROR_KIND_UNSPECIFIED, pb.AGENT_ERROR_KIND_USER_CODE), (ended.error, asked)
    assert ended.error.message, asked


def check_stream(ended: Ended, asked: object, kind: Callable[[bytes], pb.RunResponseChunk | None]) -> None:
    check(ended, asked)
    chunks = [chunk for answer in ended.answers if (chunk := kind(answer)) is not None]
    assert [chunk.seq for chunk in chunks] == list(range(1, len(chunks) + 1)), asked
    ends = [chunk.WhichOneof("event") in ("completed", "failed", "cancelled") for chunk in chunks]
    assert ends == [False] * (len(ends) - 1) + [True], (ended, asked)


async def test_random_and_mutated_bytes_on_every_call_are_answered(served: Served, rng: random.Random) -> None:
    for _ in range(ROUNDS):
        valid = request(rng, 0.15).SerializeToString()
        data = rng.randbytes(rng.randrange(60)) if rng.random() < 0.3 else mutate(valid, rng)
        for method in ("Run", "Describe", "Steer", "AwaitEnd"):
            check(await served.unary(method, data), (method, data))
        check(await served.stream("RunStream", data), data)
        start = pb.HostMessage(start=pb.RunRequest.FromString(valid)).SerializeToString()
        for messages in ([data], [mutate(start, rng)], [start, data], [start, start]):
            check(await served.session(messages), messages)
        health = await served.unary("Check", data, "grpc.health.v1.Health")
        assert health.code in (grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)


async def test_requests_whose_fields_hold_anything_are_answered_by_a_value_or_a_typed_error(served: Served, rng: random.Random) -> None:
    for _ in range(ROUNDS):
        asked = request(rng, rng.choice([0.1, 0.3]))
        data = asked.SerializeToString()
        check(await served.unary("Run", data), asked)
        check_stream(await served.stream("RunStream", data), asked, pb.RunResponseChunk.FromString)
        steer = pb.SteerRequest(run_id="none", content=asked.content)
        check(await served.unary("Steer", steer.SerializeToString()), asked)
        start = pb.HostMessage(start=asked).SerializeToString()

        def chunk(answer: bytes) -> pb.RunResponseChunk | None:
            message = pb.WorkerMessage.FromString(answer)
            return message.chunk if message.HasField("chunk") else None

        check_stream(await served.session([start]), asked, chunk)


_TAKEN = (pb.AGENT_ERROR_KIND_USER_ERROR, pb.AGENT_ERROR_KIND_OUTPUT_VALIDATION)
"""What pydantic-ai itself says: answers to calls that no history has, and an output that is not what its schema asks for."""


@pytest.mark.parametrize("field", ["message_history_json", "deps_json", "output_schema_json", "deferred_results_json", "extra_json"])
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: f"{document[:20]!r}x{len(document)}")
async def test_every_document_in_every_json_field_is_taken_or_refused_by_name(served: Served, field: str, document: bytes) -> None:
    asked = pb.RunRequest(prompt="x")
    setattr(asked.model_settings if field == "extra_json" else asked, field, document)
    ended = await served.unary("Run", asked.SerializeToString())
    if ended.code != grpc.StatusCode.OK:
        assert ended.error is not None
        if ended.error.kind in _TAKEN:
            return
        assert ended.error.kind == pb.AGENT_ERROR_KIND_VALIDATION, ended.error
        assert field in json.loads(ended.error.extra_json)["field"]


def calling(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    first = len(messages) == 1
    return ModelResponse(parts=[ToolCallPart(info.function_tools[0].name, "{}")] if first else [TextPart("done")])


async def calling_stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[DeltaToolCalls | str]:
    if len(messages) == 1:
        yield {0: DeltaToolCall(info.function_tools[0].name, "{}", tool_call_id="c1")}
    else:
        yield "done"


async def test_whatever_the_host_answers_its_run_ends_by_a_value_or_a_typed_error(rng: random.Random) -> None:
    tool = pb.ToolSpec(name="ask", parameters_schema_json=b'{"type":"object"}')
    start = pb.HostMessage(start=pb.RunRequest(prompt="x", run_id="r", attempt=1, tools=[tool])).SerializeToString()

    def reply(message: bytes) -> list[bytes]:
        if not (asked := pb.WorkerMessage.FromString(message)).HasField("request"):
            return []
        answer = pb.HostAnswer(request_id=asked.request.id)
        fill(answer, rng, 0.5, ("request_id",))
        last = pb.HostAnswer(request_id=asked.request.id, tool_failed=pb.HostToolFailed(message="x"))
        data = pb.HostMessage(answer=answer).SerializeToString()
        return [mutate(data, rng) if rng.random() < 0.3 else data, pb.HostMessage(answer=last).SerializeToString()]

    async with serving(Agent(FunctionModel(calling, stream_function=calling_stream))) as served:
        for at in range(ROUNDS):
            ended = await served.session([start], reply)
            assert ended.answers, at
            if ended.code != grpc.StatusCode.OK:
                assert ended.error is not None, at
                assert ended.error.message, at
                tool_error = ended.error.kind == pb.AGENT_ERROR_KIND_USER_CODE and ended.error.tool_name == "ask"
                assert ended.error.kind != pb.AGENT_ERROR_KIND_USER_CODE or tool_error, ended.error


async def test_a_call_that_names_no_run_gives_no_run_up(served: Served) -> None:
    await served.unary("AwaitEnd", b"")
    assert (await served.run("on")).result == "on"


async def test_ten_megabytes_of_text_arrive(served: Served) -> None:
    text = "ü" * 5_000_000
    assert (await served.run(text)).result == text[:50]
    assert (await served.run("x", instructions=text)).result == "x"
