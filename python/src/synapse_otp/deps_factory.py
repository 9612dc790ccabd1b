"""Runs in the worker: what a run's dependencies are made by, where that is a function of the user's."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DepsFactory", "RunInfo"]


@dataclass(frozen=True)
class RunInfo:
    """The run that dependencies are made for."""

    agent_id: str
    run_id: str
    attempt: int
    conversation_id: str
    """Empty when the host gave none."""
    metadata: Mapping[str, str] = field(default_factory=dict)


class DepsFactory:
    """Makes the dependencies of each run.

    Args:
        function: Called with the JSON value of the run's deps (None without any) and, where it takes a second argument, a `RunInfo`. It
            returns the dependencies, an awaitable of them, or an async context manager, which is entered for the run; or yields them once.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._call = _managed(function)
        self._takes_info = _takes_two(function)

    @property
    def function(self) -> Callable[..., Any]:
        """The user's function."""
        return self._function

    @asynccontextmanager
    async def deps(self, value: object, info: RunInfo) -> AsyncGenerator[Any]:
        """Within it the dependencies of one run live.

        Args:
            value: The JSON value of the run's deps.
            info: The run.
        """
        made = self._call(value, info) if self._takes_info else self._call(value)
        if inspect.isawaitable(made):
            made = await made
        if hasattr(type(made), "__aenter__") and hasattr(type(made), "__aexit__"):
            async with made as deps:
                yield deps
        elif inspect.isgenerator(getattr(made, "gen", None)) and hasattr(type(made), "__enter__"):  # what @contextmanager makes
            with made as deps:
                yield deps
        else:
            yield made


def _managed(function: Callable[..., Any]) -> Callable[..., Any]:
    """One that yields is a context manager without its decorator: its generator would be no dependencies of anybody's."""
    if inspect.isasyncgenfunction(function):
        return asynccontextmanager(function)
    if inspect.isgeneratorfunction(function):
        return contextmanager(function)
    return function


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # a callable that does not say
        return True
    return True
