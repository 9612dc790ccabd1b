"""The end of a run, as AwaitEnd tells it: when nothing of it works any more, whatever its caller knows already."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from conftest import Start
from host import Client, Failed, Worker
from synapse_otp.v1 import agent_pb2 as pb

STUBBORN = "test/fixtures/agents/stubborn.py:agent"


async def printed(worker: Worker, line: str, times: int = 1) -> None:
    async with asyncio.timeout(30):
        while worker.stdout.decode().split("\n").count(line) < times:
            await asyncio.sleep(0.005)


def await_end(client: Client, run_id: str = "run-1", attempt: int = 1) -> Any:
    return client.stub.AwaitEnd(pb.AwaitEndRequest(run_id=run_id, attempt=attempt), metadata=client.metadata, timeout=30)


@pytest.mark.parametrize("tool", ["block", "thread", "swallow"])
async def test_cancelled_run_ends_when_its_tool_has_ended(start: Start, tmp_path: Path, tool: str) -> None:
    worker = start(STUBBORN)
    await worker.ready()
    async with worker.client() as client:
        run = asyncio.create_task(client.run(f"{tool}:{tmp_path}/gate"))
        await printed(worker, "working 1")
        run.cancel()
        ended = asyncio.ensure_future(await_end(client))
        await client.describe()
        await client.run("hello", run_id="run-2")
        assert not ended.done()
        (tmp_path / "gate").touch()
        assert (await ended).known
        await printed(worker, "done")


async def test_deadline_is_answered_at_once_and_says_that_something_works_still(start: Start, tmp_path: Path) -> None:
    worker = start(STUBBORN)
    await worker.ready()
    async with worker.client() as client:
        with pytest.raises(Failed) as caught:
            await client.run(f"block:{tmp_path}/gate", time_left_ms=200)
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert caught.value.error is not None
        assert caught.value.error.unfinished
        (tmp_path / "gate").touch()
        await await_end(client)
        await printed(worker, "done")


async def test_answer_says_that_a_thread_was_left_behind(start: Start, tmp_path: Path) -> None:
    worker = start(STUBBORN)
    await worker.ready()
    async with worker.client() as client:
        answer = await client.run(f"abandon:{tmp_path}/gate")
        assert ("Timed out" in answer.result, answer.unfinished) == (True, True)
        (tmp_path / "gate").touch()
        await await_end(client)
        await printed(worker, "done")
        plain = await client.run("hello", run_id="run-2")
        assert (plain.result, plain.unfinished) == ("hello", False)


async def test_run_that_is_given_up_before_it_comes_is_refused(start: Start) -> None:
    worker = start(STUBBORN)
    await worker.ready()
    async with worker.client() as client:
        assert not (await await_end(client, "run-9")).known
        with pytest.raises(Failed, match="given the run up") as caught:
            await client.run("hello", run_id="run-9")
        assert caught.value.code is grpc.StatusCode.CANCELLED
        assert (await client.run("hello", run_id="run-9", attempt=2)).result == "hello"


async def test_time_left_counts_from_the_receipt_and_goes_before_the_date(start: Start) -> None:
    worker = start(STUBBORN)
    await worker.ready()
    async with worker.client() as client:
        with pytest.raises(Failed) as caught:
            await client.run("swallow:/nowhere", time_left_ms=0)
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        answer = await client.run("hello", run_id="run-2", time_left_ms=30_000, deadline_unix_ms=1)
        assert answer.result == "hello"
