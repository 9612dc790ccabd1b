"""Runs in the zygote: brings together what workers write to, since each first write to a page that they share makes it a page of their own.

A page is 4 KB and is copied for a few bytes. What a worker makes would lie in the holes that imports have left, all over the memory; with
the holes filled it lies on fresh pages, side by side.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["fill_holes"]

# CPython's allocator of small objects: blocks of one size in pools of 16 KB (Objects/obmalloc.c).
_STEP = 16
_LARGEST = 512
_POOL = 1 << 14
_POOL_HEADER = 48
_MOST_BYTES = 1 << 20
"""Of one size. Where there is another allocator (PYTHONMALLOC, no GIL), there are no pools and little is filled."""

_BYTES_OVERHEAD = 33

_kept: list[list[object]] = []
"""What lies in the holes."""


def fill_holes() -> int:
    """Makes objects of each size until they fill a pool that was empty, and keeps those before.

    Returns:
        How many bytes are filled.
    """
    return sum(_fill(size) for size in range(_STEP, _LARGEST + 1, _STEP))


def _fill(size: int) -> int:
    make = _maker(size)
    # What the loop itself makes and drops takes a block here and there.
    enough = (_POOL - _POOL_HEADER) // size - 4
    filling: list[object] = [None] * (_MOST_BYTES // size)  # one that grows would leave holes of its own
    count = of_pool = last = 0
    while count < len(filling) and of_pool < enough:
        filling[count] = made = make()
        count += 1
        pool = id(made) // _POOL
        of_pool = of_pool + 1 if pool == last else 1
        last = pool
    del filling[count - of_pool if of_pool >= enough else 0 :]
    _kept.append(filling)
    return len(filling) * size


def _maker(size: int) -> Callable[[], object]:
    if size == 16:
        return object
    if size == 32:
        numbers = iter(range(1 << 30, 1 << 31))
        return lambda: next(numbers)
    return lambda: bytes(size - _BYTES_OVERHEAD)
