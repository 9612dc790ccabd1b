"""Runs in the worker: what the loaded agent is, for the Describe call."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from typing import Any

import pydantic_ai
from pydantic import TypeAdapter
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import FunctionToolset

from .control import CONTRACT
from .model import agent_model_name
from .v1 import agent_pb2 as pb

__all__ = ["describe_agent"]

_log = logging.getLogger("synapse_otp.describe")


def describe_agent(agent: AbstractAgent[Any, Any], parameters: ModelRequestParameters | None) -> pb.DescribeResponse:
    """Describes an agent; a part that has no JSON schema is left empty.

    Args:
        agent: The loaded agent.
        parameters: What a model would be told, from the dry run; None: only the agent's own function tools are listed.
    """
    output_schema = _canonical(_output_schema(agent))
    deps_schema = _canonical(_deps_schema(agent))
    tools = [
        pb.ToolSpec(
            name=tool.name,
            description=tool.description or "",
            parameters_schema_json=_canonical(tool.parameters_json_schema),
        )
        for tool in _tools(agent, parameters)
    ]
    digest = hashlib.sha256()
    for part in (
        output_schema,
        deps_schema,
        *(tool.name.encode() + b"=" + tool.parameters_schema_json for tool in tools),
    ):
        digest.update(part + b"\n")
    return pb.DescribeResponse(
        name=agent.name or "",
        description=agent.description if isinstance(agent.description, str) else "",
        model=agent_model_name(agent) or "",
        output_schema_json=output_schema,
        deps_schema_json=deps_schema,
        tools=tools,
        schema_hash=digest.hexdigest(),
        pydantic_ai_version=pydantic_ai.__version__,
        python_version=platform.python_version(),
        protocol_version=CONTRACT,
    )


def _canonical(schema: dict[str, Any] | None) -> bytes:
    if schema is None:
        return b""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _output_schema(agent: AbstractAgent[Any, Any]) -> dict[str, Any] | None:
    try:
        return agent.output_json_schema()
    except Exception as error:  # pydantic and user types raise what they like
        _log.debug("the output type has no JSON schema: %s", error)
        return None


def _deps_schema(agent: AbstractAgent[Any, Any]) -> dict[str, Any] | None:
    if agent.deps_type in (object, type(None)):
        return None
    try:
        return TypeAdapter(agent.deps_type).json_schema()
    except Exception as error:
        _log.debug("deps_type %r has no JSON schema: %s", agent.deps_type, error)
        return None


def _tools(agent: AbstractAgent[Any, Any], parameters: ModelRequestParameters | None) -> list[ToolDefinition]:
    if parameters is not None:
        tools = list(parameters.function_tools)
    else:
        tools = [tool.tool_def for toolset in agent.toolsets if isinstance(toolset, FunctionToolset) for tool in toolset.tools.values()]
    return sorted(tools, key=lambda tool: tool.name)
