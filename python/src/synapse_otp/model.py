"""Runs in the worker: which model a run uses.

The request's model goes before `SYNAPSE_PYTHON_AGENT_MODEL`, and that before the agent's own.
"""

from __future__ import annotations

from typing import Any

import grpc
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.models import Model, infer_model

from . import environment
from .errors import RunFailure
from .v1 import agent_pb2 as pb

__all__ = ["agent_model_name", "choose_model"]


def choose_model(requested: str) -> Model | None:
    """The model that a run is started with; None leaves the agent its own.

    Args:
        requested: The request's model, such as "openai:gpt-5" or "test"; empty for none.

    Raises:
        RunFailure: USER_ERROR if the model's package is not installed.
        pydantic_ai.exceptions.UserError: If the model is unknown or its key is not set.
    """
    name = requested or environment.default_model()
    if name is None:
        return None
    try:
        return infer_model(name)
    except ImportError as error:
        provider = name.partition(":")[0].partition("-")[0]
        raise RunFailure(
            pb.AGENT_ERROR_KIND_USER_ERROR,
            grpc.StatusCode.FAILED_PRECONDITION,
            f'model "{name}" needs a package that is not installed; run: pip install "pydantic-ai-slim[{provider}]"',
        ) from error


def agent_model_name(agent: AbstractAgent[Any, Any]) -> str | None:
    """The name of the model that runs use when the request names none; None when the agent has none either."""
    if name := environment.default_model():
        return name
    model = agent.model
    return model.model_name if isinstance(model, Model) else model
