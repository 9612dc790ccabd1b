"""Runs in the worker: which URLs it does not fetch by itself.

A URL in a prompt, a history or a tool's answer goes to the model's provider as it is. For a model that takes none, pydantic-ai would
fetch what stands there, from within the worker's own network. That needs the host's word; what the agent's own code names is its own
business.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from pydantic_ai import models
from pydantic_ai.messages import FileUrl, ModelMessage

from .errors import RunFailure, invalid
from .v1 import agent_pb2 as pb

__all__ = ["refuse_fetching", "refuse_urls_of", "watch_downloads"]

_DOWNLOAD = "_download_within_request_budget"
"""Private in pydantic-ai, which has no other place where all downloads pass; a test pins it."""

_refused: ContextVar[set[str] | None] = ContextVar("synapse_refused_urls", default=None)
"""The URLs that the current run must not fetch; None: it may fetch any."""


def watch_downloads() -> None:
    """From now on pydantic-ai's downloads ask here first. Called once, before the first run."""
    download: Any = getattr(models, _DOWNLOAD, None)
    if download is None:
        return

    async def checked(url: str, **options: Any) -> Any:
        refused = _refused.get()
        if refused is not None and url in refused:
            raise _not_fetched(url)
        return await download(url, **options)

    setattr(models, _DOWNLOAD, checked)
    checked.__dict__["asks_first"] = True


def refuse_fetching(request: pb.RunRequest, prompt: object, history: Sequence[ModelMessage] | None) -> None:
    """The run of the current task does not fetch the URLs that the host has sent with it, unless the request says that it may."""
    if request.may_fetch:
        return
    refused: set[str] = set()
    _refused.set(refused)
    refuse_urls_of(prompt)
    for message in history or ():
        for part in message.parts:
            refuse_urls_of(getattr(part, "content", None))


def refuse_urls_of(content: object) -> None:
    """The run of the current task does not fetch the URLs of some content of the host's."""
    refused = _refused.get()
    if refused is None or isinstance(content, str):
        return
    parts = content if isinstance(content, list | tuple) else (content,)
    urls = [part.url for part in parts if isinstance(part, FileUrl)]
    if urls and not hasattr(getattr(models, _DOWNLOAD, None), "asks_first"):
        raise _not_fetched(urls[0])  # a version of pydantic-ai that cannot be kept from it
    refused.update(urls)


def _not_fetched(url: str) -> RunFailure:
    message = f'the model takes no URL such as "{url}" itself, and the worker fetches none unless the definition says fetchUrls: true'
    return invalid(message, "content")
