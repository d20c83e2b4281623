"""Rows 1 to 22, 38 and 41 of the table: what a client can send as HTTP, on both ways in, whole and byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import resource
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hostile.house import HOST, KEY, QUICK, House, Where, house, post
from stage.origin import Visit

PLAIN = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {KEY}\r\n".encode()
CHUNKED = PLAIN + b"Transfer-Encoding: chunked\r\n\r\n"
HOST_LINE = f"Host: {HOST}\r\n".encode()


@dataclass(frozen=True)
class Case:
    """One input and what is answered."""

    row: int
    name: str
    data: bytes
    status: tuple[int, ...] = (400,)
    kind: str = "sluice_invalid_call"


def of_row(row: int, inputs: dict[str, bytes], *status: int, kind: str = "sluice_invalid_call") -> list[Case]:
    """The cases of one row, all with the same answer."""
    return [Case(row, name, data, status or (400,), kind) for name, data in inputs.items()]


REFUSED = [
    *of_row(1, {"length and chunks": PLAIN + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}),
    *of_row(
        2,
        {
            "two equal lengths": PLAIN + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            "two lengths": PLAIN + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "a list of lengths": PLAIN + b"Content-Length: 5, 5\r\n\r\nabcde",
            "a length with plus": PLAIN + b"Content-Length: +5\r\n\r\nabcde",
            "a length below zero": PLAIN + b"Content-Length: -1\r\n\r\n",
            "a length in hex": PLAIN + b"Content-Length: 0x5\r\n\r\nabcde",
            "an empty length": PLAIN + b"Content-Length: \r\n\r\n",
        },
    ),
    *of_row(
        3,
        {
            "gzip, chunked": PLAIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "chunked, gzip": PLAIN + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            "gzip alone": PLAIN + b"Transfer-Encoding: gzip\r\n\r\n",
            "gzip and chunked on two lines": PLAIN
            + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunked twice": PLAIN + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "identity": PLAIN + b"Transfer-Encoding: identity\r\n\r\n",
        },
    ),
    *of_row(
        4,
        {
            "space before the colon": PLAIN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            "xchunked": PLAIN + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "chunk size ZZ": CHUNKED + b"ZZ\r\nabc\r\n",
            "chunk size ZZ later": CHUNKED + b"3\r\nabc\r\nZZ\r\n",
            "chunk size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
            "chunk size with plus": CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n",
            "LF in a chunk extension": CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
            "chunk size ended by LF": CHUNKED + b"3\nabc\n0\n\n",
            "more data than the chunk's size": CHUNKED + b"2\r\nabcdef\r\n0\r\n\r\n",
        },
    ),
    *of_row(5, {"a chunk of 2^64 bytes, then silence": CHUNKED + b"ffffffffffffffff\r\nabc"}, 400, 408, 413),
    *of_row(
        6,
        {
            "bare line feeds": PLAIN.replace(b"\r\n", b"\n") + b"\n",
            "one bare line feed": PLAIN + b"X-A: 1\nX-B: 2\r\n\r\n",
            "a folded field": PLAIN + b"X-A: 1\r\n  2\r\n\r\n",
            "a folded first field": PLAIN.replace(b"\r\nHost", b"\r\n Host") + b"\r\n",
        },
    ),
    *of_row(
        7,
        {
            "no Host": PLAIN.replace(HOST_LINE, b"") + b"\r\n",
            "no Host, but a host in the path": PLAIN.replace(HOST_LINE, b"").replace(b"/v1", f"/to/{HOST}/v1".encode())
            + b"\r\n",
            "an empty Host": PLAIN.replace(HOST_LINE, b"Host: \r\n") + b"\r\n",
            "two Hosts": PLAIN + b"Host: b\r\n\r\n",
            "the same Host twice": PLAIN + HOST_LINE + b"\r\n",
        },
    ),
    *of_row(
        8,
        {
            "NUL at the end of the key": PLAIN[:-2] + b"\0\r\n\r\n",
            "NUL within the key": PLAIN.replace(b"hostile", b"hos\0tile") + b"\r\n",
        },
    ),
    *of_row(
        9,
        {
            "CR in a value": PLAIN[:-2] + b"\rX: 1\r\n\r\n",
            "a strange field name": PLAIN + b"X(: 1\r\n\r\n",
            "a field name in UTF-8": PLAIN + "Ключ: 1\r\n\r\n".encode(),
            "a field without a name": PLAIN + b": 1\r\n\r\n",
            "a field without a colon": PLAIN + b"X\r\n\r\n",
        },
    ),
    *of_row(
        10,
        {
            "a value that is not UTF-8": PLAIN[:-2] + b"\xff\r\n\r\n",
            "half a letter": PLAIN + b"X-A: \xe4\xb8\r\n\r\n",
        },
    ),
    *of_row(
        11,
        {
            "a target of 20,000 bytes": PLAIN.replace(b"/v1", b"/" + b"x" * 20_000) + b"\r\n",
            "a field of 20,000 bytes": PLAIN + b"X-A: " + b"x" * 20_000 + b"\r\n\r\n",
            "a field name of 20,000 bytes": PLAIN + b"X" * 20_000 + b": 1\r\n\r\n",
            "200 fields": PLAIN + b"X-A: 1\r\n" * 200 + b"\r\n",
            "40,000 fields": PLAIN + b"X-A: 1\r\n" * 40_000 + b"\r\n",
        },
    ),
    *of_row(
        12,
        {
            "a declared body over the limit": PLAIN + b"Content-Length: 1048577\r\n\r\n",
            "a body in chunks over the limit": CHUNKED + b"100001\r\n" + b"x" * 0x100001 + b"\r\n0\r\n\r\n",
        },
        413,
        kind="sluice_body_too_large",
    ),
    *of_row(
        14,
        {
            "a line of HTTP/0.9": b"GET /\r\n\r\n",
            "HTTP/2.0 in the line": PLAIN.replace(b"HTTP/1.1", b"HTTP/2.0") + b"\r\n",
            "HTTP/1.2 in the line": PLAIN.replace(b"HTTP/1.1", b"HTTP/1.2") + b"\r\n",
            "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60,
            "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
            "zeros": b"\x00" * 64,
        },
        400,
        505,
    ),
    *of_row(
        15,
        {
            "CONNECT": f"CONNECT {HOST}:443 HTTP/1.1\r\n".encode() + HOST_LINE + b"\r\n",
            "an absolute target": PLAIN.replace(b" /v1", b" http://169.254.169.254/v1") + b"\r\n",
            "an absolute target to the same host": PLAIN.replace(b" /v1", f" http://{HOST}/v1".encode()) + b"\r\n",
            "two slashes": PLAIN.replace(b" /v1", b" //evil/v1") + b"\r\n",
            "an asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST_LINE + b"\r\n",
            "no slash": PLAIN.replace(b" /v1", b" v1") + b"\r\n",
            "a target that is not ASCII": PLAIN.replace(b"/v1", b"/\xe4\xff") + b"\r\n",
        },
    ),
    *of_row(
        17,
        {
            "Connection names a key": PLAIN + b"Connection: x-api-key, close\r\n\r\n",
            "Connection names the length": PLAIN + b"Connection: content-length\r\n\r\n",
            "Connection names the key on a second line": PLAIN
            + b"Connection: close\r\nConnection: authorization\r\n\r\n",
        },
    ),
    *of_row(
        18,
        {
            "WebSocket": PLAIN + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "HTTP/2 in the clear": PLAIN + b"Connection: close\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        },
        501,
    ),
    *of_row(19, {"Expect: tea": PLAIN + b"Expect: tea\r\n\r\n"}, 417),
    *of_row(
        39,
        {"a key in the Host field": PLAIN.replace(HOST_LINE, f"Host: u:{KEY}@{HOST}\r\n".encode()) + b"\r\n"},
        400,
        403,
    ),
    *of_row(
        41,
        {
            "shell text as a method": PLAIN.replace(b"POST", b"GET;id") + b"\r\n",
            "a substitution as a method": PLAIN.replace(b"POST", b"$(id)") + b"\r\n",
            "an unknown method": PLAIN.replace(b"POST", b"BREW") + b"\r\n",
            "TRACE": PLAIN.replace(b"POST", b"TRACE") + b"\r\n",
            "a method in small letters": PLAIN.replace(b"POST", b"post") + b"\r\n",
        },
    ),
]

BROWSER = [
    *of_row(
        38,
        {
            "Origin": PLAIN + b"Origin: https://evil.com\r\n\r\n",
            "Origin null": PLAIN + b"Origin: null\r\n\r\n",
            "Referer": PLAIN + b"Referer: https://evil.com/\r\n\r\n",
            "Sec-Fetch": PLAIN + b"Sec-Fetch-Mode: no-cors\r\n\r\n",
            "an operation": b"POST /_sluice/shutdown HTTP/1.1\r\n" + HOST_LINE + b"Origin: https://evil.com\r\n\r\n",
            "a preflight": b"OPTIONS /v1 HTTP/1.1\r\n" + HOST_LINE + b"Origin: https://evil.com\r\n\r\n",
        },
        403,
        kind="sluice_not_allowed",
    ),
]
REBOUND = [
    *of_row(
        38,
        {
            "Host evil.com": PLAIN.replace(HOST_LINE, b"Host: evil.com\r\nX-Sluice-Token: %b\r\n") + b"\r\n",
            "another port": PLAIN.replace(HOST_LINE, b"Host: 127.0.0.1:1\r\nX-Sluice-Token: %b\r\n") + b"\r\n",
            "the provider as Host": PLAIN.replace(HOST_LINE, HOST_LINE + b"X-Sluice-Token: %b\r\n") + b"\r\n",
        },
        403,
        kind="sluice_not_allowed",
    ),
]
CASES = [*REFUSED, *BROWSER, *REBOUND]


def ways(cases: Iterable[Case], *wheres: Where) -> Any:
    """Each case on each way in: whole, and byte by byte unless it is long."""
    return pytest.mark.parametrize(
        ("case", "where", "at_once"),
        [
            pytest.param(case, where, at_once, id=f"{case.row} {case.name} {where} {'whole' if at_once else 'bytes'}")
            for case in cases
            for where in wheres
            for at_once in ((True, False) if len(case.data) < 25_000 else (True,))
        ],
    )


def judged(answer: bytes, case: Case) -> Any:
    """The error of ANSWER, which must be the right one, ours, and repeat nothing."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1."), answer
    assert int(head.split(b" ")[1]) in case.status, answer
    assert b" 1" not in head[8:10]
    assert KEY.encode() not in answer
    error = json.loads(body)["error"]
    assert error["message"]
    assert "\n" not in error["message"]
    return error


@ways(REFUSED, "unix", "tcp")
async def test_refused(place: Path, case: Case, where: Where, at_once: bool, caplog: pytest.LogCaptureFixture) -> None:
    """An error of ours with the right status; the key is nowhere; the provider is not even connected to."""
    with caplog.at_level(logging.DEBUG, logger="sluice"):
        async with house(place) as home:
            answer = await home.ask(case.data, where, at_once=at_once)
            assert home.provider.visits == []
    error = judged(answer, case)
    assert error["type"] in (case.kind, "sluice_not_allowed" if 403 in case.status else case.kind)
    assert KEY not in caplog.text


@ways(BROWSER, "tcp")
async def test_browsers(place: Path, case: Case, where: Where, at_once: bool) -> None:
    """A page gets 403 and no field that would let it read more, although the token was there."""
    async with house(place) as home:
        answer = await home.ask(case.data, where, at_once=at_once)
        assert home.provider.visits == []
    assert judged(answer, case)["type"] == case.kind
    assert b"access-control" not in answer.lower()


@ways(REBOUND, "tcp")
async def test_rebound_names(place: Path, case: Case, where: Where, at_once: bool) -> None:
    """A page whose name leads to 127.0.0.1 sends its own name; with the right token it is still not ours."""
    async with house(place) as home:
        data = case.data.replace(b"%b", home.token)
        answer = await home.exchange(data, where, at_once=at_once)
        assert home.token not in answer
        assert home.provider.visits == []
    assert judged(answer, case)["type"] == case.kind


# ---- what is passed on

PASSED = {
    "11 a target of 9,000 bytes": ("/v1/" + "x" * 9_000, ()),
    "11 a field of 9,000 bytes": ("/v1/models", ("X-A: " + "x" * 9_000,)),
    "16 dots": ("/v1/../../etc/passwd", ()),
    "16 dots to our operations": ("/x/../_sluice/shutdown", ()),
    "16 encoded dots": ("/v1/%2e%2e/%2E%2E/", ()),
    "16 NUL": ("/v1/%00", ()),
    "16 a backslash": ("/v1\\..\\x", ()),
    "16 another route's prefix inside": ("/v1/to/evil.com/x", ()),
    "39 a key in the query": (f"/v1/models?key={KEY}&alt=sse", ()),
    "39 a key in a field of one's own": ("/v1/models", (f"x-my-token: {KEY}",)),
}


@pytest.mark.parametrize("at_once", [True, False], ids=["whole", "bytes"])
@pytest.mark.parametrize("where", ["unix", "tcp"])
@pytest.mark.parametrize("name", PASSED)
async def test_passed_on(place: Path, name: str, where: Where, at_once: bool, canary: Any) -> None:
    """Byte for byte, never normalised into another route; what is stored and said of it has no key."""
    target, lines = PASSED[name]
    async with house(place) as home:
        answer = await home.ask(post(*lines, target=target), where, at_once=at_once)
        head = home.provider.visits[0].heads[0]
        canary.see("events of a call", repr(home.events))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert head.split(b"\r\n")[0] == f"POST {target} HTTP/1.1".encode()
    assert all(line.encode() in head for line in lines)
    assert b"x-sluice" not in head.lower()


@pytest.mark.parametrize("where", ["unix", "tcp"])
@pytest.mark.parametrize("at_once", [True, False], ids=["whole", "bytes"])
async def test_an_unknown_host_is_not_called(place: Path, where: Where, at_once: bool) -> None:
    """Row 16: a host that nobody allowed gets 404, and what is no host 400, however it is written."""
    async with house(place) as home:
        for target in ("/to/evil.com/v1", "/to/169.254.169.254/latest", "/to/..%2f/v1", f"/to/{HOST}%00/v1"):
            answer = await home.ask(post(target=target), where, at_once=at_once)
            assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ")), answer
        assert home.provider.visits == []


@pytest.mark.parametrize("where", ["unix", "tcp"])
@pytest.mark.parametrize("at_once", [True, False], ids=["whole", "bytes"])
async def test_expect_is_answered_without_a_1xx_line(place: Path, where: Where, at_once: bool) -> None:
    """Row 19: gptel takes an interim line for success, so none is ever sent; the first line is the answer's own."""
    async with house(place) as home:
        answer = await home.ask(post("Expect: 100-continue"), where, at_once=at_once)
        assert b"xpect" not in home.provider.visits[0].heads[0]
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_gzip_bomb_goes_on_as_it_is(place: Path) -> None:
    """Row 13: 50 MB that came as 50 kB reach the provider as 50 kB, and are unpacked nowhere."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with house(place) as home:
        answer = await home.ask(post("Content-Encoding: gzip", "Content-Type: application/json", body=bomb))
        assert home.provider.visits[0].bodies == [bomb]
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kB"


async def silent(visit: Visit) -> None:
    """A provider that takes a call and does not answer."""
    await visit.request()
    await visit.reader.read()


async def under_way(home: House) -> None:
    """Wait until the provider has a call."""
    async with asyncio.timeout(5):
        while not home.asked:  # noqa: ASYNC110 - the provider's script is the same for all
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("where", ["unix", "tcp"])
async def test_pipelined_and_gone(place: Path, where: Where) -> None:
    """Row 20: of 20 calls at once one is under way; when the client has gone nothing is left, there or here."""
    async with house(place, silent) as home:
        with await home.connect(where) as sock:
            await asyncio.get_running_loop().sock_sendall(sock, home.as_sent(post(), where) * 20)
            await under_way(home)
        await asyncio.wait_for(home.provider.visits[0].gone.wait(), 5)
        await asyncio.wait_for(home.gateway.drained(), 5)
        assert home.asked == 1
        assert [event.kind for event in home.ended()] == ["cancelled"]


@pytest.mark.parametrize("where", ["unix", "tcp"])
async def test_a_thousand_pipelined(place: Path, where: Where) -> None:
    """Row 20: who sends 1,000 without waiting is cut: a connection that is not read would not tell that he has left."""
    async with house(place, silent) as home:
        loop = asyncio.get_running_loop()
        with await home.connect(where) as sock:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await loop.sock_sendall(sock, home.as_sent(post(), where) * 1000)
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(loop.sock_recv(sock, 10), 5) == b""
        await asyncio.wait_for(home.gateway.drained(), 5)
        assert home.asked <= 1
        assert all(event.kind == "cancelled" for event in home.ended())


@pytest.mark.parametrize("where", ["unix", "tcp"])
async def test_a_head_that_comes_slowly(place: Path, where: Where) -> None:
    """Row 21: single bytes of a head do not keep a connection open: its time runs from the start."""
    async with house(place, settings=replace(QUICK, keepalive_s=0.1)) as home:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with await home.connect(where) as sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for byte in home.as_sent(post("X-Long: " + "x" * 10_000), where):
                await loop.sock_sendall(sock, bytes([byte]))
                await asyncio.sleep(0.005)
            pytest.fail("it was read to its end")
        assert loop.time() - begun < 5
        assert home.provider.visits == []


@pytest.mark.parametrize("where", ["unix", "tcp"])
async def test_half_closing_is_leaving(place: Path, where: Where) -> None:
    """Row 22: a client that closes its sending side after the request has left; its call is taken off the wire."""
    async with house(place, silent) as home:
        with await home.connect(where) as sock:
            await asyncio.get_running_loop().sock_sendall(sock, home.as_sent(post(), where))
            await under_way(home)
            sock.shutdown(socket.SHUT_WR)
            await asyncio.wait_for(home.provider.visits[0].gone.wait(), 5)
        await asyncio.wait_for(home.gateway.drained(), 5)
