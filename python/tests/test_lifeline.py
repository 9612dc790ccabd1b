"""Nothing of a worker outlives its host, whatever it is doing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Start
from host import FIXTURES, gone


@pytest.mark.parametrize("busy", ["sleep:300", "hog:300", "gil-hog"])
async def test_worker_and_grandchild_end_when_the_host_is_killed(busy: str) -> None:
    host = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("lifeline_host.py")), busy], stdout=subprocess.PIPE, process_group=0
    )
    assert host.stdout is not None
    async with asyncio.timeout(30):
        line = await asyncio.to_thread(host.stdout.readline)
    worker, grandchild, folder = line.decode().split()
    host.kill()
    host.wait()
    host.stdout.close()
    await gone(int(worker))
    await gone(int(grandchild))
    shutil.rmtree(folder, ignore_errors=True)


async def test_worker_that_is_still_importing_ends_when_the_control_channel_closes(start: Start) -> None:
    worker = start(f"{FIXTURES}/slow_import.py:agent", env={"SLOW_IMPORT_S": "300"})
    await worker.greet()
    worker.control.close()
    assert await worker.exited() == -signal.SIGKILL


async def test_worker_ends_when_the_lifeline_closes(start: Start) -> None:
    worker = start(f"{FIXTURES}/controllable.py:agent")
    await worker.ready()
    worker.lifeline.close()
    assert await worker.exited() == -signal.SIGKILL


async def test_worker_leads_its_own_process_group(start: Start) -> None:
    worker = start(f"{FIXTURES}/controllable.py:agent")
    hello = await worker.greet()
    assert hello["pid"] == hello["pgid"] == worker.pid == os.getpgid(worker.pid)
