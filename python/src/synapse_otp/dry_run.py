"""Runs in the worker: the first steps of a run that ends before anything of the user's acts.

It pays for what pydantic-ai makes on first use, and tells what a model would be told: tools and output tools. The prompt is prepared and
a model that answers nothing is asked; the answer is thrown away, so no tool, output function or validator runs.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from pydantic_ai.agent import AbstractAgent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models import ModelRequestParameters, override_allow_model_requests
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_graph import End

__all__ = ["dry_run"]

DEADLINE_S = 5.0

_log = logging.getLogger("synapse_otp.dry_run")


async def dry_run(agent: AbstractAgent[Any, Any]) -> ModelRequestParameters | None:
    """Prepares one model request of an agent without sending it.

    Args:
        agent: The agent, already entered.

    Returns:
        What the model would be told; None if the agent cannot be prepared without its dependencies, or not within 5 s. That is no fault
        of the agent, so it is only logged at debug level.
    """
    seen: list[ModelRequestParameters] = []

    async def answer_nothing(_messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        seen.append(info.model_request_parameters)
        return ModelResponse(parts=[TextPart("")])

    model = FunctionModel(answer_nothing, model_name="synapse-dry-run")
    try:
        # Real model requests are forbidden meanwhile, should a capability choose another model.
        with override_allow_model_requests(False), agent.override(model=model):
            async with asyncio.timeout(DEADLINE_S), agent.iter("", model=model) as run:
                node = run.next_node
                while not seen and not isinstance(node, End):
                    node = await run.next(node)
    except (Exception, SystemExit) as error:
        _log.debug("the agent cannot be run dry: %s: %s", type(error).__name__, error)
    return seen[0] if seen else None
