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
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__, lifeline, logs
from .control import CLOSED, CONTRACT, FRAMEWORK, Control, HostHello, Message, ProtocolMismatch, read_hello
from .deps_factory import DepsFactory
from .ending import Ending, Stopped
from .environment import deps_entry, without_grpc_fork_handlers
from .event_loop import EventLoop
from .forks import part_with_children
from .imported import imported_files
from .leaving import leave
from .load_failure import LoadFailure, import_failure
from .loader import load_agent, load_deps_factory
from .memory import limit_memory, too_little_to_serve

if TYPE_CHECKING:
    from pydantic_ai.agent import AbstractAgent

__all__ = ["main"]

_LAST_WORDS_S = 0.9
"""The host kills a worker that has told why it cannot serve after a second."""

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


class _Failed(Exception):
    """The worker cannot serve, and has told why."""


def main(entry: str) -> NoReturn:
    """Lives one worker's life and ends the process.

    The exit code is 0 after a shutdown, and 1 when the agent could not be loaded or the host speaks another version, which the control
    channel has told by then.

    Args:
        entry: "path/to/file.py:attribute" or "package.module:attribute".
    """
    clock = _Clock()
    pgid = lifeline.own_group()
    armed = lifeline.arm()
    faulthandler.enable()
    # The host asks a worker that does not answer for its stacks. Not for those of all threads: the fault handler reads them without the
    # interpreter's lock, and one that runs meanwhile makes it crash the worker.
    faulthandler.register(signal.SIGUSR1, all_threads=False)
    control = Control()
    ending = Ending(control)
    part_with_children(control, ending.on_signal)
    loop = EventLoop(ending)
    code = 0
    try:
        ending.listen()
        control.start()
        control.send({"type": "hello", "framework": FRAMEWORK, "pid": os.getpid(), "pgid": pgid, "python": platform.python_version()})
        hello = _await_hello(control, ending)
        logs.install(hello.agentId, hello.incarnation, hello.logLevel)
        _log.debug("the host is watched by %s", armed)
        _dump_before_the_timeout(hello, clock)
        limit_memory(hello.memoryLimitBytes)
        control.deliver_to(_receiver(control, ending))
        clock.lap("hello")
        agent, factory = _load(entry, hello, control, clock, ending)
        ending.no_interrupts()
        ending.check()
        loop.run(_serve(agent, factory, entry, hello, control, clock, ending))
    except Stopped:
        _log.debug("asked to end before it served")
    except _Failed:
        code = 1
    faulthandler.cancel_dump_traceback_later()  # what ends is not starting any more
    ending.no_interrupts()
    if code != 0:
        ending.grant(_LAST_WORDS_S)
    loop.wind_up()
    leave(code, ending, loop.finish)


def _await_hello(control: Control, ending: Ending) -> HostHello:
    while True:
        message = control.receive()
        if message.get("type") != "hello":
            ending.on_message(message)
            ending.check()
            continue
        try:
            return read_hello(message, control.peer)
        except ProtocolMismatch as error:
            raise _failed(control, {"kind": "protocol_mismatch", "message": str(error)}) from error


def _dump_before_the_timeout(hello: HostHello, clock: _Clock) -> None:
    """Writes the stacks to stderr shortly before the host kills a worker that is not ready: the crash then says where it hung."""
    left_s = hello.startTimeoutMs / 1000 - (time.perf_counter() - clock.started)
    if left_s > 0.5:
        faulthandler.dump_traceback_later(left_s - 0.3)


def _load(
    entry: str, hello: HostHello, control: Control, clock: _Clock, ending: Ending
) -> tuple[AbstractAgent[Any, Any], DepsFactory | None]:
    gc.disable()  # a collector that walks the growing module graph is a tenth of the import
    try:
        _import_needs(ending)
        clock.lap("import")
        agent = load_agent(entry)
        deps = deps_entry()
        factory = None if deps is None else DepsFactory(load_deps_factory(deps))
        clock.lap("load")
        if too_little_to_serve():
            raise LoadFailure("serve_failed", f'entry "{entry}" was loaded, and there is too little memory left to serve it')
        if not control.intact:
            raise LoadFailure("module_failed", f'entry "{entry}" was loaded, but {CLOSED}')
    except LoadFailure as failure:
        ending.check()  # what failed may be the request to end, on its way through the module
        raise _failed(control, failure.as_json(tracebacks=hello.tracebacks)) from failure
    finally:
        gc.enable()
    gc.freeze()  # what is imported stays; the collector need not look at it again
    return agent, factory


def _import_needs(ending: Ending) -> None:
    try:
        with without_grpc_fork_handlers():
            from . import server  # noqa: F401 - imports pydantic-ai and grpc
    except BaseException as error:
        ending.check()
        raise import_failure(error) from error


def _receiver(control: Control, ending: Ending) -> Callable[[Message], None]:
    try:
        folder = os.getcwd()  # Later the user's code may have gone elsewhere.
    except FileNotFoundError:
        folder = None  # The entry's loading names it.

    def receive(message: Message) -> None:
        if message.get("type") == "imports":
            control.send({"type": "imports", "files": [] if folder is None else imported_files(folder)})
        else:
            ending.on_message(message)

    return receive


async def _serve(
    agent: AbstractAgent[Any, Any],
    factory: DepsFactory | None,
    entry: str,
    hello: HostHello,
    control: Control,
    clock: _Clock,
    ending: Ending,
) -> None:
    from .server import AgentServer

    main_task = asyncio.current_task()
    assert main_task is not None
    server = AgentServer(agent, entry, hello, factory)
    asked = asyncio.Event()
    started = False

    def on_request() -> None:
        asked.set()
        if not started:
            main_task.cancel()  # in the middle of entering the agent, perhaps

    async def end_when_idle() -> None:
        await server.wait_idle()
        ending.ask_itself()

    def on_unanswered() -> None:
        tasks.append(asyncio.create_task(end_when_idle()))

    tasks: list[asyncio.Task[None]] = []
    ending.attach(server.begin_drain, on_request, on_unanswered)
    try:
        await server.start()
        started = True
    except asyncio.CancelledError as error:
        main_task.uncancel()
        if not asked.is_set():
            raise _failed(control, server.entering_failed(error).as_json(tracebacks=hello.tracebacks)) from error
    except LoadFailure as failure:
        raise _failed(control, failure.as_json(tracebacks=hello.tracebacks)) from failure
    if not asked.is_set():
        clock.lap("serve")
        faulthandler.cancel_dump_traceback_later()
        control.send(_ready(agent, hello, clock))
        broken: RuntimeError | None = None
        try:
            await asked.wait()
        except asyncio.CancelledError as error:
            broken = await server.leave_broken(error)
        if broken is not None:
            raise broken
    assert ending.request is not None
    await server.stop(ending.request, ending)


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
        "answersText": agent.output_type is str,
        "versions": {
            "synapse_otp": __version__,
            "pydantic_ai": pydantic_ai.__version__,
            "grpcio": grpc.__version__,
            "python": platform.python_version(),
        },
        "timingsMs": clock.phases,
        "stacks": "SIGUSR1",
    }


def _failed(control: Control, error: Message) -> _Failed:
    control.send({"type": "failed", "error": error})
    return _Failed()
