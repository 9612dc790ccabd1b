"""What keeps a worker from ending, in words."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from synapse_otp.hold_ups import hold_ups, task_lines, thread_lines

HERE = "test_hold_ups.py:"


async def never() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def session() -> AsyncIterator[None]:
    yield
    await never()


async def leave() -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(session())


async def lines_of(loop: asyncio.AbstractEventLoop, *, joining: bool = False) -> list[str]:
    # From a thread beside the main one, as in a worker.
    return await asyncio.to_thread(hold_ups, loop, joining=joining)


@pytest.mark.parametrize(
    ("waiting", "places"),
    [
        (never, ["in never"]),
        (leave, ["in never", "in session", "in leave"]),
    ],
)
async def test_task_is_told_with_the_users_places_innermost_first(waiting: object, places: list[str]) -> None:
    task = asyncio.create_task(waiting(), name="the one")  # type: ignore[operator]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    line = next(line for line in await lines_of(asyncio.get_running_loop()) if "'the one'" in line)
    task.cancel()
    assert line.startswith(f"task 'the one' at {HERE}")
    assert [place.split(" ", 1)[1] for place in line.removeprefix("task 'the one' at ").split(", called at ")] == places


async def test_every_task_is_told_to_whom_asks_from_beside_the_loop() -> None:
    tasks = [asyncio.create_task(leave(), name=f"leaves {number}") for number in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    lines = await asyncio.to_thread(task_lines, asyncio.get_running_loop())
    for task in tasks:
        task.cancel()
    told = sorted(line for line in lines if line.startswith("task 'leaves"))
    assert [line.split(" at ")[0] for line in told] == ["task 'leaves 0'", "task 'leaves 1'", "task 'leaves 2'"]
    assert "in session" in told[0]
    assert "in leave" in told[0]


def test_no_loop_has_no_tasks() -> None:
    assert task_lines(None) == []


async def test_thread_is_told_where_it_stands_and_an_idle_one_only_when_threads_are_joined() -> None:
    go = threading.Event()

    def stands() -> None:
        go.wait()

    busy = threading.Thread(target=stands, name="busy")
    idle = threading.Thread(target=go.wait, name="idle")
    for thread in (busy, idle):
        thread.start()
    try:
        told = [line for line in await lines_of(asyncio.get_running_loop()) if line.startswith("thread")]
        joining = await lines_of(asyncio.get_running_loop(), joining=True)
    finally:
        go.set()
    assert any(
        line.startswith(f"thread 'busy' at {HERE}")
        and line.endswith("in test_thread_is_told_where_it_stands_and_an_idle_one_only_when_threads_are_joined.<locals>.stands")
        for line in told
    )
    assert not any("'idle'" in line for line in told)
    assert "thread 'idle'" in joining


async def test_thread_of_an_executor_that_has_nothing_to_do_holds_nothing_up() -> None:
    loop = asyncio.get_running_loop()
    barrier = threading.Barrier(20)
    with ThreadPoolExecutor(20, "executor") as executor:
        await asyncio.gather(*(loop.run_in_executor(executor, barrier.wait) for _ in range(20)))
        async with asyncio.timeout(10):
            while any(line.startswith("thread 'executor") for line in await lines_of(loop, joining=True)):
                await asyncio.sleep(0)  # some have not come back from their work yet


async def test_every_thread_beside_the_main_one_is_told_that_is_in_the_users_code() -> None:
    done = threading.Event()

    def wait() -> None:
        done.wait()

    threads = [threading.Thread(target=wait, name=f"waits {number}") for number in range(3)]
    for thread in threads:
        thread.start()
    lines = await asyncio.to_thread(thread_lines)
    done.set()
    for thread in threads:
        thread.join()
        assert any(line.startswith(f"thread {thread.name!r} at {HERE}") and line.endswith("wait") for line in lines)
    assert not any("main thread" in line for line in lines)
