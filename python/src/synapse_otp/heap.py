"""Runs in the zygote: fills the holes in the heap of the C library, where Python's larger objects lie, and what its modules in C make."""

from __future__ import annotations

import ctypes

__all__ = ["fill_heap"]

_LARGEST = 1 << 16
_STEPS = (*range(_LARGEST, 1024, -512), *range(1024, 8, -16))
"""Large pieces first, so that a small one finds no large hole."""


class _Usage(ctypes.Structure):
    """What glibc tells of its heap (mallinfo2(3)), in bytes."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    )


def fill_heap() -> int:
    """Takes pieces of each size for good until they come from the end of the heap, which is free.

    Returns:
        How many bytes are filled; 0 where the C library is not glibc 2.33 or later.
    """
    try:
        libc = ctypes.CDLL(None)
        usage, end_of_heap, take, give_back = libc.mallinfo2, libc.sbrk, libc.malloc, libc.free
    except (OSError, AttributeError):
        return 0
    usage.restype = _Usage
    end_of_heap.argtypes, end_of_heap.restype = [ctypes.c_ssize_t], ctypes.c_void_p
    take.argtypes, take.restype = [ctypes.c_size_t], ctypes.c_void_p
    give_back.argtypes = [ctypes.c_void_p]
    now = usage()
    free_end = end_of_heap(0) - now.keepcost
    filled = 0
    for size in _STEPS:
        while filled < now.fordblks:
            piece = take(size)
            if piece is None or not free_end - now.arena <= piece < free_end:
                give_back(piece)
                break
            filled += size
    return filled
