"""Runs in the zygote: fills the holes that imports have left in the interpreter's memory.

What a worker makes would lie in these holes, all over the memory that it shares with the zygote, and each first write to a page there is a
page of its own: copied, 4 KB for a few bytes. Without holes it lies on fresh pages, side by side.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["fill_holes"]

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
