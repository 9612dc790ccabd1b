"""A zygote forks workers that are as spawned ones, and nothing that descends from it is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host import DEADLINE_S, FIXTURES, ROOT, gone
from synapse_otp.descendants import children
from synapse_otp.environment_mark import read_environment_mark
from synapse_otp.mark import Mark, read_mark
from zygote_host import ZygoteHost

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="subreapers and marks are Linux's")

AGENT = f"{FIXTURES}/controllable.py:agent"

LITTER = """
import os, subprocess, sys
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

agent = Agent(TestModel())
own_session = subprocess.Popen([sys.executable, "-c", "while True: pass"], env={}, start_new_session=True)
double = subprocess.run(
    ["setsid", "sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
).stdout.strip()
print(own_session.pid, double, flush=True)
"""


@pytest.fixture
def zygote() -> Iterator[Callable[..., ZygoteHost]]:
    hosts: list[ZygoteHost] = []

    def start(*preload: str, env: dict[str, str] | None = None, marks: bool = True) -> ZygoteHost:
        hosts.append(ZygoteHost(*preload, env=env, marks=marks))
        return hosts[-1]

    yield start
    for host in hosts:
        host.close()


def litter(host: ZygoteHost, worker_id: int, folder: Path) -> tuple[int, list[int]]:
    """A ready worker, and two processes that it has started outside of its session."""
    file = folder / f"litter_{worker_id}.py"
    file.write_text(LITTER)
    pid, channels = host.ready(worker_id, f"{file}:agent")
    line = b""
    while not line.endswith(b"\n"):
        line += channels["stdout"].socket.recv(1)
    return pid, [int(part) for part in line.split()]


def test_a_forked_worker_serves_leads_its_own_group_and_its_exit_is_told_with_code_or_signal(zygote: Callable[..., ZygoteHost]) -> None:
    host = zygote()
    assert host.first["type"] == "ready"
    first, channels = host.ready(1, AGENT)
    second, _ = host.ready(2, AGENT)
    assert os.getpgid(first) == os.getsid(first) == first != second
    channels["control"].send({"type": "shutdown", "graceMs": 5000})
    assert host.control.receive() == {"type": "exited", "id": 1, "pid": first, "code": 0, "signal": None}
    os.kill(second, signal.SIGKILL)
    assert host.control.receive() == {"type": "exited", "id": 2, "pid": second, "code": None, "signal": "SIGKILL"}


async def test_each_worker_and_what_it_starts_carry_the_mark_of_their_worker(zygote: Callable[..., ZygoteHost], tmp_path: Path) -> None:
    host = zygote()
    if not host.first["marked"]:
        pytest.skip("the limit of file locks is too low here")
    pid, helpers = litter(host, 1, tmp_path)
    assert [read_mark(each) for each in (pid, *helpers)] == [Mark(host.system, 1)] * 3
    assert read_mark(host.guardian.pid) == Mark(host.system, 0)
    async with asyncio.timeout(DEADLINE_S):
        while read_mark(host.first["pid"]) != Mark(host.system, 0):  # while it forks, a blank say, it carries the mark that it gives
            await asyncio.sleep(0.01)


async def test_what_a_worker_has_started_ends_with_it_and_what_others_have_started_does_not(
    zygote: Callable[..., ZygoteHost], tmp_path: Path
) -> None:
    host = zygote()
    pid, helpers = litter(host, 1, tmp_path)
    other, others = litter(host, 2, tmp_path)
    host.control.send({"type": "signal", "id": 1, "signal": "SIGKILL"})
    assert host.control.receive() == {"type": "signaled", "id": 1}
    assert host.control.receive()["signal"] == "SIGKILL"
    for each in (pid, *helpers):
        await gone(each)
    for each in (other, *others):
        os.kill(each, 0)


async def test_where_nothing_can_be_marked_what_has_its_environment_ends_with_a_worker_and_all_else_with_the_last_one(
    zygote: Callable[..., ZygoteHost], tmp_path: Path
) -> None:
    host = zygote(marks=False)
    assert host.first["marked"] is False
    pid, (emptied, inherits) = litter(host, 1, tmp_path)
    other, others = litter(host, 2, tmp_path)
    assert read_environment_mark(inherits) == Mark(host.system, 1)
    assert read_environment_mark(emptied) is None
    os.kill(pid, signal.SIGKILL)
    assert host.control.receive()["id"] == 1
    await gone(inherits)
    for each in (emptied, other, *others):
        os.kill(each, 0)
    os.kill(other, signal.SIGKILL)
    assert host.control.receive()["id"] == 2
    for each in (emptied, *others):
        await gone(each)


def test_what_a_preload_module_has_started_is_no_workers(zygote: Callable[..., ZygoteHost], tmp_path: Path) -> None:
    (tmp_path / "starts_a_helper.py").write_text(
        "import subprocess\nhelper = subprocess.Popen(['sleep', '300'])\nopen(__file__ + '.pid', 'w').write(str(helper.pid))\n"
    )
    host = zygote("starts_a_helper", env={"PYTHONPATH": str(tmp_path)})
    pid, _ = host.ready(1, AGENT)
    os.kill(pid, signal.SIGKILL)
    assert host.control.receive()["signal"] == "SIGKILL"
    os.kill(int((tmp_path / "starts_a_helper.py.pid").read_text()), 0)


@pytest.mark.parametrize("victims", ["host", "zygote", "guardian", "host and zygote", "host and guardian", "host of a stopped one"])
async def test_nothing_is_left_whoever_is_killed(zygote: Callable[..., ZygoteHost], tmp_path: Path, victims: str) -> None:
    host = zygote()
    pid, helpers = litter(host, 1, tmp_path)
    if "stopped" in victims:
        host.guardian.send_signal(signal.SIGSTOP)
    if "zygote" in victims:
        os.kill(host.first["pid"], signal.SIGKILL)
    if "guardian" in victims:
        host.guardian.kill()
    if "host" in victims:
        host.control.close()
        host.lifeline.close()
    for each in (pid, *helpers, host.first["pid"]):
        await gone(each)
    host.guardian.wait(DEADLINE_S)


async def test_the_next_guardian_ends_what_a_system_has_left_whose_guardian_and_zygote_are_gone(
    zygote: Callable[..., ZygoteHost], tmp_path: Path
) -> None:
    host = zygote()
    if not host.first["marked"]:
        pytest.skip("the limit of file locks is too low here")
    pid, helpers = litter(host, 1, tmp_path)
    for each in (host.first["pid"], host.guardian.pid):
        os.kill(each, signal.SIGSTOP)
    for each in (host.first["pid"], host.guardian.pid):
        os.kill(each, signal.SIGKILL)
    await gone(pid)
    for each in helpers:
        os.kill(each, 0)
    zygote()
    for each in helpers:
        await gone(each)


@pytest.mark.parametrize("safe_path", ["", "1"], ids=["as it is", "PYTHONSAFEPATH"])
def test_a_preload_module_on_pythonpath_that_starts_a_thread_is_named(
    zygote: Callable[..., ZygoteHost], tmp_path: Path, safe_path: str
) -> None:
    (tmp_path / "threaded.py").write_text("import threading, time\nthreading.Thread(target=time.sleep, args=(300,), daemon=True).start()\n")
    host = zygote("threaded", env={"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": safe_path})
    assert host.first["type"] == "unfit"
    assert 'preload module "threaded" started 1 thread;' in host.first["message"]


def test_a_zygote_in_a_hurry_imports_what_it_is_told_to_and_names_what_is_missing(zygote: Callable[..., ZygoteHost]) -> None:
    host = zygote("--hurried", "no_such_module")
    assert host.first["type"] == "unfit"
    assert "no_such_module" in host.first["message"]


def test_a_preload_module_that_is_missing_is_named(zygote: Callable[..., ZygoteHost]) -> None:
    host = zygote("no_such_module_here")
    assert host.first == {
        "type": "unfit",
        "message": "preload module \"no_such_module_here\" cannot be imported: ModuleNotFoundError: No module named 'no_such_module_here'",
    }


def test_a_zygote_that_sees_the_process_numbers_of_another_namespace_is_unfit() -> None:
    if subprocess.run(["unshare", "-pf", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("no new namespace of process numbers is allowed here")
    control, theirs = socket.socketpair()
    with control, theirs:
        number = theirs.fileno()
        program = ["unshare", "-pf", sys.executable, "-P", "-m", "synapse_otp.zygote", "1"]
        script = f'exec 3<&{number} 4<&{number}; exec "$@"'
        subprocess.run(["bash", "-c", script, "bash", *program], pass_fds=[number], timeout=DEADLINE_S, check=False)
        told = json.loads(control.recv(4096))
    assert told["type"] == "unfit"
    assert told["message"].startswith("/proc is missing, or of another namespace of process numbers")


def test_a_worker_that_cannot_be_started_is_refused_with_the_reason(zygote: Callable[..., ZygoteHost], tmp_path: Path) -> None:
    host = zygote()
    answer = host.fork(1, AGENT, cwd=tmp_path / "nowhere")
    assert answer["type"] == "refused"
    assert "nowhere" in answer["message"]
    host.ready(2, AGENT)


def test_the_entry_of_a_forked_worker_finds_no_event_loop_that_the_zygote_has_had(
    zygote: Callable[..., ZygoteHost], tmp_path: Path
) -> None:
    host = zygote()
    file = tmp_path / "looping.py"
    file.write_text(
        "import asyncio\nfrom pydantic_ai import Agent\nfrom pydantic_ai.models.test import TestModel\n"
        "asyncio.get_event_loop().run_until_complete(asyncio.sleep(0))\nagent = Agent(TestModel())\n"
    )
    host.ready(1, f"{file}:agent")


async def blank_of(host: ZygoteHost) -> int:
    """The process that the zygote has forked for nobody yet."""
    async with asyncio.timeout(DEADLINE_S):
        while not (found := children(host.first["pid"])):
            await asyncio.sleep(0.01)
    (blank,) = found
    return blank


async def test_a_blank_that_waits_becomes_the_next_worker_with_the_environment_and_directory_of_its_request(
    zygote: Callable[..., ZygoteHost], tmp_path: Path
) -> None:
    host = zygote()
    blank = await blank_of(host)
    file = tmp_path / "curious.py"
    file.write_text(
        "import os\nfrom pydantic_ai import Agent\nfrom pydantic_ai.models.test import TestModel\n"
        "print(os.environ['COLOUR'], os.getcwd(), os.getpid() == os.getsid(0), flush=True)\nagent = Agent(TestModel())\n"
    )
    pid, channels = host.ready(1, f"{file}:agent", COLOUR="blue")
    assert pid == blank
    assert channels["stdout"].socket.recv(200).decode() == f"blue {ROOT} True\n"
    if host.first["marked"]:
        mark = read_mark(pid)
        assert mark is not None
        assert (mark.system, mark.worker > 0) == (host.system, True)
    os.kill(pid, signal.SIGKILL)
    assert host.control.receive() == {"type": "exited", "id": 1, "pid": pid, "code": None, "signal": "SIGKILL"}


async def test_the_end_of_a_blank_is_no_workers_end_and_the_next_worker_is_forked(zygote: Callable[..., ZygoteHost]) -> None:
    host = zygote()
    blank = await blank_of(host)
    os.kill(blank, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        while blank in children(host.first["pid"]):  # as long as it has threads that go it takes an order, which is a worker's death then
            await asyncio.sleep(0.01)
    first, _ = host.ready(1, AGENT)
    assert first != blank
    os.kill(first, signal.SIGKILL)
    assert host.control.receive()["pid"] == first


async def test_a_blank_that_somebody_has_stopped_goes_on_as_the_next_worker(zygote: Callable[..., ZygoteHost]) -> None:
    host = zygote()
    blank = await blank_of(host)
    os.kill(blank, signal.SIGSTOP)
    pid, _ = host.ready(1, AGENT)
    assert pid == blank


async def test_a_request_that_is_too_large_for_a_blank_is_a_fork_of_its_own(zygote: Callable[..., ZygoteHost]) -> None:
    host = zygote()
    blank = await blank_of(host)
    pid, _ = host.ready(1, AGENT, LARGE="x" * 100_000)
    assert pid != blank
    await gone(blank)


@pytest.mark.parametrize("victim", ["host", "zygote", "guardian"])
async def test_a_blank_ends_with_the_host_the_zygote_and_the_guardian(zygote: Callable[..., ZygoteHost], victim: str) -> None:
    host = zygote()
    blank = await blank_of(host)
    if victim == "zygote":
        os.kill(host.first["pid"], signal.SIGKILL)
    elif victim == "guardian":
        host.guardian.kill()
    else:
        host.control.close()
        host.lifeline.close()
    await gone(blank)


async def test_what_a_worker_leaves_behind_is_ended_and_the_blank_beside_it_lives_on(
    zygote: Callable[..., ZygoteHost], tmp_path: Path
) -> None:
    host = zygote()
    pid, helpers = litter(host, 1, tmp_path)
    async with asyncio.timeout(DEADLINE_S):
        while not (blanks := [each for each in children(host.first["pid"]) if each not in (pid, *helpers)]):
            await asyncio.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert host.control.receive()["pid"] == pid
    for each in helpers:
        await gone(each)
    next_one, _ = host.ready(2, AGENT)
    assert [next_one] == blanks


def test_the_guardian_is_forked_off_before_anything_heavy_is_imported() -> None:
    large = "{'pydantic', 'pydantic_ai', 'grpc', 'asyncio', 'logging', 'typing', 'dataclasses', 'inspect', 'argparse', 'json'}"
    heavy = f"import sys; before = set(sys.modules); import synapse_otp.zygote; print(sorted({large} & (sys.modules.keys() - before)))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    assert done.stdout.strip() == "[]"


def test_a_blank_has_served_a_client_and_nothing_is_left_of_that() -> None:
    program = """
import os, time
from synapse_otp.rehearsal import rehearse_start

def count():
    return [len(os.listdir(f"/proc/self/{what}")) for what in ("task", "fd")]

held = count()
until = time.monotonic() + 30
for _ in range(2):
    rehearse_start()
    while count() != held and time.monotonic() < until:  # a thread that is joined has yet to leave the kernel's list
        time.sleep(0.001)
    print(held == count())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    assert (done.stdout.split(), done.stderr) == (["True", "True"], "")
