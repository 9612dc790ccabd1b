"""Runs in the worker: the life of one incarnation, from the hello to the exit code.

The order is fixed: hello (before anything heavy is imported), the host's hello, imports, the entry, the server, ready, runs, shutdown.
The entry is imported before there is an event loop, so that it may do whatever a module may do, `asyncio.run` included.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import os
import platform
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__, lifeline, logs
from .control import CONTRACT, FRAMEWORK, Control, HostHello, Message, ProtocolMismatch, read_hello
from .event_loop import run_to_end
from .load_failure import LoadFailure, import_failure
from .loader import load_agent

if TYPE_CHECKING:
    from pydantic_ai.agent import AbstractAgent

__all__ = ["main"]

SIGTERM_GRACE_MS = 5000

_log = logging.getLogger("synapse_otp.worker")


@dataclass
class _Clock:
    """Milliseconds of each phase, told in the ready message."""

    started: float = field(default_factory=time.perf_counter)
    phases: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = self.started

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.phases[name] = round((now - self._last) * 1000, 1)
        self.phases["total"] = round((now - self.started) * 1000, 1)
        self._last = now


def main(entry: str) -> int:
    """Lives one worker's life.

    Args:
        entry: "path/to/file.py:attribute" or "package.module:attribute".

    Returns:
        The exit code: 0 after a shutdown; 1 when the agent could not be loaded or the host speaks another version, which the control
        channel has told by then.
    """
    clock = _Clock()
    pgid = lifeline.own_group()
    armed = lifeline.arm()
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # the host asks a hung worker for its stacks
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: _leave(0))  # nothing runs yet
    control = Control()
    control.start()
    control.send({"type": "hello", "framework": FRAMEWORK, "pid": os.getpid(), "pgid": pgid, "python": platform.python_version()})
    try:
        hello = _await_hello(control)
    except ProtocolMismatch as error:
        _fail(control, {"kind": "protocol_mismatch", "message": str(error)})
    logs.install(hello.agentId, hello.incarnation, hello.logLevel)
    _log.debug("the host is watched by %s", armed)
    control.deliver_to(_while_loading)
    clock.lap("hello")
    agent = _load(entry, control, clock)
    return run_to_end(_serve(agent, entry, hello, control, clock))


def _await_hello(control: Control) -> HostHello:
    while True:
        message = control.receive()
        if message.get("type") == "hello":
            return read_hello(message, control.peer)
        _while_loading(message)


def _while_loading(message: Message) -> None:
    """Before anything is served, a shutdown has nothing to wait for."""
    if message.get("type") == "shutdown":
        _leave(0)


def _load(entry: str, control: Control, clock: _Clock) -> AbstractAgent[Any, Any]:
    gc.disable()  # a collector that walks the growing module graph is a tenth of the import
    try:
        _import_needs()
        clock.lap("import")
        agent = load_agent(entry)
        clock.lap("load")
    except LoadFailure as failure:
        _fail(control, failure.as_json())
    finally:
        gc.enable()
    gc.freeze()  # what is imported stays; the collector need not look at it again
    return agent


def _import_needs() -> None:
    try:
        from . import server  # noqa: F401 - imports pydantic-ai and grpc
    except BaseException as error:
        raise import_failure(error) from error


async def _serve(agent: AbstractAgent[Any, Any], entry: str, hello: HostHello, control: Control, clock: _Clock) -> int:
    from .server import AgentServer

    loop = asyncio.get_running_loop()
    shutdown: asyncio.Future[int] = loop.create_future()

    def on_shutdown(grace_ms: int) -> None:
        if not shutdown.done():
            shutdown.set_result(grace_ms)

    def on_message(message: Message) -> None:
        if message.get("type") != "shutdown":
            _log.debug("unknown message %r of the host is ignored", message.get("type"))
            return
        grace_ms = message.get("graceMs", SIGTERM_GRACE_MS)
        loop.call_soon_threadsafe(on_shutdown, grace_ms if isinstance(grace_ms, int) else SIGTERM_GRACE_MS)

    control.deliver_to(on_message)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_shutdown, SIGTERM_GRACE_MS)
    server = AgentServer(agent, entry, hello)
    try:
        await server.start()
    except LoadFailure as failure:
        _fail(control, failure.as_json())
    clock.lap("serve")
    control.send(_ready(agent, hello, clock))
    grace_s = await shutdown / 1000
    # The host counts its grace to the process's end: the last part of it is for leaving.
    margin_s = min(0.5, grace_s / 3)
    _leave_at(grace_s)
    await server.stop(grace_s - margin_s)
    return 0


def _ready(agent: AbstractAgent[Any, Any], hello: HostHello, clock: _Clock) -> Message:
    import grpc
    import pydantic_ai

    from .model import agent_model_name

    return {
        "type": "ready",
        "framework": FRAMEWORK,
        "contract": CONTRACT,
        "pid": os.getpid(),
        "socketPath": hello.socketPath,
        "agentName": agent.name,
        "modelName": agent_model_name(agent),
        "versions": {
            "synapse_otp": __version__,
            "pydantic_ai": pydantic_ai.__version__,
            "grpcio": grpc.__version__,
            "python": platform.python_version(),
        },
        "timingsMs": clock.phases,
    }


def _leave_at(seconds: float) -> None:
    """Ends the process when the grace is over, whatever a thread of the user's or a blocked loop still does."""
    timer = threading.Timer(seconds, _leave, (0,))
    timer.daemon = True
    timer.start()


def _fail(control: Control, error: Message) -> NoReturn:
    control.send({"type": "failed", "error": error})
    _leave(1)


def _leave(code: int) -> NoReturn:
    """Ends the process without waiting for threads that the entry may have started."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # its reader is gone, or user code has closed it
    os._exit(code)
