"""Runs in the worker: the control channel to the host, JSON lines over the socket at fd 3.

A daemon thread reads it from the first moment on, so that the end of the host is noticed while the main thread imports or computes.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import queue
import socket
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from . import __synapse_contract__
from .descriptors import Descriptor, private_copy
from .lifeline import CONTROL_FD, kill_own_group
from .peer import Peer, peer_of

__all__ = ["CLOSED", "CONTRACT", "FRAMEWORK", "Control", "HostHello", "ProtocolMismatch", "is_control_channel", "read_hello"]

FRAMEWORK = 1
"""Version of the handshake on the control channel."""
CONTRACT = __synapse_contract__
"""Version of the gRPC contract, `synapse_otp.v1`."""

CLOSED = (
    "fd 3, the control channel to the host, was closed by code of this process (os.close(3), os.closerange, a library that turns the "
    "process into a daemon); leave open what was open at the start"
)

_log = logging.getLogger("synapse_otp.control")

Message = dict[str, Any]


class ProtocolMismatch(Exception):
    """The host speaks another version, or its hello lacks something. The message is for people."""


@dataclass(frozen=True)
class HostHello:
    """What the host tells a worker before it loads anything."""

    agentId: str
    incarnation: int
    socketPath: str
    token: str
    maxMessageBytes: int = 64 * 1024 * 1024
    logLevel: str = "info"
    startTimeoutMs: int = 0
    """When the host kills a worker that is not ready, counted from its start; 0: unknown."""
    memoryLimitBytes: int = 0
    """How much private memory the worker may reserve; 0: no limit."""
    tracebacks: bool = True
    """Whether tracebacks, and what exceptions of user code say, may leave the worker."""


_KINDS: dict[str, type] = {"int": int, "str": str, "bool": bool}


def is_control_channel() -> bool:
    """Whether fd 3 is open and is a socket, as a host leaves it."""
    try:
        return stat.S_ISSOCK(os.fstat(CONTROL_FD).st_mode)
    except OSError:
        return False


def read_hello(message: Message, peer: Peer | None = None) -> HostHello:
    """Checks a host's hello. Unknown fields are ignored.

    Args:
        message: The parsed line.
        peer: Who has written it, where that is known.

    Raises:
        ProtocolMismatch: If a version differs, a field is missing or of another type, or the peer is not the host that the hello names.
    """
    fault = None if peer is None else peer.fault(message.get("hostPid"))
    if fault is not None:
        raise ProtocolMismatch(f"the other end of the control channel is not the host: {fault}")
    for name, ours in (("framework", FRAMEWORK), ("contract", CONTRACT)):
        if message.get(name) != ours:
            raise ProtocolMismatch(
                f"the host speaks {name} version {message.get(name)!r}, this synapse-otp speaks {ours}; "
                "install the Python package that came with the host: npx synapse-otp setup"
            )
    values: dict[str, Any] = {}
    for field in fields(HostHello):
        kind = _KINDS[str(field.type)]
        value = message.get(field.name, field.default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ProtocolMismatch(f"the host's hello has {field.name} = {value!r}; it must be of type {kind.__name__}")
        values[field.name] = value
    return HostHello(**values)


class Control:
    """The worker's end of the control channel. Losing the other end kills the worker's process group.

    It speaks over a copy of fd 3 of its own, so that user code which closes fd 3, or puts a file of its own there, is found out and told.
    Until `deliver_to` is called, messages wait in a queue that `receive` reads; afterwards each one goes to the receiver.
    """

    def __init__(self, fd: int = CONTROL_FD) -> None:
        self._given = Descriptor(fd)
        self._own = Descriptor(private_copy(fd))
        self._socket = socket.socket(fileno=self._own.fd)
        os.set_inheritable(fd, False)
        self._socket.setblocking(True)
        self._send_lock = threading.Lock()
        self._deliver_lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._receiver: Callable[[Message], None] | None = None
        self._deaf = False

    @property
    def peer(self) -> Peer | None:
        """Who holds the host's end, where the system can tell."""
        return peer_of(self._socket)

    def start(self) -> None:
        """Begins reading, in a daemon thread."""
        threading.Thread(target=self._read, name="synapse-control", daemon=True).start()

    @property
    def descriptors(self) -> tuple[Descriptor, Descriptor]:
        """What a forked child must not keep open: fd 3 and the copy of it."""
        return self._given, self._own

    @property
    def intact(self) -> bool:
        """Whether fd 3 is still what the host had put there."""
        return self._given.unchanged

    def send(self, message: Message) -> None:
        """Writes one line and returns when the kernel has it. A host that is gone is the reader's affair. Not for signal handlers."""
        line = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        with self._send_lock:
            try:
                self._socket.sendall(line)
            except OSError as error:
                if self._own.unchanged:
                    _log.debug("the host no longer reads the control channel: %s", error)
                else:
                    self._tell_closed()

    def receive(self) -> Message:
        """Waits for the next message; only before `deliver_to`."""
        return self._waiting.get()

    def deliver_to(self, receiver: Callable[[Message], None]) -> None:
        """Hands every waiting and later message to `receiver`, called from the reader's thread or from this one."""
        with self._deliver_lock:
            self._receiver = receiver
            while not self._waiting.empty():
                receiver(self._waiting.get())

    def forget(self) -> None:
        """In a forked child: lets go of the channel without closing what the child may have put in its place."""
        self._socket.detach()

    def _read(self) -> None:
        rest = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                if error.errno == errno.EBADF or not self._own.unchanged:
                    self._tell_closed()
                else:
                    _log.debug("the control channel failed: %s", error)
                break
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.take(line)
        kill_own_group()

    def _tell_closed(self) -> None:
        if not self._deaf:
            self._deaf = True
            _log.error(CLOSED)

    def take(self, line: bytes) -> None:
        """Takes a line of the host's, as the reader's thread does."""
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            _log.warning("the host wrote a line that is no JSON object: %.200r", line)
            return
        with self._deliver_lock:
            if self._receiver is None:
                self._waiting.put(message)
            else:
                self._receiver(message)
