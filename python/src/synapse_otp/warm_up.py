"""Runs in the zygote: imports what every worker needs and takes each path of it once, so that a fork begins warm."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
from collections.abc import Sequence

from .environment import without_grpc_fork_handlers
from .load_failure import describe_exception

__all__ = ["NotForkable", "warm_up"]


class NotForkable(Exception):
    """This process cannot be forked safely, or a module of the preload list cannot be imported. The message is for people."""


def warm_up(preload: Sequence[str]) -> None:
    """Imports, runs one agent of a test model, and freezes what is there for the collector.

    Raises:
        NotForkable: If a module cannot be imported or has started a thread.
    """
    gc.disable()
    with without_grpc_fork_handlers():
        _import("synapse_otp.worker", "synapse_otp.server")
    for name in preload:
        _import(name)
    asyncio.run(_run_once())
    _no_thread("the first run of an agent")
    gc.enable()
    gc.collect()
    gc.freeze()


def _import(*names: str) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            raise NotForkable(f'preload module "{name}" cannot be imported: {describe_exception(error)}') from error
        _no_thread(f'preload module "{name}"')


def _no_thread(what: str) -> None:
    count = len(os.listdir("/proc/self/task")) - 1
    if count > 0:
        raise NotForkable(
            f"{what} started {count} thread{'s' if count > 1 else ''}; a process with threads cannot be forked safely. Import it in the "
            "agent's file instead, or set OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1"
        )


async def _run_once() -> None:
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelMessagesTypeAdapter
    from pydantic_ai.models.test import TestModel

    agent = Agent(TestModel())

    @agent.tool_plain
    async def look(name: str) -> str:
        return name

    result = await agent.run("warm up")
    ModelMessagesTypeAdapter.dump_json(result.all_messages())
    async with agent.run_stream("warm up") as streamed:
        await streamed.get_output()
