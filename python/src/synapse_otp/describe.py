"""Runs in the worker: what the loaded agent is, for the Describe call. Nothing of the user's is run to find out."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import pydantic_ai
from pydantic_ai.agent import AbstractAgent

from . import __version__
from .contract import contract_hash, deps_contract, input_schema, output_schema, schema_json
from .control import CONTRACT
from .known_tools import KnownTools, output_tool_names
from .model import agent_model_name
from .v1 import agent_pb2 as pb

__all__ = ["FEATURES", "describe_agent"]

FEATURES = ("approvals", "deferred_tools", "host_tools", "media", "output_schema", "partial_output", "sessions", "steering")
"""What this worker can do, in alphabetical order: for hosts that ask before they use it."""


def describe_agent(agent: AbstractAgent[Any, Any], deps_factory: Callable[..., Any] | None = None) -> pb.DescribeResponse:
    """Describes an agent; a part that has no JSON schema is left empty.

    Its tools are those that are known without asking anybody; the toolsets of the others are named.

    Args:
        agent: The loaded agent.
        deps_factory: The user's function that makes the deps of runs, where there is one.
    """
    takes = input_schema()
    answers = output_schema(agent)
    deps_type, deps = deps_contract(agent, deps_factory)
    known = KnownTools.of(agent)
    tools = {
        name: pb.ToolSpec(
            name=name,
            description=tool.description or "",
            parameters_schema_json=schema_json(tool.parameters_json_schema),
            requires_approval=tool.kind == "unapproved",
            external=tool.kind == "external",
        )
        for name, tool in sorted(known.tools.items())
    }
    digest = contract_hash(
        input=takes,
        output=answers,
        deps=deps,
        tools={"properties": {name: known.tools[name].parameters_json_schema for name in tools}},
    )
    return pb.DescribeResponse(
        name=agent.name or "",
        description=agent.description if isinstance(agent.description, str) else "",
        model=agent_model_name(agent) or "",
        input_schema_json=schema_json(takes),
        output_schema_json=schema_json(answers),
        deps_schema_json=schema_json(deps),
        deps_type=deps_type,
        tools=tools.values(),
        unknown_toolsets=known.unknown,
        output_tools=sorted(output_tool_names(agent)),
        schema_hash=digest,
        synapse_otp_version=__version__,
        pydantic_ai_version=pydantic_ai.__version__,
        python_version=platform.python_version(),
        protocol_version=CONTRACT,
        features=FEATURES,
    )
