"""Runs in the worker: tools that the host calls, as tools of pydantic-ai."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import grpc
from pydantic_ai import ModelRetry, RunContext, Tool
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.toolsets import FunctionToolset
from pydantic_core import SchemaValidator, core_schema

from .content import read_content
from .errors import RunFailure, invalid
from .fetching import refuse_urls_of
from .host_session import HostSession, unknown_request
from .json_text import write_json
from .known_tools import tool_names
from .request_json import read_json
from .utf8 import clean_text
from .v1 import agent_pb2 as pb

__all__ = ["HostToolError", "host_toolset"]

_ARGUMENTS = SchemaValidator(core_schema.dict_schema(core_schema.str_schema()))


class HostToolError(RunFailure):
    """A tool of the host has thrown: the run fails with it.

    Args:
        message: What it has thrown, for people.
        tool_name: Which tool.
        tool_call_id: Which call.
    """

    def __init__(self, message: str, *, tool_name: str, tool_call_id: str) -> None:
        super().__init__(pb.AGENT_ERROR_KIND_USER_CODE, grpc.StatusCode.UNKNOWN, message)
        self.tool_name = tool_name
        self.tool_call_id = tool_call_id


def host_toolset(specs: Sequence[pb.ToolSpec], host: HostSession | None, agent: AbstractAgent[Any, Any]) -> FunctionToolset[Any] | None:
    """The host's tools for one run; None where there are none.

    Args:
        specs: What the host says of them.
        host: Calls them.
        agent: Whose own tools they stand beside.

    Raises:
        RunFailure: VALIDATION if there is no host to call them, or a name is taken by a tool of the agent.
    """
    if not specs:
        return None
    if host is None:
        raise invalid("tools of the host need RunSession", "tools")
    taken = tool_names(agent)
    for spec in specs:
        if spec.name in taken:
            raise invalid(f'tools names "{spec.name}", which is a tool of the Python agent; give it another name', f"tools.{spec.name}")
    return FunctionToolset([_tool(spec, host) for spec in specs], id="synapse-host")


def _tool(spec: pb.ToolSpec, host: HostSession) -> Tool[Any]:
    tool: Tool[Any] = Tool.from_schema(
        _caller(spec, host),
        name=spec.name,
        description=spec.description or None,
        json_schema=_schema(spec),
        takes_ctx=True,
        sequential=spec.sequential,
    )
    # Arguments are not checked here; but a model that gives a list, or text, is to hear of it: the call takes keywords.
    tool.function_schema.validator = _ARGUMENTS
    tool.requires_approval = spec.requires_approval
    return tool


def _schema(spec: pb.ToolSpec) -> dict[str, Any]:
    schema = read_json(spec.parameters_schema_json, field := f"tools.{spec.name}")
    if not isinstance(schema, dict):
        raise invalid(f"{field} has a parameters_schema_json that is not a JSON object", field)
    return schema


def _caller(spec: pb.ToolSpec, host: HostSession) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(ctx: RunContext[Any], /, **args: Any) -> Any:
        asked = pb.HostToolCall(
            tool_call_id=clean_text(ctx.tool_call_id or ""),
            tool_name=spec.name,
            args_json=write_json(args, constants=True),
            retry=ctx.retry,
            step=ctx.run_step,
        )
        answer = await host.ask(timeout_ms=spec.timeout_ms, tool_call=asked)
        return _result(answer, asked, spec)

    return call


def _result(answer: pb.HostAnswer, asked: pb.HostToolCall, spec: pb.ToolSpec) -> Any:
    match answer.WhichOneof("answer"):
        case "tool_return":
            if answer.tool_return.content:
                content = read_content(answer.tool_return.content, f"the answer of tool {spec.name}")
                refuse_urls_of(content)
                return content
            return read_json(answer.tool_return.value_json or b"null", f"the answer of tool {spec.name}")
        case "tool_retry":
            raise ModelRetry(answer.tool_retry.message)
        case "tool_failed":
            raise ToolFailed(answer.tool_failed.message)
        case "timed_out":
            raise ModelRetry(f"Timed out after {spec.timeout_ms / 1000:g} seconds.")
        case "tool_error":
            raise HostToolError(answer.tool_error.message, tool_name=asked.tool_name, tool_call_id=asked.tool_call_id)
    raise unknown_request("tool_call")
