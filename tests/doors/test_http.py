"""The HTTP door over a real Unix socket, with a gateway that plays a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from daemon.doors import porter, rundir
from daemon.doors.http import STATUS_OF, HttpDoor, HttpSettings
from daemon.errors import Cancelled, DeadlineExceeded, QueueFull, Refusal, TooLarge, UnknownHost, UnknownOperation
from daemon.gateway import Incoming
from daemon.model import Ask, Call, Failure, Headers, Origin, Priority, Reply, Scope
from daemon.phrases import phrase
from daemon.redact import Sealed
from daemon.upstream import StreamCut
from doors.wire import trickle, visit

KEY = "CANARY-door-key-0123456789"
CUT = StreamCut(Failure(fault="truncated", sent=True))
JSON: Headers = (("Content-Type", "application/json"),)


class Body:
    """A reply's body that plays pieces: bytes, an exception to raise, an event to wait for."""

    def __init__(self, *pieces: bytes | BaseException | asyncio.Event) -> None:
        self.pieces = list(pieces)
        self.closed = asyncio.Event()
        self.taken = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while self.pieces:
            piece = self.pieces.pop(0)
            if isinstance(piece, BaseException):
                raise piece
            if isinstance(piece, bytes):
                self.taken += len(piece)
                return piece
            await piece.wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """The door is done with it."""
        self.closed.set()


class Script:
    """A gateway that notes what comes in and answers with what it is told."""

    def __init__(self, reply: tuple[int, Headers, Body] | Refusal | asyncio.Event | None = None) -> None:
        self.reply = reply
        self.heard: list[Incoming] = []
        self.asked = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.operations: list[tuple[str, Mapping[str, Any]]] = []
        self.not_taken: list[tuple[str, float]] = []

    def unread(self, call_id: str, seconds: float) -> None:
        """Note it."""
        self.not_taken.append((call_id, seconds))

    def receive(self, incoming: Incoming) -> Call:
        """Note it."""
        self.heard.append(incoming)
        origin = Origin(incoming.host, "http://x", "openai")
        target, ask = Sealed(incoming.target), Ask()
        return Call("c1", origin, Scope(incoming.host, "-", ""), incoming.method, target, (), incoming.body, ask)

    async def send(self, call: Call) -> Reply:
        """Play the script."""
        self.asked.set()
        if isinstance(self.reply, Refusal):
            raise self.reply
        if isinstance(self.reply, asyncio.Event):
            try:
                await self.reply.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        status, headers, body = (
            self.reply if isinstance(self.reply, tuple) else (200, (*JSON, ("Content-Length", "2")), Body(b"{}"))
        )
        return Reply(call, status, "", headers, body)

    async def operate(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """A control operation."""
        self.operations.append((name, params))
        if name == "broken":
            raise RuntimeError(f"with {KEY}")
        if name == "unknown":
            raise UnknownOperation("there is no operation 'unknown'")
        return {"name": name, "params": dict(params)}


@contextlib.asynccontextmanager
async def door(place: Path, script: Script, settings: HttpSettings = HttpSettings()) -> AsyncIterator[HttpDoor]:  # noqa: B008
    """An HTTP door behind a porter at PLACE/s."""
    http = HttpDoor(script, script.operate, settings)  # type: ignore[arg-type]
    keeper = porter.Porter(http, http)
    with rundir.bind(place / "s") as sock:
        await keeper.open(sock)
        yield http
        keeper.close()
        await http.close(0.1)


async def one(place: Path, script: Script, request: bytes, settings: HttpSettings | None = None) -> Any:
    """The answer to one REQUEST: (status line, fields, body)."""
    async with door(place, script, settings or HttpSettings()), visit(place / "s") as wire:
        wire.send(request)
        return await wire.answer()


def post(
    body: bytes = b"{}", *lines: str, target: str = "/v1/chat/completions", host: str = "api.example.com"
) -> bytes:
    """A POST."""
    head = [f"POST {target} HTTP/1.1", f"Host: {host}", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def error_of(answer: Any) -> Any:
    """The `error` of an answer's body, which is always a JSON object of the one shape."""
    value = json.loads(answer[2])
    assert value["error"]["message"]
    assert "\n" not in value["error"]["message"]
    return value["error"]


# ---- in


async def test_what_the_client_sent_reaches_the_gateway_unchanged(place: Path) -> None:
    """Target bytes, header order, case and duplicates, and the body are as they were sent."""
    script = Script()
    target = "/v1/../%7Ea%2Fb//c?key=x&q=a+b%20c&&e="
    request = post(b"\x00\xff\n{}", "x-B: 1", "X-a: caf\u00e9", "x-B: 2", "Authorization: Bearer k", target=target)
    await one(place, script, request)
    heard = script.heard[0]
    assert (heard.host, heard.method, heard.target) == ("api.example.com", "POST", target)
    assert heard.body == b"\x00\xff\n{}"
    assert heard.headers[1:5] == (("x-B", "1"), ("X-a", "café"), ("x-B", "2"), ("Authorization", "Bearer k"))


@pytest.mark.parametrize(
    ("target", "host", "rest"),
    [
        ("/to/api.openai.com/v1/models", "api.openai.com", "/v1/models"),
        ("/to/API.openai.com/v1/models?a=b", "api.openai.com", "/v1/models?a=b"),
        ("/to/localhost:11434/api/chat", "localhost:11434", "/api/chat"),
        ("/to/api.openai.com", "api.openai.com", "/"),
        ("/to/api.openai.com?x", "api.openai.com", "/?x"),
        ("/to/api.openai.com//evil", "api.openai.com", "//evil"),
        ("/to/", "api.example.com", "/to/"),
        ("/v1/models", "api.example.com", "/v1/models"),
        ("/_sluic/x", "api.example.com", "/_sluic/x"),
    ],
)
async def test_routes(place: Path, target: str, host: str, rest: str) -> None:
    """`/to/HOST/...` is the same as Host, for clients that cannot set it."""
    script = Script()
    await one(place, script, post(target=target))
    assert (script.heard[0].host, script.heard[0].target) == (host, rest)


async def test_our_own_header_fields(place: Path) -> None:
    """X-Sluice-* say who asks and how."""
    script = Script()
    lines = [
        "X-Sluice-Client: emacs",
        "X-Sluice-Request: r-1",
        "X-Sluice-Priority: Batch",
        "X-Sluice-Deadline: 2.5",
        "X-Sluice-Language: ko",
        "X-Sluice-Explain: off",
    ]
    await one(place, script, post(b"{}", *lines))
    heard = script.heard[0]
    assert (heard.client, heard.ref, heard.priority) == ("emacs", "r-1", Priority.BATCH)
    assert (heard.deadline_s, heard.language, heard.explain) == (2.5, "ko", "off")


@pytest.mark.parametrize(
    "line",
    [
        "X-Sluice-Priority: urgent",
        "X-Sluice-Deadline: soon",
        "X-Sluice-Deadline: -1",
        "X-Sluice-Deadline: nan",
        "X-Sluice-Explain: yes",
        "X-Sluice-Request: a b",
        "X-Sluice-Request: " + "x" * 129,
    ],
)
async def test_wrong_header_fields_of_ours(place: Path, line: str) -> None:
    """A typo in our own fields is said, with what is right; the call is not sent."""
    script = Script()
    answer = await one(place, script, post(b"{}", line))
    assert answer[0].startswith(b"HTTP/1.1 400 ")
    assert error_of(answer)["message"].startswith(line.split(":")[0])
    assert not script.asked.is_set()


async def test_a_chunked_body(place: Path) -> None:
    """A body in chunks comes in whole."""
    script = Script()
    head = b"POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    await one(place, script, head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert script.heard[0].body == b"abcde"


async def test_several_megabytes(place: Path) -> None:
    """Images and long contexts fit: aiohttp's own limit of 1 MiB does not hold here."""
    script = Script()
    body = bytes(range(256)) * 4096 * 6
    await one(place, script, post(body))
    assert script.heard[0].body == body


async def test_a_compressed_body_stays_compressed(place: Path) -> None:
    """A gzip bomb is passed on, not unpacked."""
    script = Script()
    await one(place, script, post(b"\x1f\x8b not really gzip", "Content-Encoding: gzip"))
    assert script.heard[0].body == b"\x1f\x8b not really gzip"


async def test_keep_alive(place: Path) -> None:
    """One connection carries several calls, also pipelined ones, and an error does not end it."""
    script = Script()
    async with door(place, script), visit(place / "s") as wire:
        wire.send(post(b"1"))
        await wire.answer()
        wire.send(post(b"2") + post(b"3", "X-Sluice-Priority: urgent") + post(b"4"))
        codes = [(await wire.answer())[0].split()[1] for _ in range(3)]
    assert codes == [b"200", b"400", b"200"]
    assert [heard.body for heard in script.heard] == [b"1", b"2", b"4"]


async def test_expect_is_answered_without_a_1xx_line(place: Path) -> None:
    """gptel takes a 1xx line for success, so curl waits its second and sends the body all the same."""
    script = Script()
    answer = await one(place, script, post(b"{}", "Expect: 100-continue"))
    assert answer[0] == b"HTTP/1.1 200 OK"


# ---- out


async def test_an_answer_goes_out_as_it_is(place: Path) -> None:
    """Status, fields with case and duplicates, and body."""
    headers = (("X-b", "1"), ("Content-Type", "text/weird"), ("X-b", "2"), ("Content-Length", "3"))
    script = Script((418, headers, Body(b"a", b"bc")))
    async with door(place, script), visit(place / "s") as wire:
        wire.send(post(b"{}", "Connection: close"))
        data = await wire.rest()
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 418 I'm a Teapot"
    assert [line for line in lines if line.startswith(("X-b", "Content"))] == [f"{n}: {v}" for n, v in headers]
    assert body == b"abc"


async def test_headers_come_with_the_first_bytes(place: Path) -> None:
    """The first read has the head and the first event, and nothing is written while there is no first byte."""
    go_on, never = asyncio.Event(), asyncio.Event()
    script = Script((200, (("Content-Type", "text/event-stream"),), Body(go_on, b"data: 1\n\n", never)))
    async with door(place, script), visit(place / "s") as wire:
        wire.send(post())
        await asyncio.wait_for(script.asked.wait(), 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.reader.read(1), 0.02)
        go_on.set()
        first = await wire.some()
        assert first.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"data: 1\n\n" in first


async def test_chunks_go_out_as_they_come(place: Path) -> None:
    """A client has the first event before the second exists."""
    go_on = asyncio.Event()
    script = Script((200, (("Content-Type", "text/event-stream"),), Body(b"data: 1\n\n", go_on, b"data: 2\n\n")))
    async with door(place, script), visit(place / "s") as wire:
        wire.send(post())
        assert b"data: 1" in await wire.some()
        go_on.set()
        assert b"data: 2" in await wire.some()


@pytest.mark.parametrize("headers", [(), (("Content-Length", "100"),)], ids=["chunked", "length"])
async def test_a_cut_stream_ends_uncleanly(place: Path, headers: Headers) -> None:
    """What the provider broke off is broken off for the client: no last chunk, no full length, no fake end."""
    script = Script((200, headers, Body(b"data: 1\n\n", CUT)))
    async with door(place, script), visit(place / "s") as wire:
        wire.send(post())
        data = await wire.rest()
    assert data.endswith(b"data: 1\n\n" if headers else b"9\r\ndata: 1\n\n\r\n")
    assert b"0\r\n\r\n" not in data


async def test_a_cut_before_the_first_byte(place: Path) -> None:
    """Then the client gets nothing at all instead of half a head."""
    body = Body(CUT)
    async with door(place, Script((200, (), body))), visit(place / "s") as wire:
        wire.send(post())
        assert await wire.rest() == b""
        await asyncio.wait_for(body.closed.wait(), 5)


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [("HEAD", 200, (("Content-Length", "500"),)), ("GET", 204, ()), ("GET", 304, (("ETag", '"x"'),))],
)
async def test_answers_without_a_body(place: Path, method: str, status: int, headers: Headers) -> None:
    """HEAD, 204 and 304 keep their fields and the connection goes on."""
    script = Script((status, headers, Body()))
    async with door(place, script), visit(place / "s") as wire:
        for _ in range(2):
            wire.send(f"{method} /v1/models HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            head = await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 %d " % status)
            assert all(f"{name}: {value}".encode() in head for name, value in headers)


async def test_head_never_gets_a_body(place: Path) -> None:
    """An explained error has a body, which an answer to HEAD must not: the next answer would begin with it."""
    script = Script((429, (("Content-Length", "3"),), Body(b"abc")))
    async with door(place, script), visit(place / "s") as wire:
        wire.send(b"HEAD /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await wire.rest()).endswith(b"\r\n\r\n")


async def test_an_http_10_client(place: Path) -> None:
    """An old client gets the stream ended by closing, without chunks."""
    script = Script((200, (), Body(b"a", b"b")))
    async with door(place, script), visit(place / "s") as wire:
        wire.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        data = await wire.rest()
    assert data.endswith(b"\r\n\r\nab")


# ---- clients that leave


async def test_a_client_that_leaves_while_waiting_cancels(place: Path) -> None:
    """The call is cancelled at once, not when the answer would have been written."""
    script = Script(asyncio.Event())
    async with door(place, script):
        async with visit(place / "s") as wire:
            wire.send(post())
            await asyncio.wait_for(script.asked.wait(), 5)
        await asyncio.wait_for(script.cancelled.wait(), 5)


async def test_a_client_that_leaves_in_mid_stream_closes_the_body(place: Path, caplog: Any) -> None:
    """The body is closed at once, and nothing of it is our fault."""
    body = Body(b"data: 1\n\n", asyncio.Event())
    async with door(place, Script((200, (), body))):
        async with visit(place / "s") as wire:
            wire.send(post())
            assert b"data: 1" in await wire.some()
            wire.vanish()
        await asyncio.wait_for(body.closed.wait(), 5)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_client_that_left_before_its_answer_is_no_fault(place: Path, caplog: Any) -> None:
    """An answer that nobody takes leaves no traceback in the log."""
    body = Body(*[b"x" * 100_000] * 50)
    script = Script((200, (), body))
    async with door(place, script):
        async with visit(place / "s") as wire:
            wire.send(post())
            wire.vanish()
        if script.asked.is_set():
            await asyncio.wait_for(body.closed.wait(), 5)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_client_that_does_not_read_holds_nothing_for_ever(place: Path) -> None:
    """Little is taken from the provider for it; after the limit its connection ends, and the gateway hears why."""
    body = Body(*[b"x" * 100_000] * 1000)
    settings, script = HttpSettings(write_idle_s=0.05), Script((200, (), body))
    async with door(place, script, settings), visit(place / "s") as wire:
        wire.send(post())
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(body.closed.wait(), 5)
        assert body.taken < 5_000_000
        assert script.not_taken == [("c1", 0.05)]


async def test_a_whole_answer_that_is_not_taken(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its call has ended long ago; the log says which time ran out for the connection, and its setting."""
    caplog.set_level(logging.INFO, logger="sluice.http")
    settings = HttpSettings(write_idle_s=0.05)
    answer = (200, (("Content-Length", "5000000"), *JSON), Body(b"x" * 5_000_000))
    async with door(place, Script(answer), settings) as http, visit(place / "s") as wire:
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
        wire.send(post(b"{}", "Connection: close"))
        async with asyncio.timeout(5):
            while http.connections or not caplog.records:  # noqa: ASYNC110 - the log has no event
                await asyncio.sleep(0.001)
    assert "0.05 s (setting timeouts.client)" in caplog.text


# ---- refusals


@pytest.mark.parametrize("kind", STATUS_OF, ids=lambda kind: kind.__name__)
async def test_each_refusal(place: Path, kind: type[Refusal]) -> None:
    """Each refusal has a status that is an error, a short ASCII reason, and an error body that every client reads."""
    refusal = kind("what, why, and what next", retry_after_s=1.2, call="c1")
    answer = await one(place, Script(refusal), post())
    status, reason = STATUS_OF[kind]
    assert answer[0] == f"HTTP/1.1 {status} {reason}".encode()
    assert reason.isascii()
    assert len(reason) <= 30
    assert answer[1]["content-type"] == "application/json"
    assert answer[1]["retry-after"] == "2"
    error = error_of(answer)
    assert error["message"] == "what, why, and what next"
    assert error["type"] == error["code"] == f"sluice_{kind.code}"
    assert error["sluice"] == {"retry_after_s": 1.2, "call": "c1"}


async def test_unknown_refusals_are_refusals(place: Path) -> None:
    """A refusal that the table does not know is still told in its own words."""
    answer = await one(place, Script(Refusal("no")), post())
    assert answer[0].startswith(b"HTTP/1.1 503 ")


def test_the_refusals_that_wait_are_not_mistaken_for_success() -> None:
    """The statuses say whose fault it is."""
    wanted = {QueueFull: 503, DeadlineExceeded: 504, UnknownHost: 404, TooLarge: 429, Cancelled: 503}
    assert {kind: STATUS_OF[kind][0] for kind in wanted} == wanted


async def test_when_sluice_breaks(place: Path, caplog: Any) -> None:
    """Our own fault is a 500 that says so; the next call on the same daemon works."""
    script = Script()
    async with door(place, script):
        async with visit(place / "s") as wire:
            wire.send(b"GET /_sluice/broken HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await wire.answer()
        assert answer[0].startswith(b"HTTP/1.1 500 ")
        assert error_of(answer)["type"] == "sluice_broken"
        assert KEY.encode() not in answer[2]
        async with visit(place / "s") as wire:
            wire.send(post())
            assert (await wire.answer())[0] == b"HTTP/1.1 200 OK"
    assert "broken while answering" in caplog.text


# ---- control operations


async def test_operations_take_query_and_body(place: Path) -> None:
    """Parameters come from the query, and from a JSON body, which wins."""
    script = Script()
    answer = await one(place, script, post(b'{"b":2}', target="/_sluice/calls?failed=1&b=1"))
    assert json.loads(answer[2]) == {"name": "calls", "params": {"failed": "1", "b": 2}}
    assert answer[1]["content-type"] == "application/json"


@pytest.mark.parametrize("body", [b"[]", b"{", b"1", b"[" * 100_000, b"\xff", b'{"a":NaN'])
async def test_bad_parameters(place: Path, body: bytes) -> None:
    """A body that is no JSON object is refused."""
    script = Script()
    answer = await one(place, script, post(body, target="/_sluice/calls"))
    assert answer[0].startswith(b"HTTP/1.1 400 ")
    assert not script.operations


async def test_an_unknown_operation(place: Path) -> None:
    """404, in words."""
    answer = await one(place, Script(), b"GET /_sluice/unknown HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer[0].startswith(b"HTTP/1.1 404 ")
    assert "unknown" in error_of(answer)["message"]


# ---- hostile requests

PLAIN = b"POST /v1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n"

HOSTILE: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "length and chunks": (PLAIN + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    "two lengths": (PLAIN + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", (400,)),
    "length list": (PLAIN + b"Content-Length: 3, 3\r\n\r\nabc", (400,)),
    "length plus": (PLAIN + b"Content-Length: +3\r\n\r\nabc", (400,)),
    "length minus": (PLAIN + b"Content-Length: -1\r\n\r\n", (400,)),
    "gzip encoding": (PLAIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (400,)),
    "encoding alone": (PLAIN + b"Transfer-Encoding: gzip\r\n\r\n", (400,)),
    "encoding twice": (PLAIN + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    "encoding with space": (PLAIN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", (400,)),
    "strange encoding": (PLAIN + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", (400,)),
    "bad chunk size": (PLAIN + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n", (400,)),
    "bad chunk later": (PLAIN + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n", (400, 408)),
    "chunk overrun": (PLAIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n", (400, 408)),
    "bare line feeds": (PLAIN.replace(b"\r\n", b"\n") + b"\n", (400,)),
    "folded field": (PLAIN + b"X-A: 1\r\n  2\r\n\r\n", (400,)),
    "no host": (PLAIN.replace(b"Host: a\r\n", b"") + b"\r\n", (400,)),
    "empty host": (PLAIN.replace(b"Host: a", b"Host: ") + b"\r\n", (400,)),
    "two hosts": (PLAIN + b"Host: b\r\n\r\n", (400,)),
    "nul in the key": (PLAIN.replace(b"\r\nAuth", b"\r\nX: 1\r\nAuth")[:-2] + b"\0\r\n\r\n", (400,)),
    "carriage return in a value": (PLAIN[:-2] + b"\rX: 1\r\n\r\n", (400,)),
    "strange field name": (PLAIN + b"X(: 1\r\n\r\n", (400,)),
    "field name not ASCII": (PLAIN + "Ключ: 1\r\n\r\n".encode(), (400,)),
    "value not UTF-8": (PLAIN[:-2] + b"\xff\r\n\r\n", (400,)),
    "huge target": (PLAIN.replace(b"/v1", b"/" + b"x" * 20_000) + b"\r\n", (400,)),
    "huge field": (PLAIN + b"X-A: " + b"x" * 20_000 + b"\r\n\r\n", (400,)),
    "many fields": (PLAIN + b"X-A: 1\r\n" * 40_000 + b"\r\n", (400,)),
    "http 0.9": (b"GET /\r\n\r\n", (400,)),
    "http 2 line": (PLAIN.replace(b"HTTP/1.1", b"HTTP/2.0") + b"\r\n", (400, 505)),
    "http 2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60, (400,)),
    "connect": (b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n", (400,)),
    "absolute target": (PLAIN.replace(b" /v1", b" http://169.254.169.254/v1") + b"\r\n", (400,)),
    "two slashes": (PLAIN.replace(b" /v1", b" //evil/v1") + b"\r\n", (400,)),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", (400,)),
    "shell in the method": (PLAIN.replace(b"POST", b"GET;id") + b"\r\n", (400,)),
    "unknown method": (PLAIN.replace(b"POST", b"BREW") + b"\r\n", (400,)),
    "trace": (PLAIN.replace(b"POST", b"TRACE") + b"\r\n", (400,)),
    "connection names a key": (PLAIN + b"Connection: x-api-key, close\r\n\r\n", (400,)),
    "connection names the length": (PLAIN + b"Connection: content-length\r\n\r\n", (400,)),
    "connection twice": (PLAIN + b"Connection: close\r\nConnection: authorization\r\n\r\n", (400,)),
    "upgrade": (PLAIN + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", (501,)),
    "upgrade on two lines": (PLAIN + b"Connection: close\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", (501,)),
    "expect tea": (PLAIN + b"Expect: tea\r\n\r\n", (417,)),
    "target not ASCII": (PLAIN.replace(b"/v1", b"/\xe4\xff") + b"\r\n", (400,)),
}


SMALL = [name for name, (request, _) in HOSTILE.items() if len(request) < 1000]


@pytest.mark.parametrize(
    ("name", "at_once"),
    [*((name, True) for name in HOSTILE), *((name, False) for name in SMALL)],
    ids=lambda value: {True: "whole", False: "byte by byte"}.get(value, value),
)
async def test_hostile(place: Path, name: str, at_once: bool, caplog: Any) -> None:
    """Each is answered with an error of ours that repeats nothing, logs no key, and sends nothing on."""
    request, statuses = HOSTILE[name]
    script = Script()
    with caplog.at_level(logging.DEBUG, logger="sluice"):
        async with door(place, script, HttpSettings(body_idle_s=0.05, linger_s=0.01)):
            data = await trickle(place / "s", request, at_once=at_once)
    answer = (data.partition(b"\r\n")[0], {}, data.partition(b"\r\n\r\n")[2])
    assert int(answer[0].split()[1]) in statuses, data
    assert error_of(answer)["type"] == "sluice_invalid_call"
    assert KEY.encode() not in data
    assert KEY not in caplog.text
    assert not script.asked.is_set()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large(place: Path, chunked: bool) -> None:
    """413 before it is read whole, whether the size is declared or not; the setting is named."""
    head = b"POST /v1 HTTP/1.1\r\nHost: a\r\n"
    if chunked:
        request = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"ff\r\n" + b"x" * 255 + b"\r\n"
    else:
        request = head + b"Content-Length: 1000\r\n\r\n"
    answer = await one(place, Script(), request, HttpSettings(max_body=100, linger_s=0.01))
    assert answer[0] == b"HTTP/1.1 413 Body too large"
    assert "max_body" in error_of(answer)["message"]
    assert answer[1]["connection"] == "close"


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        b"POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nabc",
    ],
    ids=["length", "chunked"],
)
async def test_a_body_that_does_not_come(place: Path, request_: bytes) -> None:
    """A promised body is waited for, but not for ever."""
    script = Script()
    async with door(place, script, HttpSettings(body_idle_s=0.02, linger_s=0.01)), visit(place / "s") as wire:
        wire.send(request_)
        answer = await wire.answer()
        assert await wire.rest() == b""
    assert answer[0].startswith(b"HTTP/1.1 408 ")
    assert "timeouts.body" in error_of(answer)["message"]
    assert not script.asked.is_set()


async def test_an_impossible_chunk_size(place: Path) -> None:
    """A chunk of 2^64 bytes is refused or waited for briefly; no memory is taken for it."""
    request = b"POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc"
    answer = await one(place, Script(), request, HttpSettings(body_idle_s=0.02, linger_s=0.01))
    assert int(answer[0].split()[1]) in (400, 408, 413)


async def test_a_head_that_does_not_come(place: Path) -> None:
    """Half a head is closed after the keep-alive time."""
    async with door(place, Script(), HttpSettings(keepalive_s=0.02)), visit(place / "s") as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost:")
        assert await wire.rest() == b""


async def test_too_many_connections(place: Path) -> None:
    """One more than the limit is told to come back; those that are in stay."""
    async with door(place, Script(), HttpSettings(max_connections=1)), visit(place / "s") as first:
        first.send(post())
        assert (await first.answer())[0] == b"HTTP/1.1 200 OK"
        async with visit(place / "s") as second:
            second.send(post())
            answer = await second.answer()
            assert (answer[0][:12], answer[1]["retry-after"]) == (b"HTTP/1.1 503", "1")


async def test_many_pipelined_requests_and_gone(place: Path) -> None:
    """Only one of 20 pipelined calls runs at a time, and when the client has left no other follows."""
    go_on = asyncio.Event()
    script = Script(go_on)
    async with door(place, script) as http:
        async with visit(place / "s") as wire:
            wire.send(post() * 20)
            await asyncio.wait_for(script.asked.wait(), 5)
            wire.vanish()
        go_on.set()
        while http.connections:  # noqa: ASYNC110 - aiohttp says by nothing else that it has noticed
            await asyncio.sleep(0)
        assert len(script.heard) == 1


# ---- the end


async def test_closing_ends_what_runs(place: Path) -> None:
    """A closing door cuts what still runs after its time, and takes nothing new."""
    script = Script(asyncio.Event())
    async with door(place, script) as http, visit(place / "s") as wire:
        wire.send(post())
        await asyncio.wait_for(script.asked.wait(), 5)
        await http.close(0.01)
        assert await wire.rest() == b""
        assert script.cancelled.is_set()


# ---- in the visitor's language

FULL = QueueFull(phrase("refused.queue_full", most=2, host="api.example.com", group="m"), retry_after_s=3)


@pytest.mark.parametrize(
    ("line", "default", "said"),
    [
        ("X-Sluice-Language: ko", "en", "api.example.com m 쪽에는 벌써 요청 2건이 기다리고"),
        ("X-Sluice-Language: zh-CN", "ko", "api.example.com m 前面已经有 2 个请求在排队"),
        ("X-Sluice-Language: fr", "ko", "2 calls already wait for api.example.com m; raise queue.max_waiting"),
        ("X-Other: ko", "ko", "api.example.com m 쪽에는 벌써 요청 2건이 기다리고"),
        ("X-Other: ko", "en", "2 calls already wait for api.example.com m; raise queue.max_waiting"),
    ],
)
async def test_a_refusal_in_the_language_asked_for(place: Path, line: str, default: str, said: str) -> None:
    """The words are the visitor's; status, type, code and facts are the same for programs in every language."""
    answer = await one(place, Script(FULL), post(b"{}", line), HttpSettings(language=default))
    error = error_of(answer)
    assert error["message"].startswith(said)
    assert (error["type"], error["code"], error["sluice"]) == (
        "sluice_queue_full", "sluice_queue_full", {"retry_after_s": 3},
    )  # fmt: skip
    assert answer[0] == b"HTTP/1.1 503 Queue full"


async def test_what_the_door_itself_refuses(place: Path) -> None:
    """A header that is wrong, before there is a call, and a body that is too large."""
    wrong = await one(place, Script(), post(b"{}", "X-Sluice-Priority: urgent", "X-Sluice-Language: ko"))
    assert error_of(wrong)["message"] == "X-Sluice-Priority에는 interactive, normal, batch 중 하나를 적어 주세요"
    large = await one(place, Script(), post(b"x" * 20, "X-Sluice-Language: zh"), HttpSettings(max_body=10))
    assert error_of(large)["message"].startswith("请求体超过了 10 字节")


async def test_operations_hear_the_language_of_the_header(place: Path) -> None:
    """The header counts for control operations, the parameter before it."""
    script = Script()
    await one(place, script, post(b"{}", "X-Sluice-Language: ko", target="/_sluice/status"))
    await one(place, script, post(b"{}", "X-Sluice-Language: ko", target="/_sluice/status?language=zh"))
    assert [params["language"] for _, params in script.operations] == ["ko", "zh"]


async def test_not_even_http_in_the_daemons_language(place: Path) -> None:
    """Who cannot be asked what it reads gets the daemon's own language."""
    answer = await one(place, Script(), b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n", HttpSettings(language="ko"))
    assert "올바른 HTTP/1.1 요청이 아니라서" in error_of(answer)["message"]
