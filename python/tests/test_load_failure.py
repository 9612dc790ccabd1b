"""Starts that fail: one classified failure with Python's own words, and whether the next start may succeed."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from conftest import Start
from host import FIXTURES

EXAMPLE = "python/agents/example_agent.py:agent"

AGENT = """
from pydantic_ai import Agent
from synapse_otp.scripted import Say, scripted_model

agent = Agent(scripted_model(lambda turn: Say("ok")))
"""


@pytest.mark.parametrize(
    ("module", "source", "python_type", "words"),
    [
        ("grpc", 'raise ImportError("libexample.so.6: cannot open shared object file")', "ImportError", "libexample.so.6: cannot open"),
        ("pydantic_ai", "import nowhere_to_be_found", "ModuleNotFoundError", 'install what provides "nowhere_to_be_found" into'),
        ("google/protobuf", 'raise RuntimeError("Gencode 7.1 is newer than runtime 6.0")', "RuntimeError", "Gencode 7.1 is newer"),
        ("grpc", "def broken(:\n", "SyntaxError", "invalid syntax"),
        ("grpc", "raise SystemExit(3)", "SystemExit", "SystemExit: 3"),
        ("grpc", "raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
async def test_a_need_of_the_worker_that_cannot_be_imported_is_told_in_its_own_words(
    start: Start, tmp_path: Path, module: str, source: str, python_type: str, words: str
) -> None:
    for folder in [Path(module), *Path(module).parents][:-1]:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / module / "__init__.py").write_text(source)
    error = await start(EXAMPLE, env={"PYTHONPATH": str(tmp_path)}).failed()
    assert (error["kind"], error["pythonType"], error["retriable"]) == ("import_failed", python_type, False)
    assert sys.executable in error["message"]
    assert words in error["message"]
    assert f"{module}/__init__.py" in error["traceback"]


@pytest.mark.parametrize(
    ("source", "retriable"),
    [
        ("raise ValueError('no')", False),
        ("import socket; socket.create_connection(('127.0.0.1', 9), 5)", True),
        ("try:\n    raise ConnectionRefusedError('db')\nexcept OSError as error:\n    raise RuntimeError('no database') from error", True),
        ("try:\n    raise TimeoutError\nexcept OSError:\n    raise SystemExit('no database')", True),
        ("import os; os.open('/nowhere', 0)", False),
    ],
)
async def test_a_module_that_raises_because_of_the_network_may_succeed_the_next_time(
    start: Start, tmp_path: Path, source: str, *, retriable: bool
) -> None:
    (tmp_path / "mine.py").write_text(source)
    error = await start("mine.py:agent", cwd=tmp_path).failed()
    assert (error["kind"], error["retriable"]) == ("module_failed", retriable)


@pytest.mark.parametrize(
    ("raised", "retriable"),
    [
        ("RuntimeError('the tool server is down')", True),
        ("ConnectionRefusedError('the tool server is down')", True),
        ("ExceptionGroup('tools', [RuntimeError('down'), NameError('x')])", True),
        ("BaseExceptionGroup('tools', [SystemExit(1)])", True),
        ("NameError('x')", False),
        ("ExceptionGroup('tools', [TypeError('x'), AttributeError('y')])", False),
        ("UserError('no key')", False),
    ],
)
async def test_an_agent_that_cannot_be_entered_may_be_the_next_time_unless_its_code_is_wrong(
    start: Start, tmp_path: Path, raised: str, *, retriable: bool
) -> None:
    (tmp_path / "mine.py").write_text(f"""{AGENT}
from pydantic_ai.exceptions import UserError
from pydantic_ai.toolsets import FunctionToolset

class Tools(FunctionToolset):
    async def __aenter__(self):
        raise {raised}

agent = Agent("test", toolsets=[Tools()])
""")
    error = await start("mine.py:agent", cwd=tmp_path).failed()
    assert (error["kind"], error["retriable"]) == ("warmup_failed", retriable)
    assert "mine.py" in error["traceback"]


@pytest.mark.parametrize("then", ["await asyncio.sleep(0)", "pass"])
async def test_an_agent_that_cancels_the_task_that_enters_it_is_no_ready_one(start: Start, tmp_path: Path, then: str) -> None:
    (tmp_path / "mine.py").write_text(f"""{AGENT}
import asyncio
from pydantic_ai.toolsets import FunctionToolset

class Tools(FunctionToolset):
    async def __aenter__(self):
        asyncio.current_task().cancel()
        {then}
        return self

agent = Agent("test", toolsets=[Tools()])
""")
    error = await start("mine.py:agent", cwd=tmp_path).failed()
    assert (error["kind"], error["pythonType"]) == ("warmup_failed", "CancelledError")


async def test_an_agent_whose_task_group_has_failed_is_left_and_the_worker_ends_with_the_reason(start: Start, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"""{AGENT}
import asyncio
from pydantic_ai.toolsets import FunctionToolset

class Tools(FunctionToolset):
    async def __aenter__(self):
        self.group = asyncio.TaskGroup()
        await self.group.__aenter__()
        self.group.create_task(self.fail())
        return self

    async def fail(self):
        await asyncio.sleep(0.05)
        raise ValueError("the tool server is gone")

    async def __aexit__(self, *given):
        print("left", flush=True)
        await self.group.__aexit__(*given)

agent = Agent("test", toolsets=[Tools()])
""")
    worker = start("mine.py:agent", cwd=tmp_path)
    await worker.ready()
    assert await worker.exited() == 1
    said = worker.stdout.decode() + "\n".join(worker.stderr_lines)
    for words in ("left", "ValueError: the tool server is gone", "has cancelled the task that entered the agent"):
        assert words in said


async def test_a_relative_import_in_a_file_is_told_with_the_entry_that_has_a_package_and_that_one_works(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "beside.py").write_text("name = 'ok'\n")
    (tmp_path / "agents" / "mine.py").write_text(f"from .beside import name\n{AGENT}")
    error = await start("agents/mine.py:agent", cwd=tmp_path).failed()
    assert error["kind"] == "module_failed"
    found = re.search(r'name it as a module, "([^"]+)"', error["message"])
    assert found is not None
    await start(found[1], cwd=tmp_path).ready()


async def test_a_module_whose_attribute_raises_has_failed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def __getattr__(name):\n    raise ValueError(f'no {name} today')\n")
    error = await start("mine:agent", cwd=tmp_path).failed()
    assert (error["kind"], error["pythonType"]) == ("module_failed", "ValueError")
    assert "no agent today" in error["message"]


async def test_an_exception_that_cannot_be_read_is_told_by_its_type(start: Start, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd\n")
    error = await start("mine.py:agent", cwd=tmp_path).failed()
    assert "raised Odd: (its message cannot be read)" in error["message"]


async def test_a_folder_is_no_entry(start: Start) -> None:
    error = await start("python/agents:agent").failed()
    assert error["kind"] == "module_missing"
    assert "is a folder; name the file in it" in error["message"]


async def test_a_working_directory_that_is_gone_is_named(start: Start, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    worker = start(f"{FIXTURES}/controllable.py:agent", cwd=gone)
    gone.rmdir()
    error = await worker.failed()
    assert error["kind"] == "module_missing"
    assert "the working directory is gone" in error["message"]


@pytest.mark.parametrize("name", ["feature%2Ffoo", "a#b", "a?b=c", "a:b", "with space", "café", "100%", "%zz", "a;b,c@d+e"])
async def test_a_socket_is_served_at_its_path_whatever_the_path_would_mean_as_a_uri(start: Start, name: str) -> None:
    worker = start(EXAMPLE)
    await asyncio.to_thread(os.mkdir, f"{worker.folder}/{name}")
    worker.socket_path = f"{worker.folder}/{name}/s"
    await worker.ready()
    _, writer = await asyncio.open_unix_connection(worker.socket_path)
    writer.close()


async def test_a_socket_that_cannot_be_served_is_no_fault_of_the_entry(start: Start, tmp_path: Path) -> None:
    worker = start(EXAMPLE)
    worker.socket_path = str(tmp_path / "nowhere" / "s")
    error = await worker.failed()
    assert (error["kind"], error["retriable"]) == ("serve_failed", True)
    assert worker.socket_path in error["message"]
    assert "GRPC_VERBOSITY" not in error["message"]


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C", "LANG": ""},
        {"PYTHONIOENCODING": "utf-16"},
    ],
)
async def test_what_user_code_prints_is_utf_8_whatever_the_locale(start: Start, tmp_path: Path, env: dict[str, str]) -> None:
    said = "crème brûlée ✓ \\ud83d"
    (tmp_path / "mine.py").write_text(f"import sys\nprint('{said}')\nprint('{said}', file=sys.stderr)\n{AGENT}", encoding="utf-8")
    worker = start("mine.py:agent", cwd=tmp_path, env=env)
    await worker.ready()
    assert await worker.shutdown() == 0
    assert "crème brûlée ✓ \\ud83d\n".encode() in worker.stdout
    assert "crème brûlée ✓ \\ud83d" in worker.stderr_lines


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONSAFEPATH": "1"},
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONASYNCIODEBUG": "1", "PYTHONMALLOC": "debug"},
        {"PYTHONSTARTUP": "/nowhere", "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        {"PYTHONDEVMODE": "1"},
    ],
)
async def test_pythons_own_settings_do_not_keep_a_worker_from_serving(start: Start, env: dict[str, str]) -> None:
    worker = start(EXAMPLE, env=env)
    await worker.ready()
    async with worker.client() as client:
        assert (await client.run("hi")).result.endswith("hi")
    assert await worker.shutdown() == 0
