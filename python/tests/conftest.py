"""Fixtures: workers are started for a test and are gone after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from host import FIXTURES, Client, Worker

Start = Callable[..., Worker]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts workers; all of them are killed after the test."""
    workers: list[Worker] = []

    def start_worker(entry: str, **options: Any) -> Worker:
        workers.append(Worker(entry, **options))
        return workers[-1]

    yield start_worker
    for worker in workers:
        await worker.close()


@pytest.fixture(scope="module")
async def controllable() -> AsyncIterator[tuple[Worker, Client]]:
    """A ready worker of the controllable agent, and a client of it, for all tests of a module. A test must leave it alive."""
    worker = Worker(f"{FIXTURES}/controllable.py:agent")
    await worker.ready()
    async with worker.client() as client:
        yield worker, client
    await worker.close()


@pytest.fixture
async def mortal(start: Start) -> AsyncIterator[tuple[Worker, Client]]:
    """The same for one test, which may end it."""
    worker = start(f"{FIXTURES}/controllable.py:agent")
    await worker.ready()
    async with worker.client() as client:
        yield worker, client
