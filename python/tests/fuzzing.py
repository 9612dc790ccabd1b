"""What the fuzz tests share: one servicer on a Unix socket in this process, called with raw bytes, and everything that must not be seen."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status
from pydantic_ai import Agent

from synapse_otp.control import HostHello
from synapse_otp.server import AgentServer
from synapse_otp.v1 import agent_pb2 as pb

SERVICE = "synapse_otp.v1.AgentService"
DEADLINE_S = 30.0
MAX_BYTES = 32 * 1024 * 1024


@dataclass
class Ended:
    """How one call ended: what it answered, and its status."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""
    error: pb.AgentError | None = None
    answers: list[bytes] = field(default_factory=list)


class Served:
    """Calls the servicer with bytes as they are."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._channel = channel
        self._metadata = (("authorization", f"Bearer {token}"),)

    async def unary(self, method: str, request: bytes, service: str = SERVICE) -> Ended:
        call: Any = self._channel.unary_unary(f"/{service}/{method}")
        return await _ended(_one(call(request, metadata=self._metadata, timeout=DEADLINE_S)))

    async def stream(self, method: str, request: bytes, service: str = SERVICE) -> Ended:
        call: Any = self._channel.unary_stream(f"/{service}/{method}")
        return await _ended(call(request, metadata=self._metadata, timeout=DEADLINE_S))

    async def session(self, messages: Iterable[bytes], reply: Callable[[bytes], Iterable[bytes]] = lambda _answer: ()) -> Ended:
        """Sends the messages, and what `reply` makes of each answer; closes its side when the worker has ended.

        A worker may end the call while something is sent to it. gRPC's client then says of some calls that its own sending has failed, and
        not how they have ended: such a call is made again.
        """
        while (ended := await self._session(messages, reply)).message == "Internal error from Core":
            continue
        return ended

    async def _session(self, messages: Iterable[bytes], reply: Callable[[bytes], Iterable[bytes]]) -> Ended:
        call: Any = self._channel.stream_stream(f"/{SERVICE}/RunSession")(metadata=self._metadata, timeout=DEADLINE_S)

        async def send(messages: Iterable[bytes]) -> None:
            # The worker may have ended the call; how is told to whoever reads.
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                for message in messages:
                    await call.write(message)

        async def read() -> AsyncIterator[bytes]:
            await send(messages)
            while (answer := await call.read()) is not grpc.aio.EOF:
                yield answer
                await send(reply(answer))

        try:
            return await _ended(read())
        finally:
            call.cancel()

    async def run(self, prompt: str, **fields: Any) -> pb.RunResponse:
        """A plain run, which has to answer."""
        ended = await self.unary("Run", pb.RunRequest(prompt=prompt, **fields).SerializeToString())
        assert ended.code == grpc.StatusCode.OK, (ended.code, ended.message)
        return pb.RunResponse.FromString(ended.answers[0])


async def _one(call: Any) -> AsyncIterator[bytes]:
    yield await call


async def _ended(answers: AsyncIterator[bytes]) -> Ended:
    ended = Ended()
    try:
        async for answer in answers:
            ended.answers.append(answer)
    except grpc.aio.AioRpcError as error:
        ended.code, ended.message = error.code(), error.details() or ""
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                ended.error = pb.AgentError()
                assert Status.FromString(value).details[0].Unpack(ended.error)
    return ended


class Complaints(logging.Handler):
    """What nobody has handled: errors that gRPC and the event loop log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@asynccontextmanager
async def serving(agent: Agent[Any, Any]) -> AsyncIterator[Served]:
    """Serves an agent; at the end nothing may have gone unhandled, and it has to be serving still."""
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    with tempfile.TemporaryDirectory(prefix="syn-") as folder:
        token, path = secrets.token_hex(32), str(Path(folder) / "s")
        hello = HostHello(agentId="fuzzed", incarnation=1, socketPath=path, token=token, maxMessageBytes=MAX_BYTES)
        server = AgentServer(agent, "fuzzed.py:agent", hello)
        await server.start()
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        try:
            async with grpc.aio.insecure_channel(f"unix:{path}", options=options) as channel:
                yield Served(channel, token)
        finally:
            assert server._server is not None
            await server._server.stop(0)
            logging.getLogger().removeHandler(complaints)
    assert not complaints.lines


def mutate(data: bytes, rng: random.Random) -> bytes:
    """The same, a little wrong: cut short, with bytes changed, doubled, or with something between."""
    at = rng.randrange(len(data) + 1)
    match rng.randrange(4):
        case 0:
            return data[:at]
        case 1:
            changed = bytearray(data)
            for _ in range(rng.randrange(1, 5)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            return bytes(changed)
        case 2:
            return data + data[at:]
    return data[:at] + rng.randbytes(rng.randrange(1, 9)) + data[at:]
