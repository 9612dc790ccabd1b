"""Runs over the wire: unary, streamed, structured, with tools; sizes, concurrency, identity."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from conftest import Start
from host import Client, Failed, Worker
from synapse_otp.v1 import agent_pb2 as pb

Controllable = tuple[Worker, Client]


async def test_run_answers_with_output_usage_and_messages(controllable: Controllable) -> None:
    _, client = controllable
    answer = await client.run("echo:hello", conversation_id="conv-1")
    assert (answer.result, json.loads(answer.output_json), answer.kind) == ("hello", "hello", pb.OUTPUT_KIND_TEXT)
    assert (answer.run_id, answer.conversation_id, answer.attempts, answer.incarnation) == ("run-1", "conv-1", 1, 1)
    assert answer.usage.total_tokens == answer.usage.request_tokens + answer.usage.response_tokens > 0
    assert [message["kind"] for message in json.loads(answer.new_messages_json)] == ["request", "response"]
    assert json.loads(answer.new_messages_json)[0]["run_id"] == "run-1:1"


async def test_history_of_one_run_is_carried_into_the_next(controllable: Controllable) -> None:
    _, client = controllable
    first = await client.run("echo:one")
    second = await client.run("echo:two", run_id="run-2", message_history_json=first.new_messages_json)
    assert len(json.loads(second.new_messages_json)) == 2
    assert second.conversation_id == first.conversation_id
    assert second.usage.request_tokens > first.usage.request_tokens


async def test_stream_is_numbered_and_ends_with_completed(controllable: Controllable) -> None:
    _, client = controllable
    chunks = await client.stream("stream:5:1")
    assert [chunk.seq for chunk in chunks] == list(range(1, len(chunks) + 1))
    told = [str(chunk.WhichOneof("event")) for chunk in chunks]
    assert (told[:2], told[-2:]) == (["started", "part_start"], ["part_end", "completed"])
    assert set(told[2:-2]) == {"text_delta", "pydantic_event"}
    assert [chunk.pydantic_event.kind for chunk in chunks if chunk.HasField("pydantic_event")] == ["final_result"]
    assert "".join(chunk.data for chunk in chunks) == "word1 word2 word3 word4 word5 "
    assert chunks[-1].completed.result == "word1 word2 word3 word4 word5 "
    assert {(chunk.run_id, chunk.attempt) for chunk in chunks} == {("run-1", 1)}


async def test_tool_calls_and_results_are_events(start: Start) -> None:
    worker = start("python/agents/tool_agent.py:agent", env={"SYNAPSE_SCRIPTED_DELAY_MS": "0"})
    await worker.ready()
    async with worker.client() as client:
        chunks = await client.stream("How is Lima?")
        described = await client.describe()
    calls = [chunk.tool_call for chunk in chunks if chunk.HasField("tool_call")]
    results = {chunk.tool_result.tool_name: chunk.tool_result for chunk in chunks if chunk.HasField("tool_result")}
    assert [(call.tool_name, call.args_valid) for call in calls] == [("temperature_in", True), ("clothes_for", True)]
    assert json.loads(calls[0].args_json) == {"city": "Lima"}
    assert json.loads(results["temperature_in"].content_json) == 21
    assert results["clothes_for"].outcome == pb.TOOL_OUTCOME_SUCCESS
    assert chunks[-1].completed.result == "It is 21 degrees in Lima; wear a shirt."
    assert chunks[-1].step == 2
    assert [tool.name for tool in described.tools] == ["clothes_for", "temperature_in"]


async def test_structured_output_grows_in_snapshots(start: Start) -> None:
    worker = start("python/agents/city_agent.py:agent", env={"SYNAPSE_SCRIPTED_DELAY_MS": "2"})
    await worker.ready()
    async with worker.client() as client:
        options = pb.StreamOptions(partial_output=True, partial_output_debounce_ms=1)
        chunks = await client.stream("Tell me of Kyoto", stream=options)
        without = await client.stream("Tell me of Kyoto", run_id="run-2")
        unary = await client.run("Tell me of Kyoto", run_id="run-3")
        described = await client.describe()
    snapshots = [json.loads(chunk.partial_output_json) for chunk in chunks if chunk.HasField("partial_output_json")]
    whole = {"name": "Kyoto", "country": "Japan", "population": 1_464_000, "sights": ["Fushimi Inari", "Kinkaku-ji", "Gion"]}
    assert len(snapshots) > 3
    assert snapshots[-1] == whole
    assert all(len(a["sights"]) <= len(b["sights"]) for a, b in itertools.pairwise(snapshots))
    assert chunks[-1].completed.kind == pb.OUTPUT_KIND_STRUCTURED
    assert json.loads(chunks[-1].completed.output_json) == json.loads(unary.output_json) == json.loads(unary.result) == whole
    assert not [chunk for chunk in without if chunk.HasField("partial_output_json")]
    assert json.loads(described.output_schema_json)["title"] == "City"
    assert len(described.schema_hash) == 64


async def test_fifty_concurrent_runs_do_not_mix(controllable: Controllable) -> None:
    _, client = controllable
    answers = await asyncio.gather(*(client.run(f"echo:{n}", run_id=f"run-{n}") for n in range(50)))
    assert [answer.result for answer in answers] == [str(n) for n in range(50)]
    assert [answer.run_id for answer in answers] == [f"run-{n}" for n in range(50)]
    assert len({answer.conversation_id for answer in answers}) == 50


async def test_model_of_the_request_goes_before_the_agents(controllable: Controllable) -> None:
    _, client = controllable
    assert (await client.run("echo:hello", model="test")).model_name == "test"


@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_call_without_the_token_is_refused(controllable: Controllable, token: str) -> None:
    worker, _ = controllable
    async with worker.client(token) as client:
        calls: list[Any] = [client.run("echo:x"), client.stream("echo:x")]
        for call in calls:
            with pytest.raises(Failed) as caught:
                await call
            assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
        health = health_pb2_grpc.HealthStub(client.channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health.Check(health_pb2.HealthCheckRequest())
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("service", ["", "synapse_otp.v1.AgentService"])
async def test_ready_worker_is_healthy(controllable: Controllable, service: str) -> None:
    _, client = controllable
    health = health_pb2_grpc.HealthStub(client.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service=service), metadata=client.metadata)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_oversized_messages_are_refused_both_ways_and_the_worker_lives(controllable: Controllable) -> None:
    _, client = controllable
    for call in (client.run("echo:" + "x" * 2_000_000), client.run("big:2000000"), client.stream("big:700000")):
        with pytest.raises(Failed, match="larger than max") as caught:
            await call
        assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await client.run("echo:still here")).result == "still here"


async def test_prints_of_a_run_stay_out_of_the_protocol(mortal: Controllable) -> None:
    worker, client = mortal
    assert (await client.run('print:{"type":"ready"}')).result == "printed"
    assert (await client.run("stderr:plain words", run_id="run-2")).result == "written"
    assert await worker.shutdown() == 0
    assert worker.stdout == b'{"type":"ready"}\n'
    assert "plain words" in worker.stderr_lines


async def test_log_lines_carry_agent_incarnation_and_run(controllable: Controllable) -> None:
    worker, client = controllable
    await client.run("echo:x", run_id="run-77")
    line = await worker.log(event="run.completed", run_id="run-77")
    assert (line["agent_id"], line["incarnation"], line["level"]) == ("test-agent", 1, "debug")
    assert isinstance(line["ts"], int)
