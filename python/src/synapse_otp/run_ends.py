"""Runs in the worker: which runs work still, whatever became of the calls that carried them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .run_work import RunWork, current_work

__all__ = ["RunEnds", "RunKey"]

RunKey = tuple[str, int]
"""A run and its attempt."""

_GIVEN_UP_RUNS = 1000


@dataclass(eq=False)
class _Open:
    key: RunKey
    work: RunWork = field(default_factory=RunWork)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    seen_off: asyncio.Task[None] | None = None


class RunEnds:
    """The runs of one worker, from their call until nothing of them works any more."""

    def __init__(self) -> None:
        self._open: set[_Open] = set()
        self._given_up: dict[RunKey, None] = {}

    @contextmanager
    def counted(self, key: RunKey) -> Iterator[RunWork]:
        """Within it a run is carried by the current task. It is known until the work that it has begun has ended, too."""
        run = _Open(key)
        current_work.set(run.work)  # the task is the call's own, and so is its context
        self._open.add(run)
        try:
            yield run.work
        finally:
            run.answered.set()
            if run.work.busy:
                run.seen_off = asyncio.create_task(self._see_off(run))
            else:
                self._open.discard(run)

    async def await_end(self, key: RunKey) -> bool:
        """Waits until nothing of a run works; returns whether it was known. One that was not is given up from now on, if it has an id."""
        runs = [run for run in self._open if run.key == key]
        if not runs and key[0]:
            # Its request may be on its way still: a large one takes longer than the word that it is given up.
            self._given_up[key] = None
            if len(self._given_up) > _GIVEN_UP_RUNS:
                del self._given_up[next(iter(self._given_up))]
        for run in runs:
            await run.answered.wait()
            await run.work.ended()
        return bool(runs)

    def is_given_up(self, key: RunKey) -> bool:
        """Whether its caller had given a run up before it came."""
        return key in self._given_up

    async def _see_off(self, run: _Open) -> None:
        await run.work.ended()
        self._open.discard(run)
