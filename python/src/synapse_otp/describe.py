"""Runs in the worker: what the loaded agent is, for the Describe call. Nothing of the user's is run to find out."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pydantic_ai
from pydantic import TypeAdapter
from pydantic_ai.agent import AbstractAgent, WrapperAgent
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import (
    AbstractToolset,
    ApprovalRequiredToolset,
    CombinedToolset,
    DeferredLoadingToolset,
    ExternalToolset,
    FunctionToolset,
    IncludeReturnSchemasToolset,
    PrefixedToolset,
    RenamedToolset,
    SetMetadataToolset,
)

from .control import CONTRACT
from .model import agent_model_name
from .v1 import agent_pb2 as pb

__all__ = ["describe_agent", "tool_names"]

_log = logging.getLogger("synapse_otp.describe")

# These change neither the names of the tools that they wrap nor which of them there are.
_TRANSPARENT = (ApprovalRequiredToolset, DeferredLoadingToolset, IncludeReturnSchemasToolset, SetMetadataToolset)


def describe_agent(agent: AbstractAgent[Any, Any]) -> pb.DescribeResponse:
    """Describes an agent; a part that has no JSON schema is left empty.

    Its tools are those that are known without asking anybody: function tools and external ones, under the names that wrappers give
    them. What a function of the user's decides (a dynamic, filtered or prepared toolset) or another process (an MCP server) is not among
    them.

    Args:
        agent: The loaded agent.
    """
    output_schema = _canonical(_output_schema(agent))
    deps_schema = _canonical(_deps_schema(agent))
    known = {tool.name: tool for toolset in agent.toolsets for tool in _tools_of(toolset)}
    tools = [
        pb.ToolSpec(
            name=tool.name,
            description=tool.description or "",
            parameters_schema_json=_canonical(tool.parameters_json_schema),
        )
        for _, tool in sorted(known.items())
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


def tool_names(agent: AbstractAgent[Any, Any]) -> set[str]:
    """The names of the tools of an agent that are known without asking anybody, those of its output among them.

    Args:
        agent: The loaded agent.
    """
    names = {tool.name for toolset in agent.toolsets for tool in _tools_of(toolset)}
    inner: Any = agent
    while isinstance(inner, WrapperAgent):
        inner = inner.wrapped
    output = getattr(inner, "_output_toolset", None)
    return names | set(getattr(output, "processors", ()))


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


def _tools_of(toolset: AbstractToolset[Any]) -> Iterator[ToolDefinition]:
    # By exact class: a subclass of the user's may list other tools.
    kind = type(toolset)
    if isinstance(toolset, FunctionToolset):
        yield from (tool.tool_def for tool in toolset.tools.values())
    elif isinstance(toolset, ExternalToolset):
        yield from toolset.tool_defs
    elif isinstance(toolset, CombinedToolset) and kind is CombinedToolset:
        for part in toolset.toolsets:
            yield from _tools_of(part)
    elif isinstance(toolset, PrefixedToolset) and kind is PrefixedToolset:
        for tool in _tools_of(toolset.wrapped):
            yield replace(tool, name=f"{toolset.prefix}_{tool.name}")
    elif isinstance(toolset, RenamedToolset) and kind is RenamedToolset:
        names = {old: new for new, old in toolset.name_map.items()}
        for tool in _tools_of(toolset.wrapped):
            yield replace(tool, name=names.get(tool.name, tool.name))
    elif isinstance(toolset, _TRANSPARENT) and kind in _TRANSPARENT:
        yield from _tools_of(toolset.wrapped)
