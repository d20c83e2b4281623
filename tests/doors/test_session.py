"""What goes out to one who speaks JSON-RPC: answers, notifications and text, in its language."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from doors.play import Play, door, read, request
from doors.wire import visit


async def test_deltas_come_before_the_result(place: Path) -> None:
    """The first text comes at once, the rest is gathered, and all of it is there before the result, numbered."""
    async with door(place, Play()), visit(place / "s") as wire:
        for _ in range(2):
            wire.send(request(1, "stream", pieces=["a", "b", "c", "d"]))
            messages = [await read(wire) for _ in range(3)]
            assert [m.get("method", "result") for m in messages] == ["delta", "delta", "result"]
            assert messages[0]["params"] == {"id": 1, "call": "c1", "seq": 1, "text": "a"}
            assert messages[1]["params"] == {"id": 1, "call": "c1", "seq": 2, "text": "bcd"}
            assert messages[2]["result"]["text"] == "abcd"


async def test_gathered_text_goes_out_by_itself(place: Path) -> None:
    """Gathered text does not wait for the result."""
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        for piece in "abc":
            play.session.delta(1, "c1", piece)
        assert [(await read(wire))["params"]["text"] for _ in range(2)] == ["a", "bc"]


async def test_a_slow_reader_gets_the_newest(place: Path) -> None:
    """While the visitor does not read, queue news is replaced and text is gathered: nothing is lost, little is kept."""
    async with door(place, Play()), visit(place / "s") as wire:
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
        wire.send(request(1, "flood", times=3000))
        for _ in range(20):
            await asyncio.sleep(0)
        wire.reader._transport.resume_reading()  # type: ignore[attr-defined]
        queue, text, answer = [], "", None
        while answer is None:
            message = await read(wire)
            if message.get("method") == "queue":
                queue.append(message["params"]["n"])
            elif message.get("method") == "delta":
                text += message["params"]["text"]
            else:
                answer = message
        assert len(text) == 3_000_000
        assert len(queue) < 3000
        assert queue == sorted(queue)


async def test_a_visitor_who_never_reads_is_cut(place: Path) -> None:
    """There is an end to what waits for it."""
    play = Play()
    async with door(place, play) as rpc, visit(place / "s") as wire:
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
        wire.send(request(1, "flood", times=20_000))
        await asyncio.wait_for(play.closed.wait(), 5)
        assert rpc.connections == 0


async def test_what_goes_out_can_be_read_by_emacs(place: Path) -> None:
    """No NUL, no half surrogate, no number that JSON does not have."""
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(request(1, "odd"))
        line = await wire.line()
    assert b"\\u0000b" not in line.replace(b"\\\\u0000", b"")
    result = json.loads(line, parse_constant=lambda name: pytest.fail(name))["result"]
    assert result == {"nul": "ab\\u0000", "half": "?", "inf": None, "nan": [None, 1.5], "other": "{1}"}


async def test_closing_actions_run(place: Path) -> None:
    """A subscription ends with its connection."""
    play = Play()
    async with door(place, play):
        async with visit(place / "s") as wire:
            wire.send(request(1, "flood", times=0))
            await read(wire)
        await asyncio.wait_for(play.closed.wait(), 5)


async def test_a_connection_that_said_what_it_reads(place: Path) -> None:
    """After `hello` with a language all words on this connection are in it, notifications and bad requests, too."""
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "listen", language="zh"))
        note, answer = await read(wire), await read(wire)
        assert note["params"] == {"queue": [{"waits_for": "轮到它", "place": 1}]}
        assert answer["result"] == {}
        wire.send(b'{"jsonrpc":"2.0","id":2,"method":"echo","params":[]}\n' + request(3, "words"))
        assert (await read(wire))["error"]["message"] == "params 要用带名字的对象，不能用列表"
        assert (await read(wire))["error"]["message"].startswith("记录里没有请求 'c1'")
