"""What waits on its way to the host: joined, numbered without a gap, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic_ai.messages import PartDeltaEvent, TextPartDelta, ThinkingPartDelta, ToolCallPartDelta

from synapse_otp import outlet as outlet_module
from synapse_otp.events import Chunk, Chunks
from synapse_otp.outlet import JOINED_CHARS, MANY_STREAMS, WAITING_BYTES, Outlet


class Reader:
    """Takes messages one by one, when it is told to."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.open = asyncio.Event()

    async def send(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        await self.open.wait()

    @property
    def text(self) -> str:
        return "".join(chunk.data for chunk in self.chunks)


def text_event(text: str, index: int = 0) -> PartDeltaEvent:
    return PartDeltaEvent(index=index, delta=TextPartDelta(text))


async def write_all(outlet: Outlet, chunks: Chunks, *events: Any) -> None:
    for event in events:
        for chunk in chunks.of_event(event):
            await outlet.write(chunk)


def outlet_of(reader: Reader, max_bytes: int = 1024 * 1024) -> tuple[Outlet, Chunks]:
    chunks = Chunks("r", 1)
    return Outlet(reader.send, chunks, max_bytes), chunks


async def test_first_delta_is_on_its_way_when_it_is_written() -> None:
    reader = Reader()
    outlet, chunks = outlet_of(reader)
    await write_all(outlet, chunks, text_event("a"))
    assert reader.text == "a"
    outlet.close()


async def test_deltas_that_wait_are_one_message_and_numbers_have_no_gap() -> None:
    reader = Reader()
    outlet, chunks = outlet_of(reader)
    await write_all(outlet, chunks, *map(text_event, "abcdef"))
    await outlet.write(chunks.make(partial_output_json=b"1"))
    await write_all(outlet, chunks, *map(text_event, "gh"), text_event("x", index=1), text_event("y", index=1))
    chunks.step += 1
    await write_all(outlet, chunks, text_event("z", index=1))
    reader.open.set()
    await outlet.flush()
    assert [chunk.data for chunk in reader.chunks] == ["a", "bcdef", "", "gh", "xy", "z"]
    assert [chunk.seq for chunk in reader.chunks] == [1, 2, 3, 4, 5, 6]


async def test_thinking_and_arguments_of_one_part_are_joined_as_well() -> None:
    reader = Reader()
    outlet, chunks = outlet_of(reader)
    thinking = [PartDeltaEvent(index=0, delta=ThinkingPartDelta(content_delta=text)) for text in "abc"]
    args = [PartDeltaEvent(index=1, delta=ToolCallPartDelta(args_delta=text, tool_call_id="c")) for text in "123"]
    await write_all(outlet, chunks, *thinking, *args)
    reader.open.set()
    await outlet.flush()
    assert [chunk.thinking_delta.text for chunk in reader.chunks[:2]] == ["a", "bc"]
    (joined,) = [chunk.tool_args_delta for chunk in reader.chunks[2:]]
    assert (joined.text, joined.tool_call_id, joined.part_index) == ("123", "c", 1)


async def test_reader_that_sleeps_holds_up_the_writer_and_gets_everything_when_it_wakes() -> None:
    reader = Reader()
    outlet, chunks = outlet_of(reader)
    written = 0

    async def write() -> None:
        nonlocal written
        for written in range(1, 20_001):
            await write_all(outlet, chunks, text_event(f"{written:7} "))
        await outlet.flush()

    writing = asyncio.create_task(write())
    await until(lambda: written * 8 >= WAITING_BYTES)
    for _ in range(100):  # as many turns as it likes: it does not get on
        await asyncio.sleep(0)
    assert written * 8 <= WAITING_BYTES + 16
    assert len(reader.chunks) == 1
    reader.open.set()
    await writing
    assert reader.text == "".join(f"{number:7} " for number in range(1, 20_001))
    assert [chunk.seq for chunk in reader.chunks] == list(range(1, len(reader.chunks) + 1))
    assert [len(chunk.data) for chunk in reader.chunks[:5]] == [8, JOINED_CHARS, JOINED_CHARS, JOINED_CHARS, JOINED_CHARS]


async def test_writer_that_never_waits_is_read_while_it_writes() -> None:
    reader = Reader()
    reader.open.set()
    outlet, chunks = outlet_of(reader)
    written = 0
    async with asyncio.timeout(30):
        while len(reader.chunks) <= 10:
            await write_all(outlet, chunks, text_event(f"{written} "))
            written += 1
    await outlet.flush()
    assert reader.text == "".join(f"{number} " for number in range(written))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every test closes its outlet."""
    monkeypatch.setattr(Outlet, "open", 0)


@pytest.fixture
def many(alone: None) -> None:  # noqa: ARG001
    """Other runs that stream."""
    for _ in range(MANY_STREAMS - 1):
        outlet_of(Reader())


async def test_outlet_that_is_closed_streams_no_more() -> None:
    outlet, _ = outlet_of(Reader())
    assert Outlet.open == 1
    outlet.close()
    outlet.close()
    assert Outlet.open == 0


def patient(monkeypatch: pytest.MonkeyPatch) -> tuple[Reader, Outlet, Chunks]:
    """A reader that takes all at once, of an outlet that may wait for a minute."""
    monkeypatch.setattr(outlet_module, "PACE_S", 60.0)
    reader = Reader()
    reader.open.set()
    return reader, *outlet_of(reader)


async def test_deltas_of_a_run_that_streams_alone_are_messages_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, outlet, chunks = patient(monkeypatch)
    for event in map(text_event, "abcdef"):
        await write_all(outlet, chunks, event)
        await until(lambda: outlet._sender is None)
    assert [chunk.data for chunk in reader.chunks] == list("abcdef")
    outlet.close()


@pytest.mark.usefixtures("many")
async def test_deltas_of_many_streams_that_follow_each_other_closely_are_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, outlet, chunks = patient(monkeypatch)
    for event in map(text_event, "abcdef"):
        await write_all(outlet, chunks, event)
        await turns()
    assert [chunk.data for chunk in reader.chunks] == ["a"]
    assert outlet._size == len("bcdef")
    outlet.close()


@pytest.mark.usefixtures("many")
async def test_delta_waits_for_others_no_longer_than_the_pace() -> None:
    reader = Reader()
    reader.open.set()
    outlet, chunks = outlet_of(reader)
    await write_all(outlet, chunks, *map(text_event, "abc"))
    await until(lambda: reader.text == "abc")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("last", ["another part", "a large text", "the end"])
async def test_delta_waits_for_no_others_when_none_can_be_joined(last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    reader.open.set()
    outlet, chunks = outlet_of(reader)
    await write_all(outlet, chunks, text_event("a"))
    await until(lambda: reader.text == "a" and outlet._sender is None)
    monkeypatch.setattr(outlet_module, "PACE_S", 60.0)
    await write_all(outlet, chunks, text_event("b"))
    await turns()
    assert reader.text == "a"
    match last:
        case "another part":
            await outlet.write(chunks.make(partial_output_json=b"1"))
            await until(lambda: len(reader.chunks) == 3)
        case "a large text":
            await write_all(outlet, chunks, text_event("c" * (JOINED_CHARS - 1)))
        case _:
            await outlet.flush()
    await until(lambda: reader.text.startswith("ab"))
    assert [chunk.seq for chunk in reader.chunks] == list(range(1, len(reader.chunks) + 1))


async def test_joined_text_is_no_larger_than_a_message_may_be() -> None:
    reader = Reader()
    outlet, chunks = outlet_of(reader, max_bytes=1_024)
    await write_all(outlet, chunks, *(text_event("\N{PILE OF POO}" * 50) for _ in range(50)))
    reader.open.set()
    await outlet.flush()
    assert max(chunk.ByteSize() for chunk in reader.chunks) <= 1_024
    assert reader.text == "\N{PILE OF POO}" * 2_500


async def test_what_sending_raises_is_the_writers() -> None:
    async def send(_chunk: Chunk) -> None:
        raise ConnectionResetError("the reader of this test is gone")

    chunks = Chunks("r", 1)
    outlet = Outlet(send, chunks, 1_024)
    with pytest.raises(ConnectionResetError, match="of this test"):
        await write_all(outlet, chunks, *map(text_event, "ab"))
    with pytest.raises(ConnectionResetError, match="of this test"):
        await outlet.flush()


async def test_closed_outlet_sends_nothing_more() -> None:
    reader = Reader()
    outlet, chunks = outlet_of(reader)
    await write_all(outlet, chunks, *map(text_event, "abc"))
    outlet.close()
    reader.open.set()
    await until(lambda: outlet._sender is None)
    assert reader.text == "a"


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)
