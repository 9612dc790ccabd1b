"""Snapshots of structured output are told in time, in order, and not after the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from synapse_otp.events import Chunks
from synapse_otp.runner import AgentRunner, Progress
from synapse_otp.v1 import agent_pb2 as pb

REQUEST = pb.RunRequest(prompt="p", stream=pb.StreamOptions(partial_output=True))


def pausing_agent(pause: asyncio.Event) -> Agent[None, list[int]]:
    async def answer(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[DeltaToolCalls]:
        yield {0: DeltaToolCall(name="final_result", json_args='{"response": [1')}
        yield {0: DeltaToolCall(json_args=", 2, 3")}
        await pause.wait()
        yield {0: DeltaToolCall(json_args=", 4]}")}

    return Agent(FunctionModel(stream_function=answer), output_type=list[int])


async def test_a_model_that_pauses_leaves_no_snapshot_behind() -> None:
    pause = asyncio.Event()
    told: list[object] = []

    async def write(chunk: pb.RunResponseChunk) -> None:
        if chunk.HasField("partial_output_json"):
            told.append(json.loads(chunk.partial_output_json))
            if told[-1] == [1, 2, 3]:
                pause.set()

    async with asyncio.timeout(20):
        await AgentRunner(pausing_agent(pause), 1).stream(REQUEST, Chunks("r", 1), Progress(), write)
    assert told[-2:] == [[1, 2, 3], [1, 2, 3, 4]]


async def test_a_snapshot_that_is_being_told_is_told_before_the_next_event() -> None:
    pause = asyncio.Event()
    writing = 0
    kinds: list[str | None] = []

    async def write(chunk: pb.RunResponseChunk) -> None:
        nonlocal writing
        assert writing == 0
        writing += 1
        if chunk.HasField("partial_output_json") and json.loads(chunk.partial_output_json) == [1, 2, 3]:
            pause.set()
        for _ in range(20):  # the model goes on meanwhile
            await asyncio.sleep(0)
        kinds.append(chunk.WhichOneof("event"))
        writing -= 1

    async with asyncio.timeout(20):
        chunks = Chunks("r", 1)
        await AgentRunner(pausing_agent(pause), 1).stream(REQUEST, chunks, Progress(), write)
    assert kinds.count("partial_output_json") >= 2


async def test_a_run_that_is_cancelled_while_its_model_pauses_tells_nothing_more() -> None:
    told = asyncio.Event()
    count = 0

    async def write(chunk: pb.RunResponseChunk) -> None:
        nonlocal count
        count += 1
        if chunk.HasField("partial_output_json") and json.loads(chunk.partial_output_json) == [1, 2, 3]:
            told.set()
            await asyncio.Event().wait()

    runner = AgentRunner(pausing_agent(asyncio.Event()), 1)
    run = asyncio.create_task(runner.stream(REQUEST, Chunks("r", 1), Progress(), write))
    async with asyncio.timeout(20):
        await told.wait()
        before = count
        run.cancel()
        await asyncio.wait([run])
    assert run.cancelled()
    assert count == before
    assert asyncio.all_tasks() == {asyncio.current_task()}
