"""The life of a JSON-RPC connection over a real Unix socket, from its first byte to its end, and the door for all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.doors.crowd import Crowd
from daemon.doors.dispatch import CODE_OF
from daemon.errors import ShuttingDown
from doors.play import Play, door, read, request
from doors.wire import visit


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until that is TRUE."""
    while not true():  # noqa: ASYNC110 - another task's, which tells nobody
        await asyncio.sleep(0)


@pytest.mark.parametrize("style", ["lines", "frames"])
async def test_both_framings_split_at_every_byte(place: Path, style: str) -> None:
    """A request is answered in its own framing, wherever it is cut."""
    body = request(7, "echo", text="é🦊").strip()
    data = body + b"\n" if style == "lines" else b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    async with door(place, Play()):
        for at in range(1, len(data), 3):
            async with visit(place / "s") as wire:
                wire.send(data[:at])
                await asyncio.sleep(0)
                wire.send(data[at:])
                if style == "frames":
                    length = int((await wire.line()).split(b": ")[1])
                    assert await wire.line() == b"\r\n"
                    answer = json.loads(await wire.exactly(length))
                else:
                    answer = await read(wire)
            assert answer == {"jsonrpc": "2.0", "id": 7, "result": {"text": "é🦊"}}


async def test_a_framing_error_closes(place: Path) -> None:
    """When the stream cannot be followed any more, that is said once and the connection ends."""
    async with door(place, Play()) as rpc, visit(place / "s") as wire:
        wire.send(b"Content-Length: 99999999999\r\n\r\n")
        data = await wire.rest()
        assert b"-32600" in data
        assert b"max_body" in data
        await asyncio.sleep(0)
        assert rpc.connections == 0


@pytest.mark.parametrize(
    "half",
    [
        b'{"jsonrpc":"2.0","id":1,"meth',
        b"Content-Length: 70",
        b"Content-Length: 70\r\n\r\n{",
        request(1, "echo") + b"{",
    ],
    ids=["a line", "a header", "a frame", "the second line"],
)
async def test_half_a_message(place: Path, half: bytes) -> None:
    """Who does not go on with a message is told so and sent away; who has ended each may be silent as long as it likes,
    also after a space."""
    async with door(place, Play(), patience_s=0.02) as rpc, visit(place / "s") as quiet, visit(place / "s") as wire:
        quiet.send(request(1, "echo") + b" ")
        await read(quiet)
        wire.send(half)
        said = (await wire.rest()).splitlines()[-1]
        error = json.loads(said)["error"]
        assert error["code"] == -32600
        assert "0.02 s (setting timeouts.body)" in error["message"]
        await asyncio.sleep(0)
        assert rpc.connections == 1
        quiet.send(request(2, "echo"))
        assert (await read(quiet))["id"] == 2


async def test_a_message_that_comes_slowly(place: Path) -> None:
    """The time is for the next piece, as it is for a body: each begins it anew."""
    async with door(place, Play(), patience_s=5.0) as rpc, visit(place / "s") as wire:
        data = request(1, "echo")
        wire.send(data[:10])
        await until(lambda: rpc.connections)
        (connection,) = rpc._open
        first = connection._watchdog._deadline
        wire.send(data[10:20])
        await until(lambda: connection._framer.pending() == 20)
        assert first is not None
        assert (connection._watchdog._deadline or 0) > first
        wire.send(data[20:])
        assert (await read(wire))["id"] == 1
        assert connection._watchdog._deadline is None


async def test_too_many_connections(place: Path) -> None:
    """One more than the limit is told to come back, by the request's own id if it has said that, and sent away; those
    that are in stay, and who leaves makes room."""
    async with door(place, Play(), crowd=Crowd(1)) as rpc:
        async with visit(place / "s") as first:
            first.send(request(1, "echo"))
            assert (await read(first))["id"] == 1
            for said, tag in ((request(7, "shutdown") * 2, 7), (b'{"id":7', None), (b"[1]\n", None), (b"{]\n", None)):
                async with visit(place / "s") as second:
                    second.send(said)
                    (line,) = (await second.rest()).splitlines()
                answer = json.loads(line)
                assert (answer["id"], answer["error"]["code"]) == (tag, CODE_OF[ShuttingDown])
                assert answer["error"]["data"] == {"kind": "shutting_down", "retry_after_s": 1}
                assert "no more connections" in answer["error"]["message"]
            first.send(request(2, "echo"))
            assert (await read(first))["id"] == 2
        await until(lambda: not rpc.connections)
        async with visit(place / "s") as third:
            third.send(request(3, "echo"))
            assert (await read(third))["id"] == 3


async def test_draining_waits_for_what_runs(place: Path) -> None:
    """`drained` ends when the running operations have."""
    play = Play()
    async with door(place, play) as rpc, visit(place / "s") as wire:
        wire.send(request(1, "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        waiting = asyncio.create_task(rpc.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
        play.go_on.set()
        await asyncio.wait_for(waiting, 5)
        assert (await read(wire))["result"] == {"waited": True}
        rpc.close()
        assert await wire.rest() == b""
