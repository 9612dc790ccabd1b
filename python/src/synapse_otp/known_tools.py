"""Runs in the worker: the tools of an agent that are known without asking anybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

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

__all__ = ["KnownTools", "innermost", "output_tool_names", "tool_names"]

# These change neither the names of the tools that they wrap nor which of them there are.
_TRANSPARENT = (DeferredLoadingToolset, IncludeReturnSchemasToolset, SetMetadataToolset)


@dataclass(frozen=True)
class KnownTools:
    """Function tools and external ones, under the names that wrappers give them.

    What a function of the user's decides (a dynamic, filtered or prepared toolset) or another process (an MCP server) is not among them.
    """

    tools: dict[str, ToolDefinition] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    """Labels of the toolsets whose tools only a run knows."""

    @classmethod
    def of(cls, agent: AbstractAgent[Any, Any]) -> KnownTools:
        """Looks at the toolsets of an agent.

        Args:
            agent: The loaded agent.
        """
        known = cls()
        for toolset in agent.toolsets:
            for tool in _tools_of(toolset, known.unknown):
                known.tools[tool.name] = tool
        return known


def output_tool_names(agent: AbstractAgent[Any, Any]) -> set[str]:
    """The names of the tools with which a model gives the agent's output.

    Args:
        agent: The loaded agent.
    """
    output = getattr(innermost(agent), "_output_toolset", None)
    return set(getattr(output, "processors", ()))


def innermost(agent: AbstractAgent[Any, Any]) -> Any:
    """The agent in all wrappers around it."""
    inner: Any = agent
    while isinstance(inner, WrapperAgent):
        inner = inner.wrapped
    return inner


def tool_names(agent: AbstractAgent[Any, Any]) -> set[str]:
    """The names of the tools of an agent that are known without asking anybody, those of its output among them.

    Args:
        agent: The loaded agent.
    """
    return set(KnownTools.of(agent).tools) | output_tool_names(agent)


def _tools_of(toolset: AbstractToolset[Any], unknown: list[str]) -> Iterator[ToolDefinition]:
    # By exact class: a subclass of the user's may list other tools.
    kind = type(toolset)
    if isinstance(toolset, FunctionToolset):
        yield from (tool.tool_def for tool in toolset.tools.values())
    elif isinstance(toolset, ExternalToolset):
        yield from (replace(tool, kind="external") for tool in toolset.tool_defs)
    elif isinstance(toolset, CombinedToolset) and kind is CombinedToolset:
        for part in toolset.toolsets:
            yield from _tools_of(part, unknown)
    elif isinstance(toolset, PrefixedToolset) and kind is PrefixedToolset:
        for tool in _tools_of(toolset.wrapped, unknown):
            yield replace(tool, name=f"{toolset.prefix}_{tool.name}")
    elif isinstance(toolset, RenamedToolset) and kind is RenamedToolset:
        names = {old: new for new, old in toolset.name_map.items()}
        for tool in _tools_of(toolset.wrapped, unknown):
            yield replace(tool, name=names.get(tool.name, tool.name))
    elif isinstance(toolset, ApprovalRequiredToolset) and kind is ApprovalRequiredToolset:
        # Which calls it asks for is decided when they come.
        for tool in _tools_of(toolset.wrapped, unknown):
            yield tool if tool.kind == "external" else replace(tool, kind="unapproved")
    elif isinstance(toolset, _TRANSPARENT) and kind in _TRANSPARENT:
        yield from _tools_of(toolset.wrapped, unknown)
    else:
        unknown.append(toolset.label)
