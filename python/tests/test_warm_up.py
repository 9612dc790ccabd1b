"""What the zygote does before the first fork leaves nothing behind but warm code and a memory without holes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from host import DEADLINE_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="zygotes are Linux's")

REHEARSED = """
import asyncio, gc, os, sys, warnings
from synapse_otp.rehearsal import rehearse
from synapse_otp.warm_up import warm_up
rehearse()
warm_up([])
assert os.listdir("/proc/self/task") == [str(os.getpid())], "a thread was left"
import grpc
cython = ("Server", "_AioCall", "AioServer", "AioChannel", "Channel", "PollerCompletionQueue")
left = [type(each).__name__ for each in gc.get_objects() if type(each).__module__.startswith("grpc._cython")]
assert not set(left) & set(cython), left
warnings.simplefilter("ignore")
asyncio.get_event_loop().close()
print("clean")
"""

PACKED = """
from synapse_otp.packing import fill_holes
# Every other one goes: half of each of these pools is holes.
mixed = [bytes(100) for _ in range(4000)]
del mixed[::2]
filled = fill_holes()
assert filled >= 2000 * 133, filled
made = [bytes(100) for _ in range(100)]
places = [id(each) for each in made]
assert max(places) - min(places) < 2 * 16384, places
print("packed")
"""

HEAPED = """
import ctypes, sys
from synapse_otp.heap import fill_heap
libc = ctypes.CDLL(None)
if not hasattr(libc, "mallinfo2"):
    print("heaped")
    sys.exit()
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
pieces = [libc.malloc(3000) for _ in range(2000)]
for piece in pieces[::2]:
    libc.free(piece)
assert fill_heap() > 1000 * 3000
made = [libc.malloc(3000) for _ in range(10)]
assert min(made) > max(pieces), "a hole was left"
print("heaped")
"""

GATHERED = """
from synapse_otp.packing import gather_code

def outer(of):
    def inner(more=2):
        return of + more
    return inner

async def never():
    pass

class Thing:
    def method(self):
        return [each for each in range(outer(1)())]

before = {each: each.__code__ for each in (outer, never, Thing.method)}
assert gather_code(lambda: Thing().method()) >= 2
assert outer.__code__ is not before[outer] and Thing.method.__code__ is not before[Thing.method]
assert never.__code__ is before[never]
assert outer.__code__ == before[outer] and Thing.method.__code__ == before[Thing.method]
assert Thing().method() == [0, 1, 2] and outer(3)(4) == 7
assert all(outer(1).__code__ is not each for each in before[outer].co_consts)
print("gathered")
"""

HUGE = """
import re
from synapse_otp.huge_pages import use_huge_pages
kept = [bytes([number % 251]) * 4096 for number in range(8192)]
huge = use_huge_pages()
assert all(page == bytes([number % 251]) * 4096 for number, page in enumerate(kept))
with open("/proc/self/smaps_rollup") as file:
    there = int(re.search("AnonHugePages: *([0-9]+) kB", file.read())[1]) // 2048
assert huge == 0 or there >= 8, (huge, there)
print("huge" if huge else "none")
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_rehearsal_goes_well_and_leaves_no_thread_no_grpc_object_and_no_event_loop() -> None:
    assert run(REHEARSED) == "clean"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="the pools are CPython's")
def test_what_is_made_after_the_packing_lies_side_by_side() -> None:
    assert run(PACKED) == "packed"


def test_what_c_makes_after_the_packing_comes_from_the_end_of_the_heap() -> None:
    assert run(HEAPED) == "heaped"


def test_the_code_of_what_is_called_is_copied_and_does_what_it_did() -> None:
    assert run(GATHERED) == "gathered"


def test_memory_on_huge_pages_holds_what_it_held() -> None:
    if run(HUGE) == "none":
        pytest.skip("this kernel gives no huge pages on request (Linux 6.1 does)")
