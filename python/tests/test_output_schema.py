"""A schema that runs ask their output by is checked once, and each of them tells the model the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from synapse_otp.errors import RunFailure
from synapse_otp.output_schema import read_output_schema
from synapse_otp.runner import AgentRunner, Progress
from synapse_otp.v1 import agent_pb2 as pb

_POINT = {
    "type": "object",
    "title": "Point",
    "description": "Where.",
    "$defs": {"n": {"type": "integer"}},
    "properties": {"x": {"$ref": "#/$defs/n"}},
}


def schema_of(number: int, *, size: int = 0) -> bytes:
    return json.dumps({"type": "object", "title": f"Number{number}", "description": "d" * size}).encode()


async def test_runs_by_the_same_schema_tell_the_model_the_same() -> None:
    told: list[Any] = []

    def answer(_messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        told.append(info.output_tools)
        return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, {"x": 1})])

    runner = AgentRunner(Agent(FunctionModel(answer)), 1)
    request = pb.RunRequest(prompt="p", output_schema_json=json.dumps(_POINT).encode())
    answers = [await runner.run(request, Progress()) for _ in range(3)]
    assert [json.loads(run.output_json) for run in answers] == [{"x": 1}] * 3
    assert told[0] == told[1] == told[2]
    assert told[0][0].description == "Where."


def test_schema_that_comes_again_is_not_checked_again() -> None:
    assert read_output_schema(schema_of(0)) is read_output_schema(schema_of(0))
    assert read_output_schema(schema_of(0)) is not read_output_schema(schema_of(1))


def test_schemas_that_are_kept_have_a_bound() -> None:
    first = read_output_schema(schema_of(0))
    for number in range(1, 100):
        read_output_schema(schema_of(number))
    assert read_output_schema(schema_of(0)) is not first
    large = schema_of(0, size=100_000)
    assert read_output_schema(large) is not read_output_schema(large)


def test_schema_that_pydantic_ai_does_not_take_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(RunFailure, match="output_schema_json"):
            read_output_schema(b'{"type":"object","properties":{"x":{"$ref":"#/$defs/none"}}}')
