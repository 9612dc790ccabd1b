"""What Describe says of agents of every kind."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import pydantic_ai
import pytest
from pydantic import BaseModel, Field
from pydantic_ai import Agent, DeferredToolRequests, NativeOutput, PromptedOutput, TextOutput, ToolOutput, _output
from pydantic_ai.models.test import TestModel
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import ExternalToolset, FunctionToolset
from typing_extensions import TypedDict

import synapse_otp
from synapse_otp.describe import FEATURES, describe_agent


class Place(BaseModel):
    """Where it is."""

    name: str
    kind: Literal["city", "town"] = "city"
    found: datetime | None = None


class Node(BaseModel):
    label: str
    children: list[Node] = Field(default_factory=list)


@dataclass
class Point:
    x: int
    y: float = 0.0


class Row(TypedDict, total=False):
    id: int
    note: str


class Aliased(BaseModel):
    inner: int = Field(default=1, serialization_alias="outer")


class Opaque:
    """Nothing of it is annotated, and pydantic knows it not."""

    def __init__(self, connection: object) -> None:
        self.connection = connection


@dataclass
class Pool:
    url: str
    connection: Opaque


def odd(text: str) -> Opaque:
    return Opaque(text)


def shout(text: str) -> int:
    return len(text)


def count(place: Place) -> Point:
    return Point(len(place.name))


def described(**options: Any) -> Any:
    return describe_agent(Agent(TestModel(), **options))


def output_of(output_type: Any) -> Any:
    return json.loads(described(output_type=output_type).output_schema_json)


STRING = {"type": "string"}
INTEGER = {"type": "integer"}


@pytest.mark.parametrize(
    ("output_type", "schema"),
    [
        (str, STRING),
        (bool, {"type": "boolean"}),
        (int, INTEGER),
        (list[int], {"type": "array", "items": INTEGER}),
        (dict[str, int], {"type": "object", "additionalProperties": INTEGER}),
        (int | str, {"anyOf": [INTEGER, STRING]}),
        ([str, bool], {"anyOf": [STRING, {"type": "boolean"}]}),
        ([str, DeferredToolRequests], STRING),
        (str | DeferredToolRequests, STRING),
        (shout, INTEGER),
        (TextOutput(shout), INTEGER),
        (ToolOutput(bool), {"type": "boolean"}),
        (NativeOutput(bool), {"type": "boolean"}),
        (PromptedOutput[Any]([bool, int]), {"anyOf": [{"type": "boolean"}, INTEGER]}),
        (Any, {}),
    ],
    ids=str,
)
def test_the_output_of_an_agent_is_described_as_it_is_written(output_type: Any, schema: Any) -> None:
    assert output_of(output_type) == schema


@pytest.mark.parametrize(
    ("output_type", "required"),
    [
        (Place, ["name", "kind", "found"]),
        (ToolOutput(Place), ["name", "kind", "found"]),
        (NativeOutput(Place), ["name", "kind", "found"]),
        (Point, ["x", "y"]),
        (count, ["x", "y"]),
        (Aliased, ["outer"]),
    ],
    ids=str,
)
def test_a_field_with_a_default_is_always_in_an_output(output_type: Any, required: list[str]) -> None:
    schema = output_of(output_type)
    assert schema["required"] == required
    assert list(schema["properties"]) == required


def test_a_key_that_a_typed_dict_may_lack_may_lack_in_an_output() -> None:
    schema = output_of(Row)
    assert "required" not in schema
    assert sorted(schema["properties"]) == ["id", "note"]


def test_recursive_models_and_unions_of_them_have_their_definitions() -> None:
    schema = output_of([Node, Place])
    assert schema["anyOf"] == [{"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/Place"}]
    assert schema["$defs"]["Node"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


@pytest.mark.filterwarnings("ignore:Could not generate return schema")
def test_an_output_that_pydantic_cannot_say_has_no_schema() -> None:
    assert describe_agent(Agent(TestModel(), output_type=ToolOutput(count))).output_schema_json != b""
    assert described(output_type=TextOutput(odd)).output_schema_json == b""


def test_the_functions_of_pydantic_ai_that_list_output_types_are_those_that_are_used() -> None:
    # Without it the schema is pydantic-ai's own, in which fields with defaults may be missing.
    assert callable(_output.types_from_output_spec)


@pytest.mark.parametrize(
    ("deps_type", "name", "required"),
    [(Point, "Point", ["x"]), (Place, "Place", ["name"]), (Row, "Row", None)],
)
def test_deps_are_described_as_they_are_read(deps_type: Any, name: str, required: list[str] | None) -> None:
    response = described(deps_type=deps_type)
    assert response.deps_type == name
    assert json.loads(response.deps_schema_json).get("required") == required


@pytest.mark.parametrize("deps_type", [type(None), object])
def test_an_agent_without_deps_says_so(deps_type: Any) -> None:
    response = described(deps_type=deps_type)
    assert (response.deps_type, response.deps_schema_json) == ("", b"")


@pytest.mark.parametrize("deps_type", [Opaque, Pool])
def test_deps_that_no_json_makes_have_a_name_and_no_schema(deps_type: Any) -> None:
    response = described(deps_type=deps_type)
    assert (response.deps_type, response.deps_schema_json) == (deps_type.__name__, b"")


def from_point(value: Point) -> Opaque:
    return Opaque(value)


def from_any(value, _info):  # type: ignore[no-untyped-def]
    return Opaque(value)


@pytest.mark.parametrize(("factory", "name", "schema"), [(from_point, "Point", "object"), (from_any, "Any", None)])
def test_deps_that_a_function_makes_are_described_as_what_it_takes(factory: Callable[..., Any], name: str, schema: str | None) -> None:
    response = describe_agent(Agent(TestModel(), deps_type=Opaque), factory)
    assert response.deps_type == name
    assert json.loads(response.deps_schema_json).get("type") == schema


def test_tools_tell_whether_they_wait_for_somebody() -> None:
    def plain(n: int) -> int:
        """Plain."""
        return n

    def careful() -> None:
        return

    own: FunctionToolset[Any] = FunctionToolset()
    own.add_function(plain)
    own.add_function(careful, requires_approval=True)
    external: ExternalToolset[Any] = ExternalToolset([ToolDefinition(name="outside")])
    wrapped: FunctionToolset[Any] = FunctionToolset([plain])
    agent = Agent(TestModel(), toolsets=[own, external, wrapped.prefixed("asked").approval_required()], output_type=Place)
    found = {tool.name: (tool.requires_approval, tool.external) for tool in describe_agent(agent).tools}
    assert found == {
        "plain": (False, False),
        "careful": (True, False),
        "outside": (False, True),
        "asked_plain": (True, False),
    }
    assert list(describe_agent(agent).output_tools) == ["final_result"]


def test_toolsets_whose_tools_only_a_run_knows_are_named() -> None:
    def one() -> None:
        return

    inner: FunctionToolset[Any] = FunctionToolset([one], id="inner")
    agent = Agent(TestModel(), toolsets=[inner.filtered(lambda _ctx, _definition: True).prefixed("p")])

    @agent.toolset
    def later(_ctx: Any) -> None:
        return

    response = describe_agent(agent)
    assert list(response.tools) == []
    assert [label.split("(")[0].split(" ")[0] for label in response.unknown_toolsets] == ["FilteredToolset", "DynamicToolset"]


def test_versions_and_features_are_told() -> None:
    response = described()
    assert response.synapse_otp_version == synapse_otp.__version__
    assert response.pydantic_ai_version == pydantic_ai.__version__
    assert response.python_version == platform.python_version()
    assert list(response.features) == sorted(FEATURES)
    assert "anyOf" in json.loads(response.input_schema_json)


def made(fields: dict[str, Any], doc: str | None = None, *, tool_doc: str = "One.", tool_type: type = int) -> str:
    kind: Any = type("Made", (BaseModel,), {"__annotations__": {name: of for name, (of, _) in fields.items()}} | _defaults(fields))
    kind.__doc__ = doc
    agent = Agent(TestModel(), output_type=kind, deps_type=Point, name=f"agent {doc}", instructions=doc)

    def tool(title: Any) -> None:
        del title

    tool.__doc__ = tool_doc
    tool.__annotations__ = {"title": tool_type, "return": None}
    agent.tool_plain(tool)
    return describe_agent(agent).schema_hash


def _defaults(fields: dict[str, Any]) -> dict[str, Any]:
    return {"__module__": __name__} | {name: default for name, (_, default) in fields.items() if default is not ...}


def test_the_hash_changes_when_and_only_when_the_contract_does() -> None:
    base = {"title": (str, ...), "n": (int, 1)}
    first = made(base)
    assert made(base) == first
    # What is for people is of no contract.
    assert made(base, "Documented.", tool_doc="Another.") == first
    assert made({"title": (Annotated[str, Field(description="what", examples=["x"])], ...), "n": (int, 2)}) == first
    # In another order it is the same object.
    assert made({"n": (int, 1), "title": (str, ...)}) == first
    # A property that is called as a keyword is one.
    assert made({"n": (int, 1)}) != first
    assert made(base, tool_type=str) != first
    assert made({**base, "n": (str, "1")}) != first
    assert made({**base, "more": (str, "")}) != first
