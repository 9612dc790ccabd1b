"""Runs in the worker: how it comes to its end. The host decides when, and how long it takes; a signal from outside is told to the host."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

from .control import Control, Message
from .hold_ups import hold_ups, task_lines, thread_lines

__all__ = ["Ending", "Phase", "StopRequest", "Stopped", "read_shutdown"]

Phase = Literal[
    "finishing its runs",
    "cancelling its runs",
    "leaving the agent",
    "cancelling its tasks",
    "joining its threads",
    "calling its atexit functions",
]
"""What a worker does one after the other on its way out; the words are for people."""

_HOST_ANSWERS_S = 3.0
"""A host that lives answers in milliseconds. One that does not is no reason to stay."""

_LONGEST_S = 1e8
"""Three years; timers do not take much more."""

_log = logging.getLogger("synapse_otp.ending")


class Stopped(BaseException):
    """Raised in the main thread of a worker that is to end before it serves, wherever it is; user code may clean up on its way."""


@dataclass(frozen=True)
class StopRequest:
    """What the host grants.

    Args:
        until_s: When the host will kill the worker, by the monotonic clock; infinite if nobody has said.
        drain_s: How much of it runs have to finish by themselves, in seconds.
        warn_s: How long before the kill it is told what holds the worker up, in seconds.
    """

    until_s: float
    drain_s: float
    warn_s: float = 0.0

    @property
    def left_s(self) -> float:
        """Seconds until the kill."""
        return max(0.0, self.until_s - time.monotonic())

    @property
    def warn_in_s(self) -> float | None:
        """Seconds until it is told what holds the worker up; None: never."""
        return None if self.until_s == float("inf") else max(0.0, self.left_s - self.warn_s)


def read_shutdown(message: Message) -> StopRequest:
    """The host's `shutdown`: `graceMs` until the kill; `drainMs`, the part of it for runs to finish, is three fifths unless told."""
    grace_s = _seconds(message.get("graceMs"), default=5.0)
    drain_s = _seconds(message.get("drainMs"), default=grace_s - min(grace_s * 2 / 5, 5.0))
    return StopRequest(time.monotonic() + grace_s, min(drain_s, grace_s), min(0.4, grace_s / 4))


def _seconds(milliseconds: object, default: float) -> float:
    valid = isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool) and milliseconds >= 0
    return min(float(milliseconds) / 1000, _LONGEST_S) if valid else default  # type: ignore[arg-type]


class Ending:
    """The end of one worker, from the first word of it on. Made in the main thread.

    Args:
        control: Where the host is told.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._request: StopRequest | None = None
        self._heard = threading.Event()
        """Set when the host has answered: with its request, or with a word that it will come."""
        self._signal: str | None = None
        self._phase: Phase | None = None
        self._cancelled_before: set[asyncio.Task[Any]] | None = None
        self._interruptible = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_signal: Callable[[], None] = _nothing
        self._on_request: Callable[[], None] = _nothing
        self._on_unanswered: Callable[[], None] = self.ask_itself
        # SimpleQueue.put may be called by a signal handler, whatever the interrupted code was doing.
        self._news: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    @property
    def request(self) -> StopRequest | None:
        """What the host has granted, once it wants the worker to end."""
        return self._request

    def listen(self) -> None:
        """Takes over SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.on_signal)
        threading.Thread(target=self._watch, name="synapse-ending", daemon=True).start()

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """The handler of SIGTERM and SIGINT. The host's own request interrupts the main thread with one too."""
        if self._request is not None:
            if self._interruptible:
                self._interruptible = False
                raise Stopped
        elif self._signal is None:
            self._signal = signal.Signals(number).name
            self._news.put(self._signal)

    def on_message(self, message: Message) -> None:
        """Takes a message of the host, in the thread of the control channel."""
        if message.get("type") == "shutdown":
            self._ask(read_shutdown(message))
        elif message.get("type") == "drain":
            self._heard.set()
            self._call_in_loop(self._on_signal)
        elif message.get("type") == "tasks":
            self._control.send({"type": "tasks", "tasks": [*thread_lines(), *task_lines(self._loop)]})
        else:
            _log.debug("unknown message %r of the host is ignored", message.get("type"))

    def no_interrupts(self) -> None:
        """From now on the main thread is asked and not interrupted."""
        self._interruptible = False

    def check(self) -> None:
        """Looks for a request that could not interrupt the main thread, or whose interrupt user code has swallowed.

        Raises:
            Stopped: If the worker is to end.
        """
        if self._request is not None:
            raise Stopped

    def attach(self, on_signal: Callable[[], None], on_request: Callable[[], None], on_unanswered: Callable[[], None]) -> None:
        """Has the running event loop told of what comes, and of what has come already.

        Args:
            on_signal: A signal from outside, or the host, wants no new runs to be taken.
            on_request: The host wants the worker to end.
            on_unanswered: There is no host that would answer to the signal.
        """
        loop = asyncio.get_running_loop()
        self._on_signal, self._on_request, self._on_unanswered = on_signal, on_request, on_unanswered
        for number in (signal.SIGTERM, signal.SIGINT):
            # The loop's own handler wakes it, but acts only when the loop is free; ours tells the host at once.
            loop.add_signal_handler(number, self._signal_in_loop)
            signal.signal(number, self.on_signal)
        self._loop = loop
        if self._request is not None:
            on_request()
        elif self._signal is not None:
            on_signal()

    def detach(self) -> None:
        """The loop is about to close; its handlers of signals would give way to those that end the process."""
        if self._loop is None:
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.remove_signal_handler(number)
            signal.signal(number, self.on_signal)
        self._loop = None

    def patience_s(self) -> float | None:
        """How long a step may hold up the next one: half of what is left until the kill, in seconds; None while nobody has said."""
        if self._request is None or self._request.until_s == float("inf"):
            return None
        return self._request.left_s / 2

    def ask_itself(self) -> None:
        """Ends the worker without a host that says so, and without haste."""
        self._ask(StopRequest(float("inf"), float("inf")))

    def grant(self, seconds: float) -> None:
        """What a worker has that cannot serve: the host kills it when that time has passed."""
        if self._request is None:
            self._request = StopRequest(time.monotonic() + seconds, 0, seconds / 4)
            self._heard.set()
            self._news.put(None)

    @contextlib.contextmanager
    def interrupt_after(self, seconds: float | None) -> Iterator[None]:
        """Within it the main thread is interrupted by Stopped when so much time has passed."""
        if seconds is None:
            yield
            return
        timer = threading.Timer(seconds, self._interrupt)
        timer.name, timer.daemon = "synapse-interrupt", True
        timer.start()
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False
            timer.cancel()

    def cancel_runs(self, cancel: Callable[[], None]) -> None:
        """Cancels the runs, and remembers which tasks had been cancelled before that."""
        self._cancelled_before = _cancelled(asyncio.all_tasks())
        cancel()

    def unwinding(self, tasks: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
        """Those among these tasks that clean up since the runs were cancelled: a second cancellation would cut that short."""
        return set() if self._cancelled_before is None else _cancelled(tasks) - self._cancelled_before

    def enter(self, phase: Phase) -> None:
        """Tells the host what the worker does now."""
        self._phase = phase
        self._control.send({"type": "phase", "phase": phase})

    def _signal_in_loop(self) -> None:
        if self._request is None:
            self._on_signal()

    def _ask(self, request: StopRequest) -> None:
        known = self._request
        if known is not None and request.until_s >= known.until_s:
            return
        self._request = request
        self._heard.set()
        self._news.put(None)
        if known is None and not self._call_in_loop(self._on_request) and self._interruptible:
            self._interrupt()

    def _call_in_loop(self, callback: Callable[[], None]) -> bool:
        loop = self._loop
        if loop is None:
            return False
        with contextlib.suppress(RuntimeError):  # it has just been closed: the worker is on its way
            loop.call_soon_threadsafe(callback)
        return True

    def _interrupt(self) -> None:
        main = threading.main_thread().ident
        if main is not None and signal.getsignal(signal.SIGTERM) == self.on_signal:
            signal.pthread_kill(main, signal.SIGTERM)

    def _watch(self) -> None:
        """Tells the host of a signal, and later what holds the worker up; in a thread of its own, as the main thread may be busy."""
        while True:
            request = self._request
            try:
                name = self._news.get(timeout=None if request is None else request.warn_in_s)
            except queue.Empty:
                self._control.send(
                    {"type": "overdue", "phase": self._phase, "heldBy": hold_ups(self._loop, joining=self._phase == "joining its threads")}
                )
                return
            if name is None:
                continue
            self._control.send({"type": "draining", "signal": name})
            if not self._heard.wait(_HOST_ANSWERS_S):
                _log.warning("the host has not answered to %s; the worker ends when its runs have ended", name)
                if not self._call_in_loop(self._on_unanswered):
                    self.ask_itself()


def _cancelled(tasks: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    return {task for task in tasks if task.cancelling()}


def _nothing() -> None:
    return
