"""How runs fail: typed errors with causes, cancellation, deadlines, draining."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import grpc
import pytest

from conftest import Start
from host import FIXTURES, Client, Failed, Worker
from synapse_otp.v1 import agent_pb2 as pb

Controllable = tuple[Worker, Client]


async def failure(call: object) -> Failed:
    with pytest.raises(Failed) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_exception_of_user_code_arrives_with_type_and_traceback(controllable: Controllable) -> None:
    _, client = controllable
    failed = await failure(client.run("raise:boom-17"))
    assert failed.error is not None
    assert (failed.code, failed.error.kind) == (grpc.StatusCode.UNKNOWN, pb.AGENT_ERROR_KIND_USER_CODE)
    assert (failed.error.python_type, failed.error.message) == ("ValueError", "ValueError: boom-17")
    assert "in act" in failed.error.traceback
    assert "site-packages" not in failed.error.traceback
    assert "Unexpected" not in failed.message


async def test_no_word_of_user_code_leaves_a_worker_that_may_not_tell_it(start: Start) -> None:
    worker = start(f"{FIXTURES}/controllable.py:agent")
    await worker.ready(tracebacks=False)
    async with worker.client() as client:
        failed = await failure(client.run("raise:secret-31"))
        streamed = await failure(client.stream("raise:secret-31", run_id="run-2"))
    assert failed.error is not None
    assert failed.error.python_type == "ValueError"
    assert failed.error.message.startswith("ValueError (what it says stays in the worker")
    in_band = streamed.chunks[-1].failed
    in_band.messages_json = b""  # the prompt of the run, which is no word of an exception
    failed.error.messages_json = b""
    line = await worker.log(event="run.failed", run_id="run-2")
    assert "secret-31" not in f"{failed.error}{failed.message}{in_band}{streamed.message}{line}"


async def test_no_word_of_a_module_that_cannot_be_imported_leaves_a_worker_that_may_not_tell_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text('raise ValueError("secret-32")\n')
    worker = start(f"{tmp_path}/broken.py:agent")
    await worker.greet(tracebacks=False)
    error = (await worker.receive())["error"]
    assert (error["kind"], error["pythonType"]) == ("module_failed", "ValueError")
    assert error["message"].endswith('broken.py:agent" raised ValueError while it was imported; python.tracebacks shows where')
    assert "traceback" not in error
    assert "secret-32" not in f"{error}{worker.stderr_lines}"


async def test_nor_do_the_words_of_an_exception_of_the_module_of_the_dependencies(start: Start, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text('raise ValueError("secret-34")')
    worker = start(f"{FIXTURES}/controllable.py:agent", env={"SYNAPSE_AGENT_DEPS": f"{tmp_path}/broken.py:make_deps"})
    await worker.greet(tracebacks=False)
    error = (await worker.receive())["error"]
    assert (error["kind"], error["pythonType"]) == ("module_failed", "ValueError")
    assert error["message"].startswith("deps ")
    assert error["message"].endswith('broken.py:make_deps" raised ValueError while it was imported; python.tracebacks shows where')
    assert "secret-34" not in f"{error}{worker.stderr_lines}"


async def test_no_word_of_an_exception_that_says_something_else_each_time_leaves_a_worker_that_may_not_tell_it(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "fickle.py").write_text("""
import itertools

class Fickle(Exception):
    times = itertools.count()

    def __str__(self):
        return f"secret-33-{next(self.times)}"

raise Fickle
""")
    worker = start(f"{tmp_path}/fickle.py:agent")
    await worker.greet(tracebacks=False)
    error = (await worker.receive())["error"]
    assert error["message"].endswith('fickle.py:agent" raised Fickle while it was imported; python.tracebacks shows where')
    assert "secret-33" not in f"{error}{worker.stderr_lines}"


async def test_failed_stream_ends_with_one_failed_event_and_the_status(controllable: Controllable) -> None:
    _, client = controllable
    failed = await failure(client.stream("raise:boom-18"))
    assert [chunk.WhichOneof("event") for chunk in failed.chunks] == ["started", "failed"]
    in_band = failed.chunks[-1].failed
    assert in_band.message == "ValueError: boom-18"
    assert [message["kind"] for message in json.loads(in_band.messages_json)][:1] == ["request"]
    assert in_band.HasField("usage")
    assert failed.code is grpc.StatusCode.UNKNOWN


async def test_exhausted_output_retries_carry_their_cause(controllable: Controllable) -> None:
    _, client = controllable
    failed = await failure(client.run("model-retry"))
    assert failed.error is not None
    assert (failed.code, failed.error.kind) == (grpc.StatusCode.ABORTED, pb.AGENT_ERROR_KIND_OUTPUT_VALIDATION)
    assert failed.error.python_type == "pydantic_ai.exceptions.UnexpectedModelBehavior"
    assert failed.error.retriable
    assert [cause.kind for cause in failed.error.causes] == [pb.AGENT_ERROR_KIND_MODEL_RETRY]
    assert "never good enough" in failed.error.causes[0].message
    assert failed.error.usage.requests == 2


async def test_usage_limit_names_the_limit(controllable: Controllable) -> None:
    _, client = controllable
    for call in (client.run("usage-limit"), client.run("tool:x", usage_limits=pb.UsageLimits(request_limit=1), run_id="run-2")):
        failed = await failure(call)
        assert failed.error is not None
        assert (failed.code, failed.error.kind) == (grpc.StatusCode.RESOURCE_EXHAUSTED, pb.AGENT_ERROR_KIND_USAGE_LIMIT_EXCEEDED)
        assert failed.error.limit_name == "request_limit"


@pytest.mark.parametrize("streamed", [False, True])
async def test_sys_exit_of_user_code_fails_the_run_and_not_the_worker(controllable: Controllable, *, streamed: bool) -> None:
    _, client = controllable
    failed = await failure(client.stream("sys-exit:3") if streamed else client.run("sys-exit:3"))
    assert failed.error is not None
    assert failed.error.python_type == "SystemExit"
    assert (await client.run("echo:alive", run_id="run-2")).result == "alive"


@pytest.mark.parametrize("streamed", [False, True])
async def test_user_code_that_cancels_its_own_task_ends_its_run_and_not_the_call(controllable: Controllable, *, streamed: bool) -> None:
    _, client = controllable
    if streamed:
        cancelled = (await client.stream("cancel-self:enough"))[-1].cancelled
        assert cancelled.reason == "enough"
    else:
        failed = await failure(client.run("cancel-self:enough"))
        assert failed.error is not None
        assert (failed.error.kind, failed.error.message) == (pb.AGENT_ERROR_KIND_CANCELLED, "enough")
    assert (await client.run("echo:alive", run_id="run-2")).result == "alive"


async def test_bad_history_is_an_invalid_argument_with_issues(controllable: Controllable) -> None:
    _, client = controllable
    failed = await failure(client.run("echo:x", message_history_json=b'[{"kind":"nonsense"}]'))
    assert failed.error is not None
    assert (failed.code, failed.error.kind) == (grpc.StatusCode.INVALID_ARGUMENT, pb.AGENT_ERROR_KIND_VALIDATION)
    assert "message_history_json" in failed.error.message
    assert failed.error.causes[0].issues


async def test_unknown_model_and_missing_package_say_what_to_do(controllable: Controllable) -> None:
    _, client = controllable
    unknown = await failure(client.run("echo:x", model="nobody:nothing"))
    missing = await failure(client.run("echo:x", model="groq:llama"))
    assert unknown.error is not None
    assert missing.error is not None
    assert (unknown.code, unknown.error.kind) == (grpc.StatusCode.INVALID_ARGUMENT, pb.AGENT_ERROR_KIND_USER_ERROR)
    assert missing.error.kind == pb.AGENT_ERROR_KIND_USER_ERROR
    assert 'pip install "pydantic-ai-slim[groq]"' in missing.error.message


async def test_run_meant_for_another_incarnation_is_refused(controllable: Controllable) -> None:
    _, client = controllable
    failed = await failure(client.run("echo:x", incarnation=2))
    assert failed.code is grpc.StatusCode.FAILED_PRECONDITION
    assert (await client.run("echo:x", incarnation=1)).incarnation == 1


@pytest.mark.parametrize("prompt", ["raise:" + "long " * 20_000, "raise:" + "\u4e2d" * 5000, "model-retry"])
async def test_trailer_stays_below_4_kib(controllable: Controllable, prompt: str) -> None:
    _, client = controllable
    failed = await failure(client.run(prompt))
    assert failed.error is not None
    assert failed.trailer_bytes < 4096
    assert failed.error.truncated


@pytest.mark.parametrize("prompt", ["sleep:300", "stream:1000:50"])
async def test_cancelled_call_cancels_the_run(controllable: Controllable, prompt: str) -> None:
    worker, client = controllable
    run_id = f"run-{prompt}"
    call = client.open_stream(prompt, run_id=run_id)
    assert (await call.read()).HasField("started")
    await worker.log(msg=f"handler started: {prompt}", run_id=run_id)
    call.cancel()
    line = await worker.log(event="run.cancelled", run_id=run_id)
    assert (line["reason"], line["level"]) == ("cancelled", "info")
    assert (await worker.log(msg=f"handler cancelled: {prompt}", run_id=run_id))["prompt"] == prompt
    assert (await client.run("echo:next", run_id="run-2")).result == "next"


async def test_deadline_of_the_call_cancels_the_run(controllable: Controllable) -> None:
    worker, client = controllable
    failed = await failure(client.run("sleep:300", timeout=0.2, run_id="run-d"))
    assert failed.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert (await worker.log(event="run.cancelled", run_id="run-d"))["reason"] == "deadline"


async def test_absolute_deadline_ends_the_run_with_a_typed_error(controllable: Controllable) -> None:
    worker, client = controllable
    soon_ms = int(time.time() * 1000) + 200
    failed = await failure(client.stream("sleep:300", deadline_unix_ms=soon_ms, run_id="run-e"))
    assert (failed.code, failed.chunks[-1].failed.kind) == (grpc.StatusCode.DEADLINE_EXCEEDED, pb.AGENT_ERROR_KIND_DEADLINE)
    assert (await worker.log(event="run.cancelled", run_id="run-e"))["reason"] == "deadline"


async def test_shutdown_lets_running_runs_end_and_refuses_new_ones(mortal: Controllable) -> None:
    worker, client = mortal
    running = asyncio.create_task(client.run("sleep:0.8", run_id="run-old"))
    await worker.log(event="run.started", run_id="run-old")
    await worker.send({"type": "shutdown", "graceMs": 5000})
    refused: Failed | None = None
    async with asyncio.timeout(5):
        while refused is None:  # the message and the call race
            try:
                await client.run("echo:new", run_id="run-new")
            except Failed as failed:
                refused = failed
    assert refused.error is not None
    assert (refused.code, refused.error.kind) == (grpc.StatusCode.UNAVAILABLE, pb.AGENT_ERROR_KIND_DRAINING)
    assert refused.error.retriable
    assert (await running).result == "slept 0.8 s"
    assert await worker.exited() == 0


async def test_run_that_outlives_the_grace_is_interrupted(mortal: Controllable) -> None:
    worker, client = mortal
    running = asyncio.create_task(failure(client.run("sleep:300", run_id="run-long")))
    await worker.log(event="run.started", run_id="run-long")
    assert await worker.shutdown(grace_ms=500) == 0
    failed = await running
    assert failed.error is not None
    assert (failed.code, failed.error.kind) == (grpc.StatusCode.UNAVAILABLE, pb.AGENT_ERROR_KIND_INTERRUPTED)


async def test_blocked_event_loop_cannot_hold_up_the_end_of_the_grace(mortal: Controllable) -> None:
    worker, client = mortal
    running = asyncio.create_task(client.run("hog:300", run_id="run-hog"))
    await worker.log(event="run.started", run_id="run-hog")
    await worker.send({"type": "shutdown", "graceMs": 300})
    worker.control.close()  # the host is gone; only the reader's thread can see it
    assert await worker.exited() != 0
    with pytest.raises(Failed):
        await running
