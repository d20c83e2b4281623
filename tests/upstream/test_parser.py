"""Answers as they come: whole, in pieces, and such as are none. aiohttp's C parser is the witness of the valid ones."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpResponseParser
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.upstream.parser import MOST_INTERIM, AnswerParser

OK = b"HTTP/1.1 200 OK\r\n"

HOSTILE: dict[str, bytes] = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a TLS alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "below 100": b"HTTP/1.1 099 OK\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "NUL in the reason": b"HTTP/1.1 200 O\0K\r\n\r\n",
    "another protocol, unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "a field without a colon": OK + b"X-A\r\n\r\n",
    "a field without a name": OK + b": a\r\n\r\n",
    "a space before the colon": OK + b"Content-Length : 2\r\n\r\n{}",
    "a folded field": OK + b"X-A: a\r\n b\r\n\r\n",
    "a folded first field": OK + b" X-A: a\r\n\r\n",
    "a name that is no token": OK + b"X(A: a\r\n\r\n",
    "a name that is not ASCII": OK + "X-ł: a\r\n\r\n".encode(),
    "NUL": OK + b"X-A: a\0b\r\n\r\n",
    "CR": OK + b"X-A: a\rX-Evil: 1\r\n\r\n",
    "DEL": OK + b"X-A: \x7f\r\n\r\n",
    "a huge field": OK + b"X-A: " + b"x" * 20_000 + b"\r\n\r\n",
    "a huge field without an end": OK + b"X-A: " + b"x" * 20_000,
    "a huge head": OK + b"X-A: %b\r\n" % (b"x" * 10_000) * 20 + b"\r\n",
    "a huge head without an end": OK + b"X-A: %b\r\n" % (b"x" * 10_000) * 20,
    "too many fields": OK + b"X-A: b\r\n" * 129 + b"\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "two equal lengths": OK + b"Content-Length: 2\r\ncontent-length: 2\r\n\r\n{}",
    "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\n{}",
    "+2": OK + b"Content-Length: +2\r\n\r\n{}",
    "-2": OK + b"Content-Length: -2\r\n\r\n{}",
    "0x2": OK + b"Content-Length: 0x2\r\n\r\n{}",
    "no length": OK + b"Content-Length: \r\n\r\n{}",
    "a length of 19 digits": OK + b"Content-Length: 9999999999999999999\r\n\r\n{}",
    "a length in other digits": OK + "Content-Length: ٢\r\n\r\n{}".encode(),
    "a length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "xchunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * (MOST_INTERIM + 1),
}


@pytest.mark.parametrize("step", [1 << 20, 7, 1])
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_answer(name: str, step: int) -> None:
    """It is refused however it comes, and nothing of it is taken for a body."""
    data = HOSTILE[name]
    step = max(step, len(data) // 2000)
    parser = AnswerParser("POST")
    got = b"".join(parser.feed(data[at : at + step]) for at in range(0, len(data), step))
    assert parser.broken
    assert parser.head is None
    assert got == b""
    assert parser.feed(OK + b"Content-Length: 1\r\n\r\nx") == b"", "it is not believed any more"


def read(data: bytes, method: str = "GET", cuts: tuple[int, ...] = ()) -> tuple[AnswerParser, bytes]:
    """Feed DATA in the pieces that CUTS make of it."""
    parser = AnswerParser(method)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    return parser, b"".join(parser.feed(data[start:end]) for start, end in pairwise(bounds))


def test_a_head_as_it_is() -> None:
    """Order, case, duplicates and odd bytes stay; the space around a value does not."""
    fields = b"X-B: 1\r\nx-a:  caf\xc3\xa9\t\r\nX-B:2\r\nX-Odd: \xff\r\nX-E:\r\n"
    parser, body = read(b"HTTP/1.1 429 Slow Down\r\n" + fields + b"\r\n")
    assert parser.head is not None
    assert (parser.head.status, parser.head.reason, body) == (429, "Slow Down", b"")
    assert parser.head.headers == (("X-B", "1"), ("x-a", "café"), ("X-B", "2"), ("X-Odd", "\udcff"), ("X-E", ""))


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\n", b"\r\n\nHTTP/1.1 200\r\nContent-Length: 2\r\n\r\n"]
)
def test_what_old_servers_do(head: bytes) -> None:
    """Lines that end in LF alone, empty lines in front and no reason are read."""
    for cut in range(len(head)):
        parser, body = read(head + b"{}", cuts=(cut,))
        assert (parser.done, parser.broken, body) == (True, False, b"{}")


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("CONNECT", 200), ("POST", 204)]
)
@pytest.mark.parametrize("field", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_answers_without_a_body(method: str, status: int, field: bytes) -> None:
    """Whatever they say of a length, they end with their head; what follows is no answer of ours."""
    parser, body = read(b"HTTP/1.1 %d X\r\n%b\r\n" % (status, field), method)
    assert (parser.done, parser.excess, body) == (True, False, b"")
    assert parser.feed(b"HTTP/1.1 200 OK\r\n\r\n") == b""
    assert parser.excess


def test_the_end_of_the_connection() -> None:
    """It ends a body without a length, and no other."""
    for head, done in ((b"", True), (b"Content-Length: 9\r\n", False), (b"Transfer-Encoding: chunked\r\n", False)):
        parser, _ = read(OK + head + b"\r\n1\r\n")
        assert (parser.done, parser.broken) == (False, False)
        parser.end()
        assert parser.done is done
    parser, _ = read(OK + b"X-A: b")
    parser.end()
    assert not parser.done


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: x\r\nconnection: y, close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", True),
    ],
)
def test_whether_the_connection_stays(head: bytes, keep: bool) -> None:
    """As the version and the Connection fields say."""
    parser, _ = read(head + b"Content-Length: 0\r\n\r\n")
    assert parser.keep is keep


def test_a_broken_body_keeps_what_came_before() -> None:
    """The head and the chunks that were whole are handed on; the rest is not read."""
    parser, body = read(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n")
    assert parser.head is not None
    assert (parser.broken, parser.done, body) == (True, False, b"abc")


# ---- against aiohttp's parser

_name = st.text("abcXYZ-019_", min_size=1, max_size=12).map(lambda name: f"X{name}")
_value = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20).map(lambda value: value.strip(" \t"))
_fields = st.lists(st.tuples(_name, _value), max_size=8)
_pieces = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
_cuts = st.lists(st.integers(1, 600), max_size=12).map(tuple)


def witness(data: bytes, *, ended: bool) -> tuple[int, str, list[tuple[bytes, bytes]], bytes, bool]:
    """What aiohttp reads in DATA: status, reason, fields, body and whether that is whole."""
    loop = asyncio.new_event_loop()
    try:
        more: Any = {"max_line_size": 1 << 14, "max_field_size": 1 << 14, "read_until_eof": True}
        parser = HttpResponseParser(BaseProtocol(loop), loop, 1 << 16, auto_decompress=False, **more)
        messages, _, _ = parser.feed_data(data)
        if ended:
            parser.feed_eof()
        message, body = next((one, body) for one, body in messages if one.code >= 200)
        whole = body.is_eof()
        return message.code, message.reason, list(message.raw_headers), bytes(body.read_nowait(-1)), whole
    finally:
        loop.close()


@settings(max_examples=300, deadline=None)
@given(st.integers(200, 599), _fields, _pieces, st.sampled_from(["length", "chunks", "end"]), st.integers(0, 2), _cuts)
def test_valid_answers_are_read_as_aiohttp_reads_them(
    status: int,
    fields: list[tuple[str, str]],
    pieces: list[bytes],
    framing: str,
    interim: int,
    cuts: tuple[int, ...],
) -> None:
    """Whatever valid answer, in whatever pieces: the same status, fields, body and end."""
    status = 200 if status in (204, 304) else status
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields).encode()
    whole = b"".join(pieces)
    if framing == "length":
        tail = b"Content-Length: %d\r\n\r\n%b" % (len(whole), whole)
    elif framing == "chunks":
        chunks = b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        tail = b"Transfer-Encoding: Chunked\r\n\r\n" + chunks + b"0\r\nX-T: y\r\n\r\n"
    else:
        tail = b"\r\n" + whole
    data = (
        b"HTTP/1.1 103 Early Hints\r\nX-Hint: a\r\n\r\n" * interim + b"HTTP/1.1 %d Any Word\r\n" % status + lines + tail
    )
    parser, body = read(data, cuts=cuts)
    if framing == "end":
        parser.end()
    assert parser.head is not None
    raw = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in parser.head.headers]
    assert (parser.broken, parser.excess) == (False, False)
    seen = (parser.head.status, parser.head.reason, raw, body, parser.done)
    assert seen == witness(data, ended=framing == "end")
    assert body == whole


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), _cuts, st.sampled_from([b"", OK, OK + b"Transfer-Encoding: chunked\r\n\r\n"]))
def test_any_bytes_at_all(data: bytes, cuts: tuple[int, ...], front: bytes) -> None:
    """No bytes break the parser itself, and pieces make no difference to what it says."""
    at_once, first = read(front + data)
    in_pieces, second = read(front + data, cuts=cuts)
    assert (at_once.broken, at_once.done, at_once.head) == (in_pieces.broken, in_pieces.done, in_pieces.head)
    assert first == second
