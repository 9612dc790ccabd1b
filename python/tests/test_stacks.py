"""A worker that is asked for its stacks writes them and lives on, whatever its threads do meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from host import Worker

CHURNING = """
import threading
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel


def deep(depth):
    return deep(depth - 1) if depth else sum(number * number for number in range(30))


def frames():
    for _ in range(20):
        yield deep(_)


def begin_and_end():
    while True:
        threads = [threading.Thread(target=lambda: list(frames())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


for _ in range(16):
    threading.Thread(target=begin_and_end, daemon=True).start()
agent = Agent(TestModel())
"""


async def test_worker_survives_its_stacks_while_threads_begin_and_end(tmp_path: Path) -> None:
    (tmp_path / "churning.py").write_text(CHURNING)
    worker = Worker(f"{tmp_path}/churning.py:agent")
    try:
        await worker.ready()
        dumps = 0
        while dumps < 300:
            assert worker.process.poll() is None, worker.stderr_lines[-40:]
            os.kill(worker.pid, signal.SIGUSR1)
            # A signal that comes while another one is answered has no answer of its own.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05), worker.log_arrived:
                    await worker.log_arrived.wait()
            dumps = sum("(most recent call first)" in line and not line.startswith("Thread") for line in worker.stderr_lines)
    finally:
        await worker.close()
