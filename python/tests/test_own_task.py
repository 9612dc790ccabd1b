"""A run's code in a task of its own."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from synapse_otp.own_task import in_own_task


async def test_who_cancels_its_own_task_there_cancels_the_work_alone() -> None:
    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel("mine")
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError, match="mine"):
        await in_own_task(work())
    caller = asyncio.current_task()
    assert caller is not None
    assert caller.cancelling() == 0


async def test_who_cancels_the_caller_cancels_the_work_which_may_clean_up_first() -> None:
    begun, cleaned = asyncio.Event(), False

    async def work() -> None:
        nonlocal cleaned
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned = True

    caller = asyncio.create_task(in_own_task(work()))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert cleaned


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), ValueError("its own")])
async def test_whatever_the_work_raises_is_its_callers(error: BaseException) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        await in_own_task(work())
    assert raised.value is error


async def test_work_that_is_cancelled_before_it_begins_is_closed() -> None:
    async def work() -> None:
        raise AssertionError("it has begun")

    async def call() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        await in_own_task(work())

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(call())
        gc.collect()
    assert warned == []
