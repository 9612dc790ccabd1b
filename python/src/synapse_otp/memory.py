"""Runs in the worker: how much memory it may have.

The limit is the kernel's `RLIMIT_DATA`: what the process has reserved for itself alone and may write to, so its heap, anonymous mappings
and the stacks of threads, touched or not. `RLIMIT_AS` would count every library and every address range that was never used: ten times
what a worker has in memory when it starts.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["hint", "limit_memory", "too_little_to_serve", "words_of"]

_SERVING_BYTES = 80 * 1024 * 1024
"""What a server reserves beside what is loaded: the stacks of gRPC's threads, for the most part."""

_limit_bytes = 0


def limit_memory(limit_bytes: int) -> None:
    """Limits this process, and each one that it starts. What is over the limit raises `MemoryError` in Python.

    Args:
        limit_bytes: 0: no limit. Elsewhere than on Linux nothing is limited; the host refuses it there.
    """
    global _limit_bytes
    if limit_bytes <= 0 or sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    _limit_bytes = limit


def words_of(error: MemoryError) -> str:
    """What a `MemoryError` says, which is nothing as a rule, and the limit where there is one."""
    said = str(error) or "no more memory could be got"
    return f"{said}; memoryLimitBytes is {_limit_bytes}" if _limit_bytes > 0 else said


def too_little_to_serve() -> bool:
    """Whether what is loaded leaves too little for a server. gRPC would end the process."""
    return _limit_bytes > 0 and _reserved_bytes() + _SERVING_BYTES > _limit_bytes


def hint() -> str:
    """What to add to the message of a start that has failed: the limit, where it may be why. A library without memory blames another."""
    if not too_little_to_serve():
        return ""
    return f"; memoryLimitBytes is {_limit_bytes}, of which {_reserved_bytes()} are reserved: raise it"


def _reserved_bytes() -> int:
    match = re.search(r"^VmData:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(match[1]) * 1024 if match is not None else 0
