"""A host for the tests: starts a real worker with a control channel and a lifeline, and calls it over its socket."""

from __future__ import annotations

import asyncio
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
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status

from synapse_otp.v1 import agent_pb2 as pb
from synapse_otp.v1.agent_pb2_grpc import AgentServiceStub

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = "test/fixtures/agents"
DEADLINE_S = 30.0


class Worker:
    """One worker process. Its stderr lines are kept, parsed where they are JSON."""

    def __init__(self, entry: str, *, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
        self.control, theirs = socket.socketpair()
        self.lifeline, their_lifeline = socket.socketpair()
        self.folder = tempfile.mkdtemp(prefix="syn-")
        self.socket_path = f"{self.folder}/s"
        self.token = secrets.token_hex(32)
        self.stdout = b""
        self.stderr_lines: list[str] = []
        self.log_arrived = asyncio.Condition()
        self.process = _spawn(entry, theirs, their_lifeline, cwd, {"SYNAPSE_WORKER": "1", **(env or {})})
        theirs.close()
        their_lifeline.close()
        self.control.setblocking(False)
        self._buffer = b""
        self._readers = [asyncio.create_task(self._read_stdout()), asyncio.create_task(self._read_stderr())]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def logs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stderr_lines if line.startswith("{")]

    async def receive(self) -> dict[str, Any]:
        """The next line of the control channel; an empty dict at its end."""
        async with asyncio.timeout(DEADLINE_S):
            while b"\n" not in self._buffer:
                data = await asyncio.get_running_loop().sock_recv(self.control, 65536)
                if not data:
                    return {}
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        parsed: dict[str, Any] = json.loads(line)
        return parsed

    async def send(self, message: dict[str, Any]) -> None:
        await asyncio.get_running_loop().sock_sendall(self.control, json.dumps(message).encode() + b"\n")

    async def greet(self, **overrides: Any) -> dict[str, Any]:
        """Exchanges hellos and returns the worker's."""
        hello = {
            "type": "hello",
            "framework": 1,
            "contract": 1,
            "agentId": "test-agent",
            "incarnation": 1,
            "socketPath": self.socket_path,
            "token": self.token,
            "hostPid": os.getpid(),
            "maxMessageBytes": 1024 * 1024,
            "logLevel": "debug",
            "somethingNew": True,
        }
        await self.send(hello | overrides)
        return await self.receive()

    async def ready(self, **overrides: Any) -> dict[str, Any]:
        await self.greet(**overrides)
        message = await self.receive()
        assert message["type"] == "ready", (message, self.stderr_lines[-20:])
        return message

    async def failed(self) -> dict[str, Any]:
        """The error of a worker that cannot start, after its exit with code 1."""
        await self.greet()
        message = await self.receive()
        assert message["type"] == "failed", message
        assert await self.exited() == 1
        error: dict[str, Any] = message["error"]
        return error

    async def shutdown(self, grace_ms: int = 2000) -> int:
        await self.send({"type": "shutdown", "graceMs": grace_ms})
        return await self.exited()

    async def exited(self) -> int:
        async with asyncio.timeout(DEADLINE_S):
            return await asyncio.to_thread(self.process.wait)

    async def log(self, **fields: Any) -> dict[str, Any]:
        """Waits for a log line with these fields."""
        async with asyncio.timeout(DEADLINE_S), self.log_arrived:
            while True:
                for line in self.logs:
                    if all(line.get(key) == value for key, value in fields.items()):
                        return line
                await self.log_arrived.wait()

    @contextlib.asynccontextmanager
    async def client(self, token: str | None = None) -> AsyncIterator[Client]:
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        async with grpc.aio.insecure_channel(f"unix:{self.socket_path}", options=options) as channel:
            yield Client(channel, (("authorization", f"Bearer {self.token if token is None else token}"),))

    async def close(self) -> None:
        """Kills what is left of the worker's group."""
        self.control.close()
        self.lifeline.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)
        await asyncio.wait(self._readers, timeout=2)
        for reader in self._readers:
            reader.cancel()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        while data := await asyncio.to_thread(os.read, self.process.stdout.fileno(), 65536):
            self.stdout += data

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        rest = b""
        while data := await asyncio.to_thread(os.read, self.process.stderr.fileno(), 65536):
            *lines, rest = (rest + data).split(b"\n")
            async with self.log_arrived:
                self.stderr_lines.extend(line.decode() for line in lines)
                self.log_arrived.notify_all()


def _spawn(entry: str, control: socket.socket, lifeline: socket.socket, cwd: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    # The shell puts the sockets at fd 3 and 4, whatever their numbers are here, and becomes the worker.
    c, life = control.fileno(), lifeline.fileno()
    command = f'exec 3<&{c} 4<&{life} {c}<&- {life}<&-; exec "$@"' if {c, life}.isdisjoint({3, 4}) else 'exec "$@"'
    assert {c, life}.isdisjoint({3, 4}), "pytest keeps the low descriptors"
    return subprocess.Popen(
        ["bash", "-c", command, "bash", sys.executable, "-u", "-P", "-m", "synapse_otp", "--entry", entry],
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(c, life),
        process_group=0,
    )


@dataclass
class Failed(Exception):
    """A call that ended with an error: its code, and the AgentError of its details."""

    code: grpc.StatusCode
    message: str
    error: pb.AgentError | None
    trailer_bytes: int
    chunks: list[pb.RunResponseChunk] = field(default_factory=list)


class Client:
    """Calls a worker as the host would."""

    def __init__(self, channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...]) -> None:
        self.channel = channel
        self.metadata = metadata
        self.stub: Any = AgentServiceStub(channel)  # type: ignore[no-untyped-call]

    async def run(self, prompt: str, *, timeout: float = DEADLINE_S, **fields: Any) -> pb.RunResponse:
        request = _request(prompt, fields)
        try:
            response: pb.RunResponse = await self.stub.Run(request, metadata=self.metadata, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise _failed(error, []) from error
        return response

    async def stream(self, prompt: str, *, timeout: float = DEADLINE_S, **fields: Any) -> list[pb.RunResponseChunk]:
        chunks: list[pb.RunResponseChunk] = []
        try:
            async for chunk in self.open_stream(prompt, timeout=timeout, **fields):
                chunks.append(chunk)
        except grpc.aio.AioRpcError as error:
            raise _failed(error, chunks) from error
        return chunks

    def open_stream(self, prompt: str, *, timeout: float = DEADLINE_S, **fields: Any) -> Any:
        return self.stub.RunStream(_request(prompt, fields), metadata=self.metadata, timeout=timeout)

    async def describe(self) -> pb.DescribeResponse:
        answer: pb.DescribeResponse = await self.stub.Describe(pb.DescribeRequest(), metadata=self.metadata, timeout=DEADLINE_S)
        return answer


def _request(prompt: str, fields: dict[str, Any]) -> pb.RunRequest:
    return pb.RunRequest(**{"agent_id": "test-agent", "prompt": prompt, "run_id": "run-1", "attempt": 1, **fields})


def _failed(error: grpc.aio.AioRpcError, chunks: list[pb.RunResponseChunk]) -> Failed:
    detail: pb.AgentError | None = None
    size = len(error.details() or "")
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            size += len(value) * 4 // 3
            status = Status.FromString(value)
            assert status.code == error.code().value[0]
            detail = pb.AgentError()
            assert status.details[0].Unpack(detail)
    return Failed(error.code(), error.details() or "", detail, size, chunks)


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # gone, or going while its file is read
        return False
    return state != "Z"


async def gone(pid: int) -> None:
    """Waits until a process is gone."""
    async with asyncio.timeout(DEADLINE_S):
        while alive(pid):
            await asyncio.sleep(0.005)
