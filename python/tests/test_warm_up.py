"""What the zygote does before the first fork leaves nothing behind but warm code and a memory without holes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from host import DEADLINE_S
from synapse_otp.early_names import FILE
from synapse_otp.recording import record

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
import contextlib, sys, weakref
from synapse_otp.gathering import gather

def outer(of):
    def inner(more=2):
        return of + more
    return inner

async def never():
    pass

def remembered(): return "remembered"
kept = [remembered]

def watched(): return "watched"
watch = weakref.ref(watched)

class Base:
    def hello(self):
        return "base"

class Thing(Base):
    def method(self, *, of: int = 1) -> list[int]:
        "Lists numbers."
        return [each for each in range(outer(of)())]
    method.note = "a note"
    def hello(self):
        return super().hello() + " thing"
    again = hello
    @property
    def three(self): return 3
    @property
    def both(self): return self._both
    @both.setter
    def both(self, value): self._both = value
    @staticmethod
    def still(): return "still"
    @classmethod
    def classy(cls): return cls.__name__
    @contextlib.contextmanager
    def managed(self):
        "Manages."
        yield "managed"

module = type(sys)("another")
sys.modules["another"] = module
module.outer = outer

managed = Thing.managed.__wrapped__
functions = [outer, remembered, watched, managed, Thing.managed, vars(Thing)["three"].fget, vars(Thing)["both"].fget, Thing.still]
functions += [vars(Thing)["classy"].__func__, Thing.hello, Thing.method]
before = {name: vars(Thing)[name] for name in ("method", "hello", "again", "three", "both", "still", "classy", "managed")}
whole, codes = dict(before), [each.__code__ for each in functions]
ids = {name: id(each) for name, each in (*before.items(), ("outer", outer), ("behind", managed))}
def told(each): return each.__name__, each.__qualname__, each.__doc__, each.__kwdefaults__, each.__annotations__
old = told(Thing.method)
never_code = never.__code__
del before, whole, functions, managed
called = [id(each) for each in (*codes, *codes[0].co_consts)]
assert gather(called) >= 11
moved = sys.version_info < (3, 12)

assert outer.__code__ is not codes[0] and outer.__code__ == codes[0] and never.__code__ is never_code
assert all(outer(1).__code__ is not each for each in codes[0].co_consts)
for name in ("method", "hello", "three", "still", "classy", "managed"):
    assert (id(vars(Thing)[name]) != ids[name]) == moved, name
assert (id(outer) != ids["outer"]) == moved and module.outer is outer
assert (id(Thing.managed.__wrapped__) != ids["behind"]) == moved
assert Thing.again is Thing.hello and id(vars(Thing)["both"]) == ids["both"], "what has a setter stays"
assert kept[0] is remembered and watch() is watched, "what is referred to stays"

thing = Thing()
assert thing.method() == [0, 1, 2] and thing.method(of=2) == [0, 1, 2, 3] and Thing.method.note == "a note"
assert told(Thing.method) == old
thing.both = 2
assert (thing.three, thing.both, Thing.still(), thing.classy(), thing.hello()) == (3, 2, "still", "Thing", "base thing")
with thing.managed() as managed:
    assert managed == "managed" and Thing.managed.__wrapped__.__doc__ == Thing.managed.__doc__ == "Manages."
assert Thing.managed.__closure__[0].cell_contents is Thing.managed.__wrapped__
assert outer(3)(4) == 7 and remembered() == "remembered" and watched() == "watched"
print("gathered")
"""

HURRIED = """
import logging, tracemalloc
from synapse_otp.runner import AgentRunner
from synapse_otp.warm_up import warm_up
logging.basicConfig(level="INFO")
tracemalloc.start(3)
before = AgentRunner.stream.__code__
warm_up([], {hurried})
assert len(logging.getLogger().handlers) == 1
assert tracemalloc.get_traceback_limit() == 3
print(AgentRunner.stream.__code__ is not before)
"""

SIDE_BY_SIDE = """
import sys
from synapse_otp.gathering import gather
made = {}
for number in range(2000):
    exec(f"def function_{number}(): return {number}", made)
names = [f"function_{number}" for number in range(0, 2000, 100)]
module = type(sys)("made")
sys.modules["made"] = module
vars(module).update(made)
called = [id(made[name].__code__) for name in names]
made.clear()
gather(called)
for places in ([id(vars(module)[name]) for name in names], [id(vars(module)[name].__code__) for name in names]):
    if places[0] != id(vars(module)[names[0]]) or sys.version_info < (3, 12):
        assert max(places) - min(places) < 2 * 16384, places
assert [vars(module)[name]() for name in names] == list(range(0, 2000, 100))
print("side by side")
"""

RECORDED = """
import os, threading
from synapse_otp.recording import record
descriptors = os.listdir("/proc/self/fd")

def once(): raise AssertionError("this is another process")
def often(): pass
def last(): pass
def in_thread(): last()
def first(): global once; once = often; once()

def start():
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()

called = record(first, [often, often, start])
assert once is not often, "it was called in this process"
places = [called.index(id(each.__code__)) for each in (start, in_thread, last, often)]
assert max(places[:3]) < places[3] and id(first.__code__) not in called
assert os.listdir("/proc/self/fd") == descriptors
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("recorded")
"""

ANOTHER_ALLOCATOR = """
from synapse_otp.packing import fill_holes
print(fill_holes())
"""

HUGE = """
import re
from synapse_otp.huge_pages import use_huge_pages
kept = [bytes([number % 251]) * 4096 for number in range(8192)]
assert use_huge_pages(limit_s=0) == 0
huge = use_huge_pages()
assert all(page == bytes([number % 251]) * 4096 for number, page in enumerate(kept))
with open("/proc/self/smaps_rollup") as file:
    there = int(re.search("AnonHugePages: *([0-9]+) kB", file.read())[1]) // 2048
assert huge == 0 or there >= 8, (huge, there)
print("huge" if huge else "none")
"""


def run(program: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_S, check=False, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize(("hurried", "gathered"), [(False, True), (True, False)])
def test_functions_are_gathered_unless_workers_wait(hurried: bool, gathered: bool) -> None:
    # A site customisation that logs and traces, and a proxy that nobody answers at, are neither heard of nor in the way.
    assert run(HURRIED.format(hurried=hurried), http_proxy="http://127.0.0.1:9", no_proxy="") == str(gathered)


def test_a_rehearsal_goes_well_and_leaves_no_thread_no_grpc_object_and_no_event_loop() -> None:
    assert run(REHEARSED) == "clean"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="the pools are CPython's")
def test_what_is_made_after_the_packing_lies_side_by_side() -> None:
    assert run(PACKED) == "packed"


def test_what_c_makes_after_the_packing_comes_from_the_end_of_the_heap() -> None:
    assert run(HEAPED) == "heaped"


def test_little_is_filled_where_there_are_no_pools() -> None:
    assert int(run(ANOTHER_ALLOCATOR, PYTHONMALLOC="malloc")) < 1 << 20


def test_what_is_called_is_copied_where_nothing_else_refers_to_it_and_does_what_it_did() -> None:
    assert run(GATHERED) == "gathered"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="the pools are CPython's")
def test_copies_of_what_is_called_lie_side_by_side() -> None:
    assert run(SIDE_BY_SIDE) == "side by side"


def test_what_is_called_is_noted_in_a_child_that_leaves_nothing() -> None:
    assert run(RECORDED) == "recorded"


def test_a_child_that_fails_says_so_and_has_noted_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise LookupError("no way")

    assert record(fail, [fail]) == []
    assert "LookupError: no way" in capfd.readouterr().err


def test_the_list_of_early_names_has_those_of_a_run() -> None:
    known = set(Path(FILE).read_text().split())
    missing = (
        set(
            json.loads(
                run(
                    "import json; from early_names import names_of_runs; print(json.dumps(names_of_runs()))",
                    PYTHONPATH=str(Path(__file__).parent),
                )
            )
        )
        - known
    )
    assert len(missing) < len(known) / 10, f"python tests/early_names.py writes it anew; {len(missing)} are missing: {sorted(missing)[:20]}"


def test_memory_on_huge_pages_holds_what_it_held() -> None:
    if run(HUGE) == "none":
        pytest.skip("this kernel gives no huge pages on request (Linux 6.1 does)")
