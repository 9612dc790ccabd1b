"""Runs in the worker: the way of a run's chunks to its reader. What a slow reader keeps waiting is joined, and then holds up the run."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from .events import Chunk, Chunks
from .oversize import fit_chunk, put_text, text_of

__all__ = ["Outlet"]

JOINED_CHARS = 16 * 1024
"""As much text as one message takes of deltas that wait."""
WAITING_BYTES = 64 * 1024
WAITING_CHUNKS = 64
"""What may wait; with more of it, who writes waits."""
_TURN_S = 0.001
"""How long a run that never waits by itself may write until what it has written is sent, in seconds."""
PACE_S = 0.002
"""How old the message before a delta is at least, in seconds, where many runs stream: until then it waits for more of its text."""
MANY_STREAMS = 4
"""From so many on they are sent in fewer messages, since each wakes the host. A run that streams alone is told word by word."""


class _Waiting:
    """A chunk that waits to be sent, with the pieces of its text."""

    __slots__ = ("chunk", "pieces", "size")

    def __init__(self, chunk: Chunk, text: str | None, size: int) -> None:
        self.chunk = chunk
        self.pieces = None if text is None else [text]
        self.size = size

    def take(self, chunk: Chunk, text: str, max_chars: int) -> bool:
        """Takes the text of the next chunk, if it goes on where this one ends and both are short enough."""
        if self.pieces is None or self.size + len(text) > max_chars or not _goes_on(self.chunk, chunk):
            return False
        self.pieces.append(text)
        self.size += len(text)
        return True

    def whole(self) -> Chunk:
        if self.pieces is not None and len(self.pieces) > 1:
            put_text(self.chunk, "".join(self.pieces))
        return self.chunk


class Outlet:
    """Sends the chunks of one run, each as soon as the one before is sent. Deltas that wait for that are joined into one message.

    Args:
        send: Sends one message; it is called for one at a time.
        chunks: Numbers the chunks. Each is to be written before the next is made.
        max_bytes: The limit of a message.
    """

    open = 0
    """How many there are in this process that are not closed."""

    def __init__(self, send: Callable[[Chunk], Awaitable[Any]], chunks: Chunks, max_bytes: int) -> None:
        self._send = send
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._max_chars = min(JOINED_CHARS, max_bytes // 8)
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._sender: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._room = asyncio.Event()
        self._turn_at = 0.0
        self._sent_at = -math.inf
        self._pause: asyncio.Future[None] | None = None
        """Done when what waits is to be sent at once; there only while the sender waits for more to join."""
        self._closed = False
        Outlet.open += 1

    async def write(self, chunk: Chunk) -> None:
        """Gives a chunk on its way; waits while too much is waiting already.

        Raises:
            BaseException: Whatever sending has raised.
        """
        text = text_of(chunk)
        if text is None or not self._waiting or not self._waiting[-1].take(chunk, text, self._max_chars):
            for fitting in fit_chunk(chunk, self._chunks, self._max_bytes):
                self._add(fitting)
        else:
            self._chunks.take_back()
            self._size += len(text)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
        elif not self._can_grow():
            self._hurry()
        if time.monotonic() >= self._turn_at:
            # A run that waits for its model lets the event loop send by itself.
            await asyncio.sleep(0)
            self._turn_at = time.monotonic() + _TURN_S
        while self._error is None and (self._size >= WAITING_BYTES or len(self._waiting) >= WAITING_CHUNKS):
            self._room.clear()
            await self._room.wait()
        if self._error is not None:
            raise self._error

    async def flush(self) -> None:
        """Waits until everything is sent.

        Raises:
            BaseException: Whatever sending has raised.
        """
        while self._sender is not None:
            self._hurry()
            await asyncio.wait([self._sender])
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Sends nothing more: the call has ended."""
        if not self._closed:
            self._closed = True
            Outlet.open -= 1
        self._waiting.clear()
        if self._sender is not None:
            self._sender.cancel()

    def _add(self, chunk: Chunk) -> None:
        text = text_of(chunk)
        waiting = _Waiting(chunk, text, chunk.ByteSize() if text is None else len(text))
        self._waiting.append(waiting)
        self._size += waiting.size

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                if self._can_grow():
                    await self._join_more()
                next_one = self._waiting.popleft()
                self._size -= next_one.size
                self._room.set()
                self._sent_at = time.monotonic()
                await self._send(next_one.whole())
        except BaseException as error:  # it is the writer's to raise
            self._error = error
        finally:
            self._sender = None
            self._room.set()

    def _can_grow(self) -> bool:
        """Whether all that waits is one delta that others may be joined to."""
        return len(self._waiting) == 1 and self._waiting[0].pieces is not None and self._size < self._max_chars

    async def _join_more(self) -> None:
        """Where many stream: waits until the last message is as old as the pace, or there is no more to wait for."""
        remaining = self._sent_at + PACE_S - time.monotonic()
        if remaining <= 0 or Outlet.open < MANY_STREAMS:
            return
        loop = asyncio.get_running_loop()
        self._pause = loop.create_future()
        timer = loop.call_later(remaining, self._hurry)
        try:
            await self._pause
        finally:
            timer.cancel()
            self._pause = None

    def _hurry(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)


def _goes_on(before: Chunk, chunk: Chunk) -> bool:
    """Whether a delta goes on with the part that the one before belongs to."""
    event = chunk.WhichOneof("event")
    if event is None or before.WhichOneof("event") != event or before.step != chunk.step:
        return False
    return bool(getattr(before, event).part_index == getattr(chunk, event).part_index)
