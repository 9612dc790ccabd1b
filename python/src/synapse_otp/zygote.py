"""Runs in the zygote: the template process that forks workers. `python -u -m synapse_otp.zygote --system N [--preload module ...]`.

fd 3 is the channel to the host (JSON lines), fd 4 the lifeline, which the guardian holds. The host asks with

    {"type": "fork", "id": 1, "listen": "/path/of/a/socket", "token": "...", "entry": "agent.py:agent", "cwd": "/...", "env": {...}}
    {"type": "signal", "id": 1, "signal": "SIGKILL"}

and is told "ready" or "unfit" (once), then "forked" or "refused" for each fork, "signaled" for each signal, and "exited" for each worker's
end, when all that it had started is gone too. A signal to a worker that has ended is none; SIGKILL is its group's too. For each worker
three connections are made to `listen` before the fork; the first line of each says which one it is:
{"id": 1, "channel": "control" | "stdout" | "stderr", "token": "..."}. When fd 3 ends, so does everything.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from typing import Any, NoReturn

from .descendants import Reaped, children, reap, sweep
from .descriptors import private_copy
from .environment_mark import environment_mark, read_environment_mark
from .guardian import Guarded, guard, wakeup_pipe
from .lifeline import CONTROL_FD, LIFELINE_FD
from .mark import LARGEST_SYSTEM, Mark, read_mark
from .warm_up import NotForkable, warm_up

__all__ = ["main"]

_CHANNELS = ("control", "stdout", "stderr")


@dataclass(frozen=True)
class _Worker:
    id: int
    pid: int
    number: int
    lifeline: socket.socket


class _Zygote:
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

    def live(self) -> NoReturn:
        """Serves the host until it, or the guardian, is gone."""
        while True:
            ready = {key.fd for key, _ in self._selector.select()}
            if self._guarded.guardian in ready:
                break
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, 4096)
            self._bury(reap())
            if CONTROL_FD in ready and not self._listen():
                break
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
                channels = [stack.enter_context(_connect(request, name)) for name in _CHANNELS]
                kept, given = socket.socketpair()
                stack.enter_context(given)
                self._forks += 1
                number = Mark.worker_number(self._forks)
                if self._guarded.marked:
                    Mark(self._system, number).set()
                try:
                    pid = os.fork()
                finally:
                    if self._guarded.marked and os.getpid() == self._pid:
                        Mark(self._system, 0).set()
            except OSError as error:
                self.tell({"type": "refused", "id": request["id"], "message": str(error), "errno": _name_of(error)})
                return
            if pid == 0:
                kept.close()
                self._become_worker(request, number, [*channels, given])
            self._workers[pid] = _Worker(request["id"], pid, number, kept)
            self.tell({"type": "forked", "id": request["id"], "pid": pid})

    def boot(self) -> None:
        """Says that it can fork."""
        self.tell({"type": "ready", "pid": self._pid, "marked": self._guarded.marked})

    def _bury(self, reaped: Reaped) -> None:
        while reaped:
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
        if pid in self._workers or pid in self._own:
            return False
        if not self._workers:
            return True
        mark = self._read_mark(pid)
        if mark is None or mark.system != self._system:
            return False
        return all(worker.number != mark.worker for worker in self._workers.values())

    def _become_worker(self, request: dict[str, Any], number: int, given: list[socket.socket]) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            for name in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
                signal.signal(name, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for worker in self._workers.values():
                worker.lifeline.close()  # else the zygote's death would be no end of theirs
            self._selector.close()
            self._host.close()
            os.close(self._guarded.guardian)
            os.setsid()
            _place([(fd.detach(), place) for fd, place in zip(given, (CONTROL_FD, 1, 2, LIFELINE_FD), strict=True)])
            os.environ.clear()
            os.environ.update(request["env"] | environment_mark(Mark(self._system, number)))
            os.chdir(request["cwd"])
            sys.argv[:] = [sys.argv[0], "--entry", request["entry"]]
            numpy_random = sys.modules.get("numpy.random")
            if numpy_random is not None:
                numpy_random.seed()  # or all workers would draw the same numbers
            from .worker import main as live

            _open_streams()
            live(request["entry"])
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _open_streams() -> None:
    """Streams for what is at 1 and 2 now, as `python -u` and `write_utf8` make them; those of the zygote remember what was there."""
    for name, fd in (("stdout", 1), ("stderr", 2)):
        raw = open(fd, "wb", buffering=0, closefd=False)  # noqa: SIM115 - it lives as long as the worker
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _connect(request: dict[str, Any], channel: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(request["listen"])
        line = json.dumps({"id": request["id"], "channel": channel, "token": request["token"]})
        connection.sendall(line.encode() + b"\n")
    except OSError:
        connection.close()
        raise
    return connection


def _place(moves: list[tuple[int, int]]) -> None:
    """Gives descriptors their numbers; none of them lies on the place of another by then."""
    far = [(_far(fd), place) for fd, place in moves]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if null != 0:
        os.close(null)
    for fd, place in far:
        os.dup2(fd, place)
        os.close(fd)


def _far(fd: int) -> int:
    copy = private_copy(fd)
    os.close(fd)
    return copy


def _name_of(error: OSError) -> str | None:
    return None if error.errno is None else errno.errorcode.get(error.errno)


def main() -> NoReturn:
    """Guards, warms up and forks until the host is gone."""
    parser = argparse.ArgumentParser(prog="python -m synapse_otp.zygote", description="Forks workers for its host.")
    parser.add_argument("--system", type=int, required=True, help=f"the system's number, 1 to {LARGEST_SYSTEM}")
    parser.add_argument("--preload", nargs="*", default=[], help="modules to import before the first fork")
    arguments = parser.parse_args()
    sys.path[:1] = []  # the folder that `-m` has put there: each worker puts its own
    try:
        guarded = guard(arguments.system, CONTROL_FD)
    except OSError as error:
        _unfit(str(error))
    try:
        warm_up(arguments.preload)
    except NotForkable as error:
        _unfit(str(error))
    zygote = _Zygote(arguments.system, guarded)
    zygote.boot()
    zygote.live()


def _unfit(why: str) -> NoReturn:
    with contextlib.suppress(OSError):
        os.write(CONTROL_FD, json.dumps({"type": "unfit", "message": why}).encode() + b"\n")
    os._exit(1)


if __name__ == "__main__":
    main()
