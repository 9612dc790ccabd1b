"""Requests become arguments, events become chunks, and user code's oddities become errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import CombinedToolset, ExternalToolset, FunctionToolset

from synapse_otp.arguments import read_arguments
from synapse_otp.describe import describe_agent
from synapse_otp.errors import RunFailure
from synapse_otp.events import Chunks
from synapse_otp.runner import AgentRunner, Progress
from synapse_otp.scripted import CallTools, Reply, Say, Turn, scripted_model
from synapse_otp.v1 import agent_pb2 as pb


class Account(BaseModel):
    owner: str
    level: int = 1


@dataclass
class Odd:
    value: int


async def collect(agent: Agent[Any, Any], prompt: str) -> list[pb.RunResponseChunk]:
    chunks: list[pb.RunResponseChunk] = []

    async def write(chunk: pb.RunResponseChunk) -> None:
        chunks.append(chunk)

    await AgentRunner(agent, 1).stream(pb.RunRequest(prompt=prompt), Chunks("r", 1), Progress(), write)
    return chunks


def test_settings_limits_and_deps_are_read() -> None:
    agent = Agent(TestModel(), deps_type=Account)
    request = pb.RunRequest(
        prompt="p",
        run_id="r",
        attempt=2,
        deps_json=b'{"owner":"o"}',
        model_settings=pb.ModelSettings(max_tokens=5, timeout_s=1.5, thinking="true", extra_json=b'{"max_tokens":9,"openai_user":"u"}'),
        usage_limits=pb.UsageLimits(no_request_limit=True, total_tokens_limit=7, cost_limit="0.10"),
        metadata={"a": "b"},
    )
    arguments = read_arguments(request, agent)
    assert arguments.run_id == "r:2"
    assert arguments.deps == Account(owner="o")
    assert arguments.model_settings == {"max_tokens": 5, "timeout": 1.5, "thinking": True, "openai_user": "u"}
    assert arguments.usage_limits is not None
    assert (arguments.usage_limits.request_limit, arguments.usage_limits.total_tokens_limit) == (None, 7)
    assert str(arguments.usage_limits.cost_limit) == "0.10"
    assert arguments.metadata == {"a": "b"}


def test_absent_fields_leave_pydantic_ais_defaults() -> None:
    arguments = read_arguments(pb.RunRequest(prompt="", usage_limits=pb.UsageLimits()), Agent(TestModel()))
    assert (arguments.prompt, arguments.run_id, arguments.deps, arguments.model_settings) == ("", None, None, None)
    assert arguments.usage_limits is not None
    assert arguments.usage_limits.request_limit == 50


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (pb.RunRequest(message_history_json=b"{"), "message_history_json"),
        (pb.RunRequest(deps_json=b'{"level":1}'), "deps_json"),
        (pb.RunRequest(model_settings=pb.ModelSettings(extra_json=b"[]")), "extra_json"),
        (pb.RunRequest(usage_limits=pb.UsageLimits(cost_limit="much")), "cost_limit"),
    ],
)
def test_request_that_breaks_the_contract_names_the_field(request_: pb.RunRequest, word: str) -> None:
    with pytest.raises(RunFailure, match=word) as caught:
        read_arguments(request_, Agent(TestModel(), deps_type=Account))
    assert caught.value.kind == pb.AGENT_ERROR_KIND_VALIDATION


async def test_stop_async_iteration_of_a_tool_fails_the_run() -> None:
    agent = Agent(scripted_model(lambda _turn: CallTools((("stop", {}),)), delay_ms=0))

    @agent.tool_plain
    async def stop() -> str:
        raise StopAsyncIteration("odd")

    with pytest.raises((StopAsyncIteration, RuntimeError)):
        await AgentRunner(agent, 1).run(pb.RunRequest(prompt="p"), Progress())
    with pytest.raises((StopAsyncIteration, RuntimeError)):
        await collect(agent, "p")


async def test_tool_result_is_json_whatever_the_tool_returned() -> None:
    def script(turn: Turn) -> Reply:
        return Say("done") if turn.tool_returns else CallTools((("odd", {}),))

    agent = Agent(scripted_model(script, delay_ms=0))

    @agent.tool_plain
    def odd() -> Any:
        return {"nan": float("nan"), "bytes": b"\xff", "plain": Odd(1)}

    chunks = await collect(agent, "p")
    result = next(chunk.tool_result for chunk in chunks if chunk.HasField("tool_result"))
    assert json.loads(result.content_json) == {"nan": None, "bytes": "_w==", "plain": {"value": 1}}
    assert chunks[-1].seq == len(chunks)


async def test_lone_surrogate_of_a_model_becomes_a_replacement_character() -> None:
    async def stream(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
        yield "a"
        yield "\ud83d"
        yield "z"

    chunks: list[pb.RunResponseChunk] = []

    async def write(chunk: pb.RunResponseChunk) -> None:
        chunks.append(chunk)

    request = pb.RunRequest(prompt="p")
    answer = await AgentRunner(Agent(FunctionModel(stream_function=stream)), 1).stream(request, Chunks("r", 1), Progress(), write)
    assert [chunk.data for chunk in chunks if chunk.data] == ["a", "\ufffd", "z"]
    assert [chunk.seq for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert answer.result == "a\ufffdz"


async def test_scripted_model_says_the_same_with_and_without_streaming() -> None:
    agent = Agent(scripted_model(lambda turn: Say(f"You said {turn.prompt}"), delay_ms=0))
    unary = await AgentRunner(agent, 1).run(pb.RunRequest(prompt="two words"), Progress())
    chunks = await collect(agent, "two words")
    assert unary.result == "".join(chunk.data for chunk in chunks) == "You said two words"
    assert len([chunk for chunk in chunks if chunk.data]) == 4


def test_describing_an_agent_runs_nothing_of_the_user() -> None:
    ran: list[str] = []

    def make(text: str) -> str:
        ran.append("output function")
        return text

    async def decide(_ctx: RunContext[Any], definition: ToolDefinition) -> ToolDefinition:
        ran.append("prepare")
        return definition

    agent = Agent(TestModel(), deps_type=Account, output_type=make)

    @agent.instructions
    def greet(ctx: RunContext[Account]) -> str:
        ran.append("instructions")
        return f"Greet {ctx.deps.owner}"

    @agent.tool_plain(prepare=decide)
    def tool() -> str:
        ran.append("tool")
        return ""

    @agent.toolset
    def dynamic(_ctx: RunContext[Account]) -> None:
        ran.append("toolset")

    described = describe_agent(agent)
    assert [spec.name for spec in described.tools] == ["tool"]
    assert json.loads(described.deps_schema_json)["required"] == ["owner"]
    assert ran == []


def test_tools_are_described_under_the_names_that_wrappers_give_them() -> None:
    def one(n: int) -> int:
        """One of two."""
        return n

    def two() -> None:
        return

    toolset: FunctionToolset[Any] = FunctionToolset([one, two])
    external: ExternalToolset[Any] = ExternalToolset([ToolDefinition(name="outside")])
    agent = Agent(
        TestModel(),
        toolsets=[
            toolset.prefixed("a").approval_required(),
            CombinedToolset([toolset.renamed({"first": "one"}), external]),
            toolset.prefixed("hidden").filtered(lambda _ctx, _definition: True),
        ],
    )
    tools = describe_agent(agent).tools
    assert [spec.name for spec in tools] == ["a_one", "a_two", "first", "outside", "two"]
    assert tools[0].description == "One of two."
    assert list(json.loads(tools[0].parameters_schema_json)["properties"]) == ["n"]
