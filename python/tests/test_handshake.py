"""The control channel: hello, ready, failed, shutdown."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from typing import Any

import pytest

from conftest import Start
from host import FIXTURES, ROOT


async def test_ready_tells_what_the_worker_is(start: Start) -> None:
    worker = start("python/agents/example_agent.py:agent")
    hello = await worker.greet()
    assert hello == {
        "type": "hello",
        "framework": 1,
        "pid": worker.pid,
        "pgid": worker.pid,
        "python": platform.python_version(),
    }
    ready = await worker.receive()
    assert ready["type"] == "ready"
    assert (ready["framework"], ready["contract"], ready["pid"]) == (1, 1, worker.pid)
    assert ready["socketPath"] == worker.socket_path
    assert (ready["agentName"], ready["modelName"], ready["answersText"]) == ("example", "scripted", True)
    assert set(ready["versions"]) == {"synapse_otp", "pydantic_ai", "grpcio", "python"}
    assert ready["timingsMs"]["total"] > 0


async def test_entry_can_be_a_module(start: Start) -> None:
    worker = start("python.agents.example_agent:agent")
    assert (await worker.ready())["agentName"] == "example"


async def test_environment_chooses_the_model_of_runs(start: Start) -> None:
    worker = start("python/agents/example_agent.py:agent", env={"SYNAPSE_PYTHON_AGENT_MODEL": "test"})
    assert (await worker.ready())["modelName"] == "test"
    async with worker.client() as client:
        answer = await client.run("hello")
        assert (answer.result, answer.model_name) == ("success (no tool calls)", "test")


@pytest.mark.parametrize(
    ("entry", "kind", "python_type", "words"),
    [
        ("nowhere/missing.py:agent", "module_missing", None, ["nowhere/missing.py", "there is no file"]),
        ("no_such_package.mod:agent", "module_missing", "ModuleNotFoundError", ['no module "no_such_package"']),
        (f"{FIXTURES}/broken_import.py:agent", "module_failed", "ModuleNotFoundError", ["a_package_that_is_not_installed", "install"]),
        (f"{FIXTURES}/raises.py:agent", "module_failed", "ValueError", ["broken on purpose"]),
        (f"{FIXTURES}/exits.py:agent", "module_failed", "SystemExit", ["must not end the process"]),
        (f"{FIXTURES}/no_agent.py:agent", "not_an_agent", None, ["of type dict", '"real_agent"']),
        (f"{FIXTURES}/no_agent.py:nobody", "attribute_missing", None, ['no attribute "nobody"', '"real_agent"']),
        (f"{FIXTURES}/no_agent.py", "attribute_missing", None, ["names no attribute"]),
    ],
)
async def test_entry_that_cannot_be_loaded_is_told_and_the_worker_exits_1(
    start: Start, entry: str, kind: str, python_type: str | None, words: list[str]
) -> None:
    error = await start(entry).failed()
    assert error["kind"] == kind
    assert error.get("pythonType") == python_type
    assert f'"{entry}"' in error["message"]
    for word in words:
        assert word in error["message"]


async def test_traceback_of_a_load_failure_has_the_users_frames_only(start: Start) -> None:
    error = await start(f"{FIXTURES}/raises.py:agent").failed()
    assert "raises.py" in error["traceback"]
    assert "in prepare" in error["traceback"]
    assert "synapse_otp" not in error["traceback"]
    assert "importlib" not in error["traceback"]


@pytest.mark.parametrize("overrides", [{"framework": 2}, {"contract": 99}, {"token": None}, {"incarnation": "1"}, {"hostPid": 1}])
async def test_host_of_another_version_is_refused(start: Start, overrides: dict[str, Any]) -> None:
    worker = start("python/agents/example_agent.py:agent")
    await worker.greet(**overrides)
    message = await worker.receive()
    assert message["type"] == "failed"
    assert message["error"]["kind"] == "protocol_mismatch"
    assert (next(iter(overrides)) if "hostPid" not in overrides else "says that it is process 1, and is process") in message["error"][
        "message"
    ]
    assert await worker.exited() == 1


async def test_prints_at_import_do_not_disturb_the_handshake(start: Start) -> None:
    worker = start(f"{FIXTURES}/prints.py:agent")
    await worker.ready()
    assert await worker.shutdown() == 0
    assert worker.stdout.count(b"x") == 1024 * 1023


async def test_garbage_and_unknown_messages_of_the_host_are_ignored(start: Start) -> None:
    worker = start(f"{FIXTURES}/controllable.py:agent")
    await worker.ready()
    await worker.send({"type": "something-new"})
    await worker.log(msg="unknown message 'something-new' of the host is ignored")
    assert await worker.shutdown() == 0


async def test_a_worker_tells_the_files_that_it_has_imported_below_its_working_directory(start: Start) -> None:
    worker = start(f"{FIXTURES}/controllable.py:agent")
    await worker.ready()
    await worker.send({"type": "imports"})
    answer = await worker.receive()
    assert answer["type"] == "imports"
    assert str(ROOT / FIXTURES / "controllable.py") in answer["files"]
    assert not [path for path in answer["files"] if "site-packages" in path]
    assert await worker.shutdown() == 0


async def test_sigterm_shuts_down_with_exit_code_0(start: Start) -> None:
    worker = start(f"{FIXTURES}/controllable.py:agent")
    await worker.ready()
    os.kill(worker.pid, signal.SIGTERM)
    assert await worker.exited() == 0


async def test_shutdown_while_importing_exits_0_at_once(start: Start) -> None:
    worker = start(f"{FIXTURES}/slow_import.py:agent", env={"SLOW_IMPORT_S": "300"})
    await worker.greet()
    assert await worker.shutdown() == 0


def test_start_by_hand_says_who_starts_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "synapse_otp", "--entry", "x:agent"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "startSystem" in done.stderr
    assert len(done.stderr.splitlines()) == 1
