"""Runs in the zygote: imports what every worker needs and takes each path of it once, so that a fork begins warm."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import math
import os
import traceback
import tracemalloc
from collections.abc import Iterator, Sequence

from .environment import without_grpc_fork_handlers
from .heap import fill_heap
from .huge_pages import use_huge_pages
from .load_failure import describe_exception
from .packing import fill_holes

__all__ = ["NotForkable", "warm_up"]

_HURRIED_S = 0.02
"""How long huge pages may take while workers wait, in seconds."""


class NotForkable(Exception):
    """This process cannot be forked safely, or a module of the preload list cannot be imported. The message is for people."""


def warm_up(preload: Sequence[str], hurried: bool = False) -> None:
    """Imports, gathers what workers call, goes every way of a run, packs the memory, and freezes what is there for the collector.

    Args:
        preload: Modules to import.
        hurried: Whether workers wait that were at work: what saves memory alone, or a millisecond later on, is left out or cut short.

    Raises:
        NotForkable: If a module cannot be imported or has started a thread.
    """
    gc.disable()
    with without_grpc_fork_handlers():
        _import("synapse_otp.worker", "synapse_otp.server")
    for name in preload:
        _import(name)
    with _unheard(), _untraced():
        _rehearse(hurried)
    _no_thread("the first run of an agent")
    gc.collect()
    fill_holes()
    fill_heap()
    use_huge_pages(_HURRIED_S if hurried else math.inf)
    gc.freeze()  # or the collector of each worker would write to every object


def _rehearse(hurried: bool) -> None:
    from .logs import set_levels
    from .rehearsal import gather_what_is_called, rehearse

    set_levels("info")
    if not hurried:
        try:
            gather_what_is_called()  # 0.3 s, for memory alone
        except Exception:
            traceback.print_exc()  # all that it costs is memory
    gc.freeze()  # a collection is quick from here on
    gc.enable()
    try:
        rehearse(hurried)
    except Exception:
        traceback.print_exc()  # all that it costs is time: each worker builds for itself what would have been there


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Within this no handler of a site customisation's hears of runs that nobody has asked for."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        yield
    finally:
        root.handlers = handlers


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    """Within this no allocation is traced (PYTHONTRACEMALLOC), which takes half a minute; what was traced until then is forgotten."""
    frames = tracemalloc.get_traceback_limit() if tracemalloc.is_tracing() else 0
    tracemalloc.stop()
    try:
        yield
    finally:
        if frames > 0:
            tracemalloc.start(frames)


def _import(*names: str) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            raise NotForkable(f'preload module "{name}" cannot be imported: {describe_exception(error)}') from error
        _no_thread(f'preload module "{name}"')


def _no_thread(what: str) -> None:
    count = len(os.listdir("/proc/self/task")) - 1
    if count > 0:
        raise NotForkable(
            f"{what} started {count} thread{'s' if count > 1 else ''}; a process with threads cannot be forked safely. Import it in the "
            "agent's file instead, or set OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1"
        )
