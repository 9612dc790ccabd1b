"""The limit of a worker's memory, and what is said of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Start
from synapse_otp.errors import describe_exception
from synapse_otp.load_failure import LoadFailure
from synapse_otp.memory import hint, words_of
from synapse_otp.v1 import agent_pb2 as pb

MEBI = 1024 * 1024


def test_a_memory_error_is_a_kind_of_its_own_and_says_something() -> None:
    error = describe_exception(MemoryError()).error
    assert (error.kind, error.python_type) == (pb.AGENT_ERROR_KIND_OUT_OF_MEMORY, "MemoryError")
    assert error.message == "MemoryError: no more memory could be got"
    assert words_of(MemoryError("numpy wants 8 GiB")) == "numpy wants 8 GiB"


def test_without_a_limit_nothing_is_added() -> None:
    assert hint() == ""
    assert LoadFailure("serve_failed", "it is so").as_json()["message"] == "it is so"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits it")
def test_the_limit_is_the_kernels_and_bounds_what_the_process_starts() -> None:
    program = f"""
import subprocess, sys
from synapse_otp.memory import hint, limit_memory, too_little_to_serve, words_of
limit_memory({300 * MEBI})
print(too_little_to_serve(), repr(hint()), words_of(MemoryError()))
child = subprocess.run([sys.executable, "-c", "b'x' * {400 * MEBI}"], capture_output=True, text=True)
print(child.stderr.strip().splitlines()[-1])
held = b"x" * {240 * MEBI}
print(too_little_to_serve(), hint().startswith("; memoryLimitBytes is {300 * MEBI}, of which "))
try:
    held += held
except MemoryError:
    print("refused")
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [
        f"False '' no more memory could be got; memoryLimitBytes is {300 * MEBI}",
        "MemoryError",
        "True True",
        "refused",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits it")
async def test_a_worker_is_limited_by_its_hosts_hello(start: Start) -> None:
    worker = start("python/agents/example_agent.py:agent")
    await worker.ready(memoryLimitBytes=300 * MEBI)
    assert f"Max data size             {300 * MEBI}" in limits_of(worker.pid)


def limits_of(pid: int) -> str:
    """What the kernel says of a process's limits."""
    return Path(f"/proc/{pid}/limits").read_text()
