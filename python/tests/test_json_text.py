"""What an agent answers is written as JSON exactly, repaired, or told as what it is."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import BaseModel, Field
from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse, ToolCallPart, ToolReturnPart

from synapse_otp.errors import RunFailure
from synapse_otp.json_text import write_json
from synapse_otp.messages import messages_json
from synapse_otp.response import output_json


class Node(BaseModel):
    name: str = ""
    inner: Any = None
    rate: float | None = Field(default=None, alias="the-rate")


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def parse(data: bytes) -> Any:
    return json.loads(data)


def test_plain_values_are_written_as_pydantic_writes_them() -> None:
    value = {"a": [1, 2.5, True, None, "ü"], 2: b"ab"}
    assert write_json(value, constants=True) == b'{"a":[1,2.5,true,null,"\xc3\xbc"],"2":"YWI="}'


@pytest.mark.parametrize("value", [{"a": "b\ud800"}, {"b\ud800": "a"}, Node(name="b\ud800"), Node(inner={"b\ud800": 1}), ["b\ud800"]])
def test_lone_surrogate_is_replaced(value: Any) -> None:
    text = write_json(value, constants=False).decode()
    assert "b\ufffd" in text
    json.loads(text)


def test_lists_and_dicts_may_be_nested_as_deep_as_they_like() -> None:
    assert parse(output_json(nested(500))) == nested(500)
    assert write_json(nested(50_000), constants=False) == b"[" * 50_000 + b'"x"' + b"]" * 50_000


def test_models_that_are_nested_too_deeply_are_told_as_that() -> None:
    value: Any = None
    for _ in range(500):
        value = Node(inner=value)
    with pytest.raises(RunFailure, match=r"the run has ended, but its output, of type Node, .*nested too deeply"):
        output_json(value)


def test_what_contains_itself_is_told() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RunFailure, match="cannot be written as JSON"):
        output_json(value)


def test_constants_are_written_where_they_are_read_and_null_otherwise() -> None:
    value = {"a": math.nan, "b": [math.inf, -math.inf, None]}
    assert write_json(value, constants=True) == b'{"a":NaN,"b":[Infinity,-Infinity,null]}'
    assert write_json(value, constants=False) == b'{"a":null,"b":[null,null,null]}'


def test_a_models_own_constants_are_written_too() -> None:
    node = Node.model_validate({"inner": {"x": math.inf}, "the-rate": math.nan})
    value = [node, Node(), (math.nan,)]
    written = write_json(value, constants=True).decode()
    assert '{"name":"","inner":{"x":Infinity},"the-rate":NaN}' in written
    assert '{"name":"","inner":null,"the-rate":null},[NaN]' in written


def test_large_integers_keep_their_digits() -> None:
    assert write_json({"id": 2**53 + 1, "n": 10**40}, constants=False) == b'{"id":9007199254740993,"n":1' + b"0" * 40 + b"}"


def test_messages_with_arguments_nested_too_deeply_carry_them_as_text() -> None:
    deep = {"a": nested(500)}
    messages: list[Any] = [ModelResponse(parts=[ToolCallPart("t", deep, "id"), ToolCallPart("u", {"b": 1}, "id2")])]
    data = messages_json(messages)
    back = ModelMessagesTypeAdapter.validate_json(data)
    call, other = back[0].parts
    assert isinstance(call, ToolCallPart)
    assert isinstance(other, ToolCallPart)
    assert (json.loads(str(call.args)), other.args) == (deep, {"b": 1})


def test_messages_with_a_lone_surrogate_are_repaired() -> None:
    returned = ToolReturnPart("t", {"x": "a\ud800"}, "id")
    assert "a\ufffd" in messages_json([ModelResponse(parts=[]), *_request(returned)]).decode()


def _request(part: ToolReturnPart) -> list[Any]:
    from pydantic_ai.messages import ModelRequest

    return [ModelRequest(parts=[part])]
