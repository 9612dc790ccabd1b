"""Runs in the worker: what a front end is told of a run that fails: a sentence by the kind of failure, no word of the exception."""

from __future__ import annotations

from .errors import kind_of
from .v1 import agent_pb2 as pb

__all__ = ["FrontendError"]

_SENTENCES = {
    pb.AGENT_ERROR_KIND_USAGE_LIMIT_EXCEEDED: "The run has reached its limit of usage.",
    pb.AGENT_ERROR_KIND_CONCURRENCY_LIMIT: "The agent is busy. Try again later.",
    pb.AGENT_ERROR_KIND_MODEL_RATE_LIMIT: "The model is asked too often. Try again later.",
    pb.AGENT_ERROR_KIND_MODEL_QUOTA: "The model's quota is used up.",
    pb.AGENT_ERROR_KIND_MODEL_OVERLOADED: "The model is overloaded. Try again later.",
    pb.AGENT_ERROR_KIND_MODEL_UNAVAILABLE: "The model cannot be reached. Try again later.",
    pb.AGENT_ERROR_KIND_MODEL_CONNECTION: "The model cannot be reached. Try again later.",
    pb.AGENT_ERROR_KIND_MODEL_SERVER: "The model has failed. Try again later.",
    pb.AGENT_ERROR_KIND_MODEL_TIMEOUT: "The model took too long. Try again later.",
    pb.AGENT_ERROR_KIND_CONTEXT_WINDOW: "The conversation is too long for the model.",
    pb.AGENT_ERROR_KIND_CONTENT_FILTER: "The model's provider has refused the content.",
    pb.AGENT_ERROR_KIND_OUTPUT_TOKEN_LIMIT: "The answer is longer than the model may write.",
    pb.AGENT_ERROR_KIND_DEADLINE: "The run took too long.",
    pb.AGENT_ERROR_KIND_INTERRUPTED: "The run was interrupted. Try again.",
    pb.AGENT_ERROR_KIND_OUT_OF_MEMORY: "The run was interrupted. Try again.",
}
_OTHERWISE = "The run has failed."


class FrontendError(Exception):
    """A failure as a client may be told of it."""

    @classmethod
    def of(cls, error: BaseException) -> FrontendError:
        """The failure that an exception is.

        Args:
            error: What ended the run.
        """
        return cls(_SENTENCES.get(kind_of(error), _OTHERWISE))
