"""Whatever Python value an agent holds: it goes out as it is by the rule, or its run is told to have ended with what cannot be written."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import os
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.usage import RequestUsage

from fuzzing import Ended, Served, serving
from synapse_otp.v1 import agent_pb2 as pb

SEED = int(os.environ.get("FUZZ_SEED", "20261126"))
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "30"))


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


@dataclass
class Point:
    x: Any
    y: Any = None


class Model(BaseModel):
    name: Any
    rate: float = 0.0


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("it says nothing")


def nest(depth: int, value: Any) -> Any:
    for at in range(depth):
        value = [value] if at % 2 else {"a": value}
    return value


LEAVES: list[Any] = [
    None, True, 0, -1, 2**53 - 1, 2**53 + 1, -(2**64), 10**400, 0.1, -0.0, 1e308, math.nan, math.inf, -math.inf, "", "x",
    "\x00", "ü𝄞\u2028", "\ud83d", "\ude00\ud83d", "NaN", "9007199254740993", b"", b"\xff\x00", bytearray(b"ab"),
    memoryview(b"ab"), Colour.RED, Colour.BLUE, decimal.Decimal("0.10"), decimal.Decimal("NaN"), decimal.Decimal("1e400"),
    decimal.Decimal(2**70), datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 1, 2, 3, 4),
    datetime.datetime(1, 1, 1, tzinfo=datetime.UTC), datetime.time(23, 59, 59), datetime.timedelta(days=-3, microseconds=1),
    datetime.timedelta.max, uuid.UUID(int=7), Path("/tmp/ü"), complex(1, 2), range(3), object(), Mute(), int,
    ValueError("x"), (lambda: None), iter([1, 2]), {1, 2}, frozenset({"a"}),
    {1: "a", None: "b", (1, 2): "c", 2.5: 1, False: 0}, {"\ud800": 1}, {b"a": 1, b"\xff": 2},
    {Colour.RED: 1, decimal.Decimal(1): 2, datetime.date(2026, 1, 1): 3}, 10**5000, nest(300, 1), nest(300, 2**60),
]  # fmt: skip


def leaf(rng: random.Random) -> Any:
    return rng.choice(LEAVES)


def value(rng: random.Random, depth: int = 3) -> Any:
    kind = rng.randrange(8) if depth else 0
    inner = [value(rng, depth - 1) for _ in range(rng.randrange(3))] if kind > 2 else []
    match kind:
        case 3:
            return inner
        case 4:
            return tuple(inner)
        case 5:
            return {f"k{at}": item for at, item in enumerate(inner)}
        case 6:
            return Point(*inner[:2]) if inner else Point(1)
        case 7:
            return Model(name=inner, rate=rng.choice([0.5, math.nan]))
    return leaf(rng)


def plain(held: Any) -> tuple[bool, Any]:
    """What JSON holds as it is, and what is expected of it there: the oracle, which knows nothing of pydantic."""
    match held:
        case bool() | None:
            return True, held
        case float() if not math.isfinite(held):
            return True, repr(held)
        case int() | float():
            return not isinstance(held, int) or abs(held) < 10**4000, held
        case str():
            return True, held.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case bytes() | bytearray():
            return False, None
        case list() | tuple() if type(held) in (list, tuple):
            items = [plain(item) for item in held]
            return all(known for known, _ in items), [item for _, item in items]
        case dict() if all(isinstance(key, str) and key.isascii() for key in held):
            pairs = {key: plain(item) for key, item in held.items()}
            return all(known for known, _ in pairs.values()), {key: item for key, (_, item) in pairs.items()}
    return False, None


class Box:
    """What the agent is to hold now."""

    held: Any = None


BOX = Box()


def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    if info.function_tools and len(messages) == 1:
        return ModelResponse(parts=[ToolCallPart("take", {"it": 1}), ToolCallPart("take", '{"it":NaN}'), ToolCallPart("take", '{"it":1')])
    return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, {"it": 1})] if info.output_tools else [TextPart("done")])


async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[DeltaToolCalls | str]:
    for at, part in enumerate(answer(messages, info).parts):
        if isinstance(part, ToolCallPart):
            args = part.args if isinstance(part.args, str) else json.dumps(part.args)
            yield {at: DeltaToolCall(part.tool_name, args, tool_call_id=f"c{at}")}
        else:
            yield "done"


def output_of(it: int) -> Any:  # noqa: ARG001
    return BOX.held


giver: Agent[None, Any] = Agent(FunctionModel(answer, stream_function=stream), output_type=output_of)
taker: Agent[None, str] = Agent(FunctionModel(answer, stream_function=stream), retries=5)


@taker.tool_plain
def take(it: float) -> Any:  # noqa: ARG001
    return BOX.held


REQUEST = pb.RunRequest(prompt="x", run_id="r1", attempt=1, json_constants=True, output_once=True)


async def ask(served: Served, *, streamed: bool) -> tuple[Ended, pb.RunResponse]:
    if not streamed:
        ended = await served.unary("Run", REQUEST.SerializeToString())
        return ended, pb.RunResponse.FromString(b"".join(ended.answers))
    ended = await served.stream("RunStream", REQUEST.SerializeToString())
    chunks = [pb.RunResponseChunk.FromString(each) for each in ended.answers]
    pieces = b"".join(chunk.completed_part for chunk in chunks)
    return ended, pb.RunResponse.FromString(pieces) if pieces else chunks[-1].completed


@pytest.mark.parametrize("streamed", [False, True], ids=["Run", "RunStream"])
async def test_an_output_of_any_type_arrives_by_the_rule_or_is_told_to_be_unwritable(streamed: bool) -> None:
    rng = random.Random(SEED)
    async with serving(giver) as served:
        for at in range(ROUNDS):
            BOX.held = value(rng)
            ended, response = await ask(served, streamed=streamed)
            note = (f"FUZZ_SEED={SEED}", at, type(BOX.held), ended.code, ended.error and ended.error.message)
            known, expected = plain(BOX.held)
            if ended.code != grpc.StatusCode.OK:
                assert not known, note
                assert ended.error is not None, note
                assert ended.error.kind == pb.AGENT_ERROR_KIND_USER_ERROR, (*note, ended.error.traceback)
                assert "cannot be written as JSON" in ended.error.message, note
                continue
            text = response.result if response.kind == pb.OUTPUT_KIND_TEXT else parse(response.output_json)
            if known:
                assert text == expected, note


def parse(document: bytes) -> Any:
    """As the oracle has it; an integer of more digits than Python reads stays a text."""
    constants = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    return json.loads(document, parse_constant=constants.get, parse_int=lambda text: int(text) if len(text) < 4000 else text)


@pytest.mark.parametrize("streamed", [False, True], ids=["Run", "RunStream"])
async def test_a_tool_may_return_anything(streamed: bool) -> None:
    rng = random.Random(SEED)
    async with serving(taker) as served:
        for at in range(ROUNDS):
            BOX.held = value(rng)
            ended, response = await ask(served, streamed=streamed)
            note = (f"FUZZ_SEED={SEED}", at, type(BOX.held), ended.code, ended.error)
            if ended.error is not None:  # pydantic-ai itself, when it writes the result for the model
                assert ended.error.python_type == "pydantic_core._pydantic_core.PydanticSerializationError", note
                continue
            assert response.result == "done", note
            assert parse(response.new_messages_json), note


ODD_TEXTS = ["\ud800", "\x00", "x" * 100_000, "\ude00\ud83d", ""]
ODD_COUNTS = [0, -1, 2**53, 2**63, 2**70]


def odd_response(messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    rng: random.Random = BOX.held

    def text() -> str:
        return rng.choice(ODD_TEXTS)

    def count() -> int:
        return rng.choice(ODD_COUNTS)

    reason: Any = rng.choice(["stop", None, text()])
    parts: list[Any] = [ThinkingPart(text(), id=text(), signature=text()), TextPart("done" + text(), id=text())]
    calls = [ToolCallPart(rng.choice(["take", text()]), rng.choice(ODD_ARGS), tool_call_id=text()) for _ in range(2)]
    return ModelResponse(
        parts=[*parts, *(calls if len(messages) == 1 else [])],
        model_name=text(),
        finish_reason=reason,
        usage=RequestUsage(input_tokens=count(), output_tokens=count(), cache_read_tokens=count(), details={text(): count()}),
        provider_details={text(): text()},
        provider_name=text(),
    )


ODD_ARGS: list[Any] = [
    '{"it":1}',
    '{"it":' + "[" * 10_000 + "]" * 10_000 + "}",
    '{"it":' + "9" * 5000 + "}",
    "\ud800",
    '{"it":"\\ud800"}',
    "",
    None,
    {"\ud800": 1},
]


async def odd_stream(messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[DeltaToolCalls | str]:
    rng: random.Random = BOX.held
    for at in range(2) if len(messages) == 1 else ():
        args = rng.choice([args for args in ODD_ARGS if isinstance(args, str)])
        yield {at: DeltaToolCall(rng.choice(["take", rng.choice(ODD_TEXTS) or "take"]), args, tool_call_id=rng.choice(ODD_TEXTS))}
    yield "done" + rng.choice(ODD_TEXTS)


def echo(it: float) -> float:
    return it


@pytest.mark.parametrize("streamed", [False, True], ids=["Run", "RunStream"])
async def test_a_model_may_answer_with_any_names_counts_and_arguments(streamed: bool) -> None:
    agent: Agent[None, str] = Agent(FunctionModel(odd_response, stream_function=odd_stream), retries=5)
    agent.tool_plain(name="take")(echo)
    async with serving(agent) as served:
        for at in range(ROUNDS * 2):
            BOX.held = random.Random(f"{SEED}/{at}")
            ended, response = await ask(served, streamed=streamed)
            note = (f"FUZZ_SEED={SEED}", at, ended.code, ended.error)
            if ended.code == grpc.StatusCode.OK:
                assert response.result.startswith("done"), note
                assert json.loads(response.new_messages_json), note
            else:
                assert ended.error is not None, note
                own = ended.error.kind not in (pb.AGENT_ERROR_KIND_UNSPECIFIED, pb.AGENT_ERROR_KIND_USER_CODE)
                assert own or "PydanticSerializationError" in ended.error.python_type, note  # FunctionModel counts the tokens so
