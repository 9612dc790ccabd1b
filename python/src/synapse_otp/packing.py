"""Runs in the zygote: brings together what workers write to, since each first write to a page that they share makes it a page of their own.

A page is 4 KB and is copied for a few bytes. What a worker makes would lie in the holes that imports have left, all over the memory; with
the holes filled it lies on fresh pages, side by side. And a call writes to its function's code, which lies wherever its module was loaded.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType

__all__ = ["fill_holes", "gather_code"]

# CPython's allocator of small objects: blocks of one size in pools of 16 KB (Objects/obmalloc.c).
_STEP = 16
_LARGEST = 512
_POOL = 1 << 14
_POOL_HEADER = 48
_MOST_BYTES = 1 << 18
"""Of one size; where there is another allocator (PYTHONMALLOC, no GIL) that much is filled in vain, and no more."""

_BYTES_OVERHEAD = 33

_kept: list[tuple[object, ...]] = []
"""What lies in the holes."""


def fill_holes() -> int:
    """Makes objects of each size until they come from pools that were empty, and keeps those that did not.

    Returns:
        How many bytes are filled.
    """
    return sum(_fill(size) for size in range(_STEP, _LARGEST + 1, _STEP))


def gather_code(run: Callable[[], object]) -> int:
    """Puts the code of all functions that are called into one place: each call writes to it, as it counts its frames.

    Args:
        run: What is called.

    Returns:
        How many functions have got a copy of their code.
    """
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    fill_holes()
    copies: dict[CodeType, CodeType] = {}
    functions = [each for each in gc.get_objects() if type(each) is FunctionType and _runs(each.__code__, called)]
    for function in functions:
        function.__code__ = _copy(function.__code__, called, copies)
    return len(functions)


def _runs(code: CodeType, called: set[CodeType]) -> bool:
    """Whether it, or that of a function defined in it, is called."""
    return code in called or any(isinstance(each, CodeType) and _runs(each, called) for each in code.co_consts)


def _copy(code: CodeType, called: set[CodeType], copies: dict[CodeType, CodeType]) -> CodeType:
    if code not in copies:
        constants = [_copy(each, called, copies) if isinstance(each, CodeType) and _runs(each, called) else each for each in code.co_consts]
        copies[code] = code.replace(co_consts=tuple(constants))
    return copies[code]


def _fill(size: int) -> int:
    make = _maker(size)
    most = (_POOL - _POOL_HEADER) // size
    # A pool that has given more than this was empty: what the loop itself makes and drops takes a block here and there.
    enough = most * 9 // 10
    given: dict[int, list[object]] = {}
    for _ in range(_MOST_BYTES // size):
        made = make()
        of_pool = given.setdefault(id(made) // _POOL, [])
        of_pool.append(made)
        if len(of_pool) > enough:
            break
    filling = [made for of_pool in given.values() if len(of_pool) <= enough for made in of_pool]
    _kept.append(tuple(filling))
    return len(filling) * size


def _maker(size: int) -> Callable[[], object]:
    if size == 16:
        return object
    if size == 32:
        numbers = iter(range(1 << 30, 1 << 31))
        return lambda: next(numbers)
    return lambda: bytes(size - _BYTES_OVERHEAD)
