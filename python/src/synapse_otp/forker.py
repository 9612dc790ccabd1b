"""Runs in the zygote: forks workers for the host, reaps them, and ends what they leave behind.

fd 3 is the channel to the host (JSON lines). The host asks with

    {"type": "fork", "id": 1, "listen": "/path/of/a/socket", "token": "...", "entry": "agent.py:agent", "cwd": "/...", "env": {...}}
    {"type": "signal", "id": 1, "signal": "SIGKILL"}

and is told "ready" or "unfit" (once), then "forked" or "refused" for each fork, "signaled" for each signal, and "exited" for each worker's
end, when all that it had started is gone too. A signal to a worker that has ended is none; SIGKILL is its group's too. For each worker
three connections are made to `listen` before the fork; the first line of each says which one it is:
{"id": 1, "channel": "control" | "stdout" | "stderr", "token": "..."}. When fd 3 ends, so does everything.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import selectors
import signal
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from .blank import Blank, await_order
from .channels import CHANNELS, connect
from .descendants import Reaped, children, reap, sweep
from .environment import changes_to
from .environment_mark import environment_mark, read_environment_mark
from .forked import Order, become_worker, far_copy, place
from .guardian import Guarded, tell_unfit, wakeup_pipe
from .lifeline import CONTROL_FD, LIFELINE_FD, arm, end_with_parent
from .mark import Mark, read_mark
from .warm_up import NotForkable, warm_up

__all__ = ["fork_for_host"]

_QUIET_S = 0.03
"""How long nothing happens before the next blank is made, in seconds: what is going on is not to share its processor with it."""


@dataclass(frozen=True)
class _Worker:
    id: int
    pid: int
    number: int
    lifeline: socket.socket


class _Forker:
    """Forks, reaps and sweeps, in one thread and without an event loop."""

    def __init__(self, system: int, guarded: Guarded) -> None:
        self._pid = os.getpid()
        self._system = system
        self._guarded = guarded
        self._host = socket.socket(fileno=CONTROL_FD)
        self._host.set_inheritable(False)
        self._woken = wakeup_pipe()
        self._selector = selectors.DefaultSelector()
        for fd in (CONTROL_FD, self._woken, guarded.guardian):
            self._selector.register(fd, selectors.EVENT_READ)
        self._workers: dict[int, _Worker] = {}
        self._own = set(children(self._pid))
        """What a module of the preload list has started."""
        self._read_mark = read_mark if guarded.marked else read_environment_mark
        self._rest = b""
        self._forks = 0
        self._blank: Blank | None = None
        self._quiet_at: float | None = time.monotonic() + _QUIET_S
        """When a blank is to be made; None: not before the next worker."""

    def live(self) -> NoReturn:
        """Serves the host until it, or the guardian, is gone."""
        while True:
            wait_s = None if self._quiet_at is None else max(0.0, self._quiet_at - time.monotonic())
            ready = {key.fd for key, _ in self._selector.select(wait_s)}
            if self._quiet_at is not None:
                if not ready:
                    self._make_blank()
                    continue
                self._quiet_at = time.monotonic() + _QUIET_S
            if self._guarded.guardian in ready:
                break
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, 4096)
            self._bury(reap())
            if CONTROL_FD in ready and not self._listen():
                break
        with contextlib.suppress(OSError):  # it is gone already
            signal.pidfd_send_signal(self._guarded.guardian, signal.SIGCONT)  # one that is stopped would stay for good
        sweep(lambda _: True, self._woken)
        os._exit(0)

    def tell(self, message: dict[str, Any]) -> None:
        """Writes a line to the host; one that is gone is noticed by the reader."""
        with contextlib.suppress(OSError):
            self._host.sendall(json.dumps(message).encode() + b"\n")

    def _listen(self) -> bool:
        try:
            data = self._host.recv(65536)
        except OSError:
            return False
        if not data:
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if request["type"] == "fork":
                self._fork(request)
            elif request["type"] == "signal":
                self._signal(request["id"], signal.Signals[request["signal"]])
                self.tell({"type": "signaled", "id": request["id"]})
        return True

    def _signal(self, worker_id: int, number: signal.Signals) -> None:
        for worker in self._workers.values():
            if worker.id == worker_id:  # not reaped: the number is still its own
                if number == signal.SIGKILL:
                    _kill_group(worker.pid)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(worker.pid, number)

    def _fork(self, request: dict[str, Any]) -> None:
        with contextlib.ExitStack() as stack:
            try:
                if not os.path.isdir(request["cwd"]):
                    raise NotADirectoryError(f'"{request["cwd"]}" is no directory')
                channels = [stack.enter_context(connect(request, name)) for name in CHANNELS]
                changes = changes_to(request["env"])  # found out here, where it writes to no page that is not the zygote's own
                blank, self._blank = self._blank, None
                if blank is not None and blank.give(self._order(request, changes, blank.number), channels):
                    pid, number, lifeline = blank.pid, blank.number, blank.lifeline
                else:
                    pid, number, lifeline = self._fork_process()
            except OSError as error:
                self.tell({"type": "refused", "id": request["id"], "message": str(error), "errno": _name_of(error)})
                return
            if pid == 0:
                order = self._order(request, changes, number)
                far = [far_copy(channel.detach()) for channel in channels]
                self._live_in_child(lifeline, lambda: become_worker(Order(order, far)))
            self._quiet_at = time.monotonic() + _QUIET_S
            self._workers[pid] = _Worker(request["id"], pid, number, lifeline)
            self.tell({"type": "forked", "id": request["id"], "pid": pid})

    def _order(self, request: dict[str, Any], changes: dict[str, str | None], worker: int) -> dict[str, Any]:
        own = {name: value for name, value in request.items() if name not in ("env", "listen", "token")}
        return own | {"changes": changes | environment_mark(Mark(self._system, worker))}

    def _make_blank(self) -> None:
        self._quiet_at = None
        with contextlib.suppress(OSError):  # short of memory, perhaps: it is tried again after the next worker
            orders, theirs = socket.socketpair()
            with theirs, contextlib.ExitStack() as stack:
                stack.enter_context(orders)
                pid, number, lifeline = self._fork_process()
                if pid == 0:
                    orders.close()
                    far = socket.socket(fileno=far_copy(theirs.detach()))
                    self._live_in_child(lifeline, lambda: become_worker(await_order(far)))
                stack.pop_all()
                self._blank = Blank(pid, number, lifeline, orders)

    def _fork_process(self) -> tuple[int, int, socket.socket]:
        """Forks a process with the next mark; its number (0 in itself), that of its mark, and this side's end of its lifeline."""
        kept, given = socket.socketpair()
        self._forks += 1
        number = Mark.worker_number(self._forks)
        if self._guarded.marked:
            Mark(self._system, number).set()
        try:
            pid = os.fork()
        except OSError:
            kept.close()
            given.close()
            raise
        finally:
            if self._guarded.marked and os.getpid() == self._pid:
                Mark(self._system, 0).set()
        mine, other = (given, kept) if pid == 0 else (kept, given)
        other.close()
        return pid, number, mine

    def boot(self) -> None:
        """Says that it can fork."""
        self.tell({"type": "ready", "pid": self._pid, "marked": self._guarded.marked})

    def _bury(self, reaped: Reaped) -> None:
        while reaped:
            if self._blank is not None and self._blank.pid in reaped:
                self._blank.close()
                self._blank = None
            dead = [(self._workers.pop(pid), status) for pid, status in reaped.items() if pid in self._workers]
            if not dead:
                return
            for worker, _ in dead:
                worker.lifeline.close()
                _kill_group(worker.pid)  # a group that has members keeps its number
            # Others may end meanwhile: the next round is theirs.
            reaped = sweep(self._is_orphan, self._woken)
            for worker, status in dead:
                code = os.waitstatus_to_exitcode(status)
                self.tell(
                    {
                        "type": "exited",
                        "id": worker.id,
                        "pid": worker.pid,
                        "code": code if code >= 0 else None,
                        "signal": signal.Signals(-code).name if code < 0 else None,
                    }
                )

    def _is_orphan(self, pid: int) -> bool:
        """Whether a child was left by a worker that is gone. Daemons of a living worker are its own affair."""
        if pid in self._workers or pid in self._own or (self._blank is not None and pid == self._blank.pid):
            return False
        if not self._workers:
            return True
        mark = self._read_mark(pid)
        if mark is None or mark.system != self._system:
            return False
        return all(worker.number != mark.worker for worker in self._workers.values())

    def _live_in_child(self, lifeline: socket.socket, live: Callable[[], NoReturn]) -> NoReturn:
        try:
            self._part(lifeline)
            live()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _part(self, lifeline: socket.socket) -> None:
        """In a child: all that it shares with the zygote from now on is the lifeline."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for worker in self._workers.values():
            worker.lifeline.close()  # else the zygote's death would be no end of theirs
        if self._blank is not None:
            self._blank.close()
        self._selector.close()
        self._host.close()
        os.close(self._guarded.guardian)
        os.setsid()
        place([(lifeline.detach(), LIFELINE_FD)])
        arm()


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _name_of(error: OSError) -> str | None:
    return None if error.errno is None else errno.errorcode.get(error.errno)


def fork_for_host(system: int, guarded: Guarded, preload: Sequence[str], hurried: bool) -> NoReturn:
    """Warms up and forks until the host is gone, or the guardian.

    Args:
        system: The number of the system.
        guarded: What is known of the guardian.
        preload: Modules to import before the first fork.
        hurried: Whether workers are waited for that were at work.
    """
    try:
        warm_up(preload, hurried)
    except NotForkable as error:
        tell_unfit(str(error))
    forker = _Forker(system, guarded)
    end_with_parent(False)  # from here on it looks at its guardian, and ends its workers first
    forker.boot()
    forker.live()
