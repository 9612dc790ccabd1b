"""A host for the tests that starts a guardian with its zygote, and has workers forked."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from host import DEADLINE_S, ROOT


class Lines:
    """JSON lines over a socket."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        end.settimeout(DEADLINE_S)
        self._file = end.makefile("rb", buffering=0)

    def receive(self) -> dict[str, Any]:
        line = b""
        while not line.endswith(b"\n"):
            byte = self._file.read(1)
            if not byte:
                return {}
            line += byte
        parsed: dict[str, Any] = json.loads(line)
        return parsed

    def send(self, message: dict[str, Any]) -> None:
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        self._file.close()
        self.socket.close()


class ZygoteHost:
    """One guardian and its zygote; `close` ends them and what they have forked."""

    def __init__(self, *preload: str, env: dict[str, str] | None = None, marks: bool = True) -> None:
        self.folder = tempfile.mkdtemp(prefix="syn-")
        control, theirs = socket.socketpair()
        self.lifeline, their_lifeline = socket.socketpair()
        c, life = theirs.fileno(), their_lifeline.fileno()
        self.system = secrets.randbelow(2**32 - 1) + 1
        self.env = {**os.environ, "SYNAPSE_WORKER": "1", "SYNAPSE_SYSTEM": f"{self.system}:0", **(env or {})}
        lower = "" if marks else "ulimit -x 1000; "
        program = [sys.executable, "-u", "-P", "-m", "synapse_otp.zygote", str(self.system), *preload]
        self.guardian = subprocess.Popen(
            ["bash", "-c", f'{lower}exec 3<&{c} 4<&{life} {c}<&- {life}<&-; exec "$@"', "bash", *program],
            env=self.env,
            stdin=subprocess.DEVNULL,
            pass_fds=(c, life),
            start_new_session=True,
        )
        theirs.close()
        their_lifeline.close()
        self.control = Lines(control)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(DEADLINE_S)
        self.listener.bind(f"{self.folder}/l")
        self.listener.listen(64)
        self.first = self.control.receive()
        self._ends: list[Lines] = []

    def fork(self, worker_id: int, entry: str, cwd: Path = ROOT, **env: str) -> dict[str, Any]:
        """Asks for a worker and returns the answer."""
        self.control.send(
            {
                "type": "fork",
                "id": worker_id,
                "listen": f"{self.folder}/l",
                "token": "t",
                "entry": entry,
                "cwd": str(cwd),
                "env": self.env | env,
            }
        )
        return self.control.receive()

    def channels(self) -> dict[str, Lines]:
        """The three connections of the worker that was just forked."""
        found: dict[str, Lines] = {}
        for _ in range(3):
            lines = Lines(self.listener.accept()[0])
            self._ends.append(lines)
            found[lines.receive()["channel"]] = lines
        return found

    def ready(self, worker_id: int, entry: str, **env: str) -> tuple[int, dict[str, Lines]]:
        """A worker that serves: its process number and its channels."""
        answer = self.fork(worker_id, entry, ROOT, **env)
        assert answer["type"] == "forked", answer
        channels = self.channels()
        control = channels["control"]
        hello = {"type": "hello", "framework": 1, "contract": 1, "agentId": "a", "incarnation": 1, "hostPid": os.getpid()}
        control.send(hello | {"socketPath": f"{self.folder}/{worker_id}", "token": "ab"})
        assert control.receive()["type"] == "hello"
        message = control.receive()
        assert message["type"] == "ready", message
        assert message["pid"] == answer["pid"]
        pid: int = answer["pid"]
        return pid, channels

    def close(self) -> None:
        for end in (self.control, *self._ends):
            with contextlib.suppress(OSError):
                end.close()
        self.lifeline.close()
        self.listener.close()
        try:
            self.guardian.wait(DEADLINE_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                self.guardian.send_signal(signal.SIGKILL)
            shutil.rmtree(self.folder, ignore_errors=True)
