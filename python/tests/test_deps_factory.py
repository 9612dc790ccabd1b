"""What makes the dependencies of a run, in every form that a function may have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from synapse_otp.deps_factory import DepsFactory, RunInfo

INFO = RunInfo("agent", "run-1", 1, "")
left: list[object] = []


def plain(value: object) -> object:
    return value


async def waits(value: object) -> object:
    return value


async def yields(value: object) -> AsyncIterator[object]:
    try:
        yield value
    finally:
        left.append(value)


def yields_at_once(value: object) -> Iterator[object]:
    try:
        yield value
    finally:
        left.append(value)


@pytest.mark.parametrize("function", [plain, waits])
async def test_what_is_returned_is_the_runs(function: Callable[..., Any]) -> None:
    async with DepsFactory(function).deps("given", INFO) as deps:
        assert deps == "given"


@pytest.mark.parametrize("function", [yields, asynccontextmanager(yields), yields_at_once, contextmanager(yields_at_once)])
async def test_what_is_yielded_is_the_runs_and_is_left_when_it_ends(function: Callable[..., Any]) -> None:
    left.clear()
    async with DepsFactory(function).deps("given", INFO) as deps:
        assert (deps, left) == ("given", [])
    assert left == ["given"]

    async def fails() -> None:
        async with DepsFactory(function).deps("given", INFO):
            raise ValueError("the run's")

    with pytest.raises(ValueError, match="the run's"):
        await fails()
    assert left == ["given", "given"]


async def test_the_run_is_told_where_a_second_argument_is_taken() -> None:
    def make(value: object, run: RunInfo) -> Iterator[object]:
        yield value, run.run_id

    async with DepsFactory(make).deps(None, INFO) as deps:
        assert deps == (None, "run-1")
