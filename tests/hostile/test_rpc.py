"""Rows 29 to 34 of the table: what a client can send as JSON-RPC, on both ways in, whole and byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from doors.wire import pour
from hostile.house import House, Where, house

ENDS: dict[str, tuple[bytes, int]] = {
    "29 a length of 99999999999": (b"Content-Length: 99999999999\r\n\r\n{", -32600),
    "29 a length below zero": (b"Content-Length: -1\r\n\r\n{}", -32600),
    "29 no length": (b"Content-Type: application/json\r\n\r\n{}", -32600),
    "29 two lengths": (b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", -32600),
    "29 a length in hex": (b"Content-Length: 0x10\r\n\r\n{}", -32600),
    "30 a header without an end": (b"Content-Length: 2\r\nContent-Type: " + b"x" * 5000, -32600),
}
"""What ends the connection: after the first good frame, whose kind it is."""

GOES_ON: dict[str, tuple[bytes, int]] = {
    "31 a depth of 100,000": (
        b'{"id":1,"method":"echo","params":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        -32700,
    ),
    "31 a number of 5,000 digits": (b'{"id":1,"method":"echo","params":{"a":' + b"1" * 5000 + b"}}", -32700),
    "32 NaN": (b'{"id":1,"method":"echo","params":{"a":NaN}}', -32700),
    "32 1e999": (b'{"id":1,"method":"echo","params":{"a":1e999}}', -32700),
    "32 a BOM": (b'\xef\xbb\xbf{"id":1,"method":"echo"}', -32700),
    "32 half a surrogate pair": (b'{"id":1,"method":"echo","params":{"a":"\\ud800"}}', -32602),
    "33 id null": (b'{"id":null,"method":"echo"}', -32600),
    "33 id an object": (b'{"id":{},"method":"echo"}', -32600),
    "33 id 1e308": (b'{"id":1e308,"method":"echo"}', -32600),
    "33 an id of 500 kB": (b'{"id":"' + b"x" * 500_000 + b'","method":"echo"}', -32600),
    "33 a batch of 100,000": (b"[" + b",".join([b"{}"] * 100_000) + b"]", -32600),
}
GOOD = {
    "32 a name twice": (b'{"id":1,"method":"echo","params":{"a":1,"a":2}}', {"a": 2}),
    "32 NUL": (b'{"id":1,"method":"echo","params":{"a":"\\u0000"}}', None),
    "34 cancelling nothing": (
        b'{"method":"$/cancelRequest","params":{"id":99}}\n{"id":1,"method":"echo","params":{}}',
        {},
    ),
}


def ways(cases: dict[str, Any]) -> Any:
    """Each on each way in, whole, and byte by byte unless it is long."""
    return pytest.mark.parametrize(
        ("name", "where", "at_once"),
        [
            pytest.param(name, where, at_once, id=f"{name} {where} {'whole' if at_once else 'bytes'}")
            for name, (data, _) in cases.items()
            for where in ("unix", "tcp")
            for at_once in ((True, False) if len(data) < 10_000 else (True,))
        ],
    )


async def said(home: House, where: Where, hello: bytes, data: bytes, *, at_once: bool, end: bytes = b"") -> bytes:
    """All that is answered to HELLO and DATA until the daemon closes or END has come."""
    loop = asyncio.get_running_loop()
    with await home.connect(where) as sock:
        await loop.sock_sendall(sock, hello)
        got = await asyncio.wait_for(loop.sock_recv(sock, 1 << 16), 5)
        assert b"protocol" in got
        await pour(sock, data, at_once=at_once)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := await asyncio.wait_for(loop.sock_recv(sock, 1 << 16), 5):
                got += piece
                if end and end in got:
                    break
        return got


def hello(home: House) -> bytes:
    """The first request, with the token that only TCP needs."""
    return json.dumps({"id": 0, "method": "hello", "params": {"token": home.token.decode()}}).encode()


@ways(ENDS)
async def test_what_ends_the_connection(place: Path, name: str, where: Where, at_once: bool) -> None:
    """One error that names no input, then the end; the next visitor is served."""
    data, code = ENDS[name]
    async with house(place) as home:
        first = hello(home)
        frame = b"Content-Length: %d\r\n\r\n%b" % (len(first), first)
        got = await said(home, where, frame, data, at_once=at_once)
        error = json.loads(got.partition(b"\r\n\r\n")[2])["error"]
        assert error["code"] == code
        again = await said(home, where, first + b"\n", b'{"id":7,"method":"echo"}\n', at_once=True, end=b'"id":7')
        assert json.loads(again)["result"] == {}


@ways(GOES_ON)
async def test_what_is_refused(place: Path, name: str, where: Where, at_once: bool) -> None:
    """A defined error, never an internal one, short whatever came; the connection lives."""
    data, code = GOES_ON[name]
    async with house(place) as home:
        after = b'\n{"id":"after","method":"echo"}\n'
        got = await said(home, where, hello(home) + b"\n", data + after, at_once=at_once, end=b'"after"')
    first, last = (json.loads(line) for line in got.splitlines())
    assert first["error"]["code"] == code
    assert len(got) < 1000
    assert last["result"] == {}


@ways(GOOD)
async def test_what_is_odd_but_good(place: Path, name: str, where: Where, at_once: bool) -> None:
    """Plain JSON is taken, and what comes back can be read by every reader."""
    data, result = GOOD[name]
    async with house(place) as home:
        got = await said(home, where, hello(home) + b"\n", data + b"\n", at_once=at_once, end=b'"id":1')
    answer = json.loads(got)
    assert "error" not in answer
    assert result is None or answer["result"] == result
    assert b"\\u0000" not in got


@pytest.mark.parametrize("where", ["unix", "tcp"])
async def test_a_flood_of_notifications(place: Path, where: Where) -> None:
    """Row 33: of 5,000 without an id more run at once than one connection may have, so it is told that, once, and is
    closed; what stands behind them is not begun. The next visitor is served."""
    async with house(place) as home:
        flood = b'{"method":"echo"}\n' * 5_000 + b'{"id":"after","method":"hello"}\n'
        got = await said(home, where, hello(home) + b"\n", flood, at_once=True)
        again = await said(home, where, hello(home) + b"\n", b'{"id":7,"method":"echo"}\n', at_once=True, end=b'"id":7')
    (line,) = got.splitlines()
    answer = json.loads(line)
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)
    assert "1000 requests run on this connection" in answer["error"]["message"]
    assert "closed" in answer["error"]["message"]
    assert json.loads(again)["result"] == {}


async def test_notifications_that_are_no_flood(place: Path) -> None:
    """As many as may run at once are taken, and what stands behind them is answered."""
    async with house(place) as home:
        many = b'{"method":"echo"}\n' * 999 + b'{"id":"after","method":"hello"}\n'
        got = await said(home, "unix", hello(home) + b"\n", many, at_once=True, end=b'"after"')
    assert json.loads(got) == {"jsonrpc": "2.0", "id": "after", "result": {"protocol": 1}}
