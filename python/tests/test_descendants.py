"""What a process has started is found, and ended, whatever the kernel tells of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="subreapers are Linux's")

# A process of its own: it adopts, and reaps every child.
PROGRAM = """
import atexit, os, subprocess, sys
from synapse_otp import descendants
from synapse_otp.guardian import wakeup_pipe

if sys.argv[1] == "without":
    descendants._kernel_lists_children = lambda: False
assert descendants.adopt_orphans()
woken = wakeup_pipe()
atexit.register(lambda: descendants.sweep(lambda _: True, woken))
spared = subprocess.Popen(["sleep", "300"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
# One in a session of its own, whose parent is gone: it is adopted.
line = subprocess.run(["setsid", "sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $!"], capture_output=True, check=True).stdout
adopted = int(line)
parent = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 300; true"])
while not descendants.children(parent.pid):
    pass
assert sorted(descendants.children(os.getpid())) == sorted([spared.pid, adopted, parent.pid])
grandchild, = descendants.children(parent.pid)
reaped = descendants.sweep(lambda pid: pid != spared.pid, woken)
# A shell that is killed while it waits for its child takes that child's status on its way out, where the child has died before it.
assert set(reaped) | {grandchild} == {adopted, parent.pid, grandchild}, reaped
assert not os.path.exists(f"/proc/{grandchild}")
assert descendants.children(os.getpid()) == [spared.pid]
descendants.sweep(lambda _: True, woken)
assert descendants.children(os.getpid()) == []
assert descendants.children(spared.pid) == []
print("swept")
"""

# One of the two sleeps has changed its user, as far as this process can tell.
REFUSED = """
import os, subprocess, time
from synapse_otp import descendants
from synapse_otp.guardian import wakeup_pipe

assert descendants.adopt_orphans()
woken = wakeup_pipe()
refusing, other = (subprocess.Popen(["sleep", "300"]).pid for _ in range(2))
kill = os.kill

def kill_most(pid, signal):
    if pid == refusing:
        raise PermissionError
    kill(pid, signal)

os.kill = kill_most
before = time.monotonic()
try:
    assert set(descendants.sweep(lambda _: True, woken)) == {other}
    assert time.monotonic() - before < descendants._LIMIT_S
finally:
    kill(refusing, 9)
print("swept")
"""


@pytest.mark.parametrize("listing", ["with", "without"])
def test_children_of_any_session_and_theirs_are_ended_with_and_without_the_kernels_list_of_them(listing: str) -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM, listing], capture_output=True, text=True, timeout=60)
    assert result.stdout == "swept\n", result.stderr


def test_a_child_that_may_not_be_ended_holds_up_nobody() -> None:
    result = subprocess.run([sys.executable, "-c", REFUSED], capture_output=True, text=True, timeout=60)
    assert result.stdout == "swept\n", result.stderr
