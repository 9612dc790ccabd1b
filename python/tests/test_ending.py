"""How a worker ends: who decides, in which order it cleans up, and what is told of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from conftest import Start
from host import FIXTURES, Failed, Worker, gone
from synapse_otp.v1 import agent_pb2 as pb

TIDY = f"{FIXTURES}/tidy.py:agent"


class Tidy:
    """A worker of the tidy agent, and what it has written down."""

    def __init__(self, worker: Worker, log: Path) -> None:
        self.worker = worker
        self._log = log

    @property
    def steps(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    async def wrote(self, step: str) -> None:
        async with asyncio.timeout(30):
            while step not in self.steps:
                await asyncio.sleep(0.005)

    async def told(self, kind: str) -> dict[str, Any]:
        """The next message of this type; an empty one at the channel's end."""
        while message := await self.worker.receive():
            if message["type"] == kind:
                return message
        return {}


@pytest.fixture
def tidy(start: Start, tmp_path: Path) -> Callable[..., Tidy]:
    def start_tidy(**env: str) -> Tidy:
        log = tmp_path / "steps"
        return Tidy(start(TIDY, env={"TIDY_LOG": str(log), **env}), log)

    return start_tidy


Tidying = Callable[..., Tidy]


async def failure(call: Any) -> Failed:
    with pytest.raises(Failed) as caught:
        await call
    return caught.value


async def test_run_that_overstays_is_cancelled_and_cleans_up_before_the_agent_is_left(tidy: Tidying) -> None:
    it = tidy(TIDY_S="0.3")
    await it.worker.ready()
    async with it.worker.client() as client:
        running = asyncio.create_task(failure(client.run("wait:1000")))
        await it.wrote("run began")
        await it.worker.send({"type": "shutdown", "graceMs": 20_000, "drainMs": 0})
        assert await it.worker.exited() == 0
        failed = await running
    assert failed.error is not None
    assert (failed.code, failed.error.kind) == (grpc.StatusCode.UNAVAILABLE, pb.AGENT_ERROR_KIND_INTERRUPTED)
    assert it.steps == ["entered", "run began", "run cleaned up", "left", "atexit"]


async def test_shutdown_without_a_word_on_draining_gives_runs_three_fifths(tidy: Tidying) -> None:
    it = tidy()
    await it.worker.ready()
    async with it.worker.client() as client:
        short, long = asyncio.create_task(client.run("wait:0.2", run_id="a")), asyncio.create_task(failure(client.run("wait:1000")))
        async with asyncio.timeout(30):
            while it.steps.count("run began") < 2:
                await asyncio.sleep(0.005)
        await it.worker.send({"type": "shutdown", "graceMs": 3_000})
        assert (await short).result == "waited"
        assert (await long).code is grpc.StatusCode.UNAVAILABLE
    assert await it.worker.exited() == 0
    assert it.steps[-2:] == ["left", "atexit"]


@pytest.mark.parametrize("prompt", ["stubborn:1000", "block:1000"])
async def test_run_that_does_not_react_keeps_nothing_else_from_being_cleaned_up(tidy: Tidying, prompt: str) -> None:
    it = tidy()
    await it.worker.ready()
    async with it.worker.client() as client:
        running = asyncio.create_task(failure(client.run(prompt)))
        await it.wrote("run began")
        await it.worker.send({"type": "shutdown", "graceMs": 1_000, "drainMs": 0})
        await it.wrote("atexit")
        overdue = await it.told("overdue")
        assert overdue["phase"] in ("cancelling its tasks", "joining its threads")
        assert any(f"in {prompt.split(':')[0]}" in line for line in overdue["heldBy"]), overdue
        await it.worker.close()
        await running


async def test_background_task_gets_its_time_and_ends_its_helper(tidy: Tidying) -> None:
    it = tidy(TIDY_S="1.5")
    await it.worker.ready()
    async with it.worker.client() as client:
        helper = int((await client.run("background:300")).result)
    assert await it.worker.shutdown(grace_ms=20_000) == 0
    await gone(helper)
    assert it.steps == ["entered", "left", "task cleaned up", "atexit"]


async def test_shutdown_while_the_module_loads_unwinds_it_and_calls_atexit(tidy: Tidying) -> None:
    it = tidy(TIDY_HANG="import")
    await it.worker.greet()
    await it.wrote("hangs in import")
    assert await it.worker.shutdown(grace_ms=20_000) == 0
    assert it.steps == ["hangs in import", "atexit"]


async def test_shutdown_while_the_agent_is_entered_cancels_the_entering(tidy: Tidying) -> None:
    it = tidy(TIDY_HANG="enter")
    await it.worker.greet()
    await it.wrote("hangs in enter")
    assert await it.worker.shutdown(grace_ms=20_000) == 0
    assert it.steps == ["hangs in enter", "entered", "atexit"]


@pytest.mark.parametrize(
    ("hang", "phase", "held"),
    [
        ("leave", "leaving the agent", "in Resource.__aexit__"),
        ("thread", "joining its threads", "thread 'forgotten' at tidy.py:"),
        ("atexit", "calling its atexit functions", "in hang, called at tidy.py:"),
    ],
)
async def test_what_never_ends_is_named_before_the_host_kills(tidy: Tidying, hang: str, phase: str, held: str) -> None:
    it = tidy(TIDY_HANG=hang)
    await it.worker.ready()
    await it.worker.send({"type": "shutdown", "graceMs": 800})
    overdue = await it.told("overdue")
    assert overdue["phase"] == phase
    assert any(held in line for line in overdue["heldBy"]), overdue


async def test_stacks_are_written_before_a_worker_that_is_not_ready_in_time_is_killed(tidy: Tidying) -> None:
    it = tidy(TIDY_HANG="import")
    await it.worker.greet(startTimeoutMs=6_000)
    async with asyncio.timeout(30), it.worker.log_arrived:
        await it.worker.log_arrived.wait_for(lambda: any("tidy.py" in line and "in hang" in line for line in it.worker.stderr_lines))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
async def test_signal_from_outside_is_told_at_once_and_the_host_decides(tidy: Tidying, name: str) -> None:
    it = tidy()
    await it.worker.ready()
    async with it.worker.client() as client:
        running = asyncio.create_task(client.run("wait:0.5"))
        await it.wrote("run began")
        for _ in range(2):
            os.kill(it.worker.pid, getattr(signal, name))
        assert await it.told("draining") == {"type": "draining", "signal": name}
        refused = await failure(client.run("wait:0", run_id="new"))
        assert refused.error is not None
        assert refused.error.kind == pb.AGENT_ERROR_KIND_DRAINING
        assert (await running).result == "waited"
        assert (await failure(client.run("wait:0", run_id="later"))).error is not None  # it serves refusals until the host lets it go
        assert await it.worker.shutdown() == 0


async def test_host_that_has_heard_of_a_signal_may_take_its_time(tidy: Tidying) -> None:
    it = tidy()
    await it.worker.ready()
    os.kill(it.worker.pid, signal.SIGTERM)
    assert await it.told("draining") != {}
    await it.worker.send({"type": "drain"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(it.worker.exited(), 4)  # a host that has not heard is given up after 3 s
    assert await it.worker.shutdown() == 0


async def test_shutdown_after_an_unanswered_signal_still_counts(tidy: Tidying) -> None:
    it = tidy()
    await it.worker.ready()
    async with it.worker.client() as client:
        running = asyncio.create_task(failure(client.run("wait:1000")))
        await it.wrote("run began")
        os.kill(it.worker.pid, signal.SIGTERM)
        await it.worker.log(msg="the host has not answered to SIGTERM; the worker ends when its runs have ended")
        await it.worker.send({"type": "shutdown", "graceMs": 20_000, "drainMs": 0})
        assert (await running).code is grpc.StatusCode.UNAVAILABLE
    assert await it.worker.exited() == 0


async def test_signal_is_told_while_the_event_loop_is_blocked(start: Start) -> None:
    worker = start(f"{FIXTURES}/controllable.py:agent")
    await worker.ready()
    async with worker.client() as client:
        running = asyncio.create_task(failure(client.run("hog:300", run_id="hog")))
        await worker.log(event="run.started", run_id="hog")
        os.kill(worker.pid, signal.SIGTERM)
        assert await worker.receive() == {"type": "draining", "signal": "SIGTERM"}
        await worker.close()
        await running


async def test_signal_while_the_module_loads_is_told_too(tidy: Tidying) -> None:
    it = tidy(TIDY_HANG="import")
    await it.worker.greet()
    await it.wrote("hangs in import")
    os.kill(it.worker.pid, signal.SIGTERM)
    assert await it.told("draining") == {"type": "draining", "signal": "SIGTERM"}
    assert await it.worker.shutdown() == 0


async def test_fd_3_that_the_entry_has_closed_is_told_in_words(start: Start) -> None:
    error = await start(f"{FIXTURES}/closes_fd3.py:agent").failed()
    assert error["kind"] == "module_failed"
    assert "fd 3, the control channel to the host, was closed by code of this process" in error["message"]


async def test_worker_whose_channel_is_closed_by_number_says_so_and_ends(start: Start) -> None:
    worker = start(f"{FIXTURES}/closes_fd3.py:agent", env={"CLOSES": "all"})
    await worker.greet()
    assert await worker.exited() == 1
    assert any("fd 3, the control channel to the host, was closed" in line for line in worker.stderr_lines)


@pytest.mark.parametrize("method", ["fork", "spawn"])
async def test_pool_in_a_tool_leaves_the_worker_alone(tidy: Tidying, method: str) -> None:
    it = tidy()
    await it.worker.ready()
    async with it.worker.client() as client:
        for number in range(40 if method == "fork" else 1):
            assert (await client.run(f"pool:{method}", run_id=f"run-{number}")).result == "[3, 2, 1, 0]"
    assert await it.worker.shutdown() == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
async def test_forked_child_ends_by_its_own_signal_and_holds_nothing_of_the_worker(tidy: Tidying, name: str) -> None:
    it = tidy()
    await it.worker.ready()
    async with it.worker.client() as client:
        assert (await client.run(f"child:{name}")).result == f"[] {name}"
        assert (await client.run("wait:0", run_id="next")).result == "waited"
    assert await it.worker.shutdown() == 0


async def test_worker_exits_clean_and_quiet_after_runs(tidy: Tidying) -> None:
    it = tidy()
    await it.worker.ready()
    async with it.worker.client() as client:
        await client.run("wait:0")
        await client.stream("block:0", run_id="run-2")
        await it.worker.send({"type": "shutdown", "graceMs": 20_000})
        assert await it.worker.exited() == 0
    assert [line for line in it.worker.stderr_lines if not line.startswith("{")] == []
    assert [line for line in it.worker.logs if line["level"] in ("warn", "error", "fatal")] == []
