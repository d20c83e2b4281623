"""Requests as they come: whole, in pieces, and such as are none. aiohttp's C parser is the witness of the valid ones.

The table of hostile inputs goes over real sockets in tests/hostile/test_http.py; here are the ends of it that a socket
does not reach, and all of it in any pieces.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.doors.parsing import MOST_FIELDS, MOST_OF_A_HEAD, MOST_OF_A_LINE, NotHttp, RequestParser

POST = b"POST /v1 HTTP/1.1\r\nHost: a\r\n"

NONE: dict[str, bytes] = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01",
    "a line feed first": b"\n" + POST + b"\r\n",
    "a carriage return first": b"\r" + POST + b"\r\n",
    "a space first": b" " + POST + b"\r\n",
    "a method that is no word": b"GET;id / HTTP/1.1\r\nHost: a\r\n\r\n",
    "two spaces": POST.replace(b" /v1", b"  /v1") + b"\r\n",
    "a tab": POST.replace(b" /v1", b"\t/v1") + b"\r\n",
    "a space behind the line": POST.replace(b"1.1\r\n", b"1.1 \r\n", 1) + b"\r\n",
    "a target that is not ASCII": "GET /ł HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    "no version": b"GET /\r\n\r\n",
    "another word than HTTP": POST.replace(b"HTTP", b"HTCPCP") + b"\r\n",
    "a version with two digits": POST.replace(b"1.1", b"1.10") + b"\r\n",
    "a version in other digits": POST.replace(b"1.1", "1.١".encode()) + b"\r\n",
    "a line that ends in LF": POST + b"X: 1\nY: 2\r\n\r\n",
    "a head that ends in LF": POST.replace(b"\r\n", b"\n") + b"\n",
    "a CR within a line": POST + b"X: 1\rY: 2\r\n\r\n",
    "a CR and an LF, not together": POST + b"X: 1\rY: 2\n\r\n\r\n",
    "two CRs": POST + b"X: 1\r\r\n\r\n",
    "NUL": POST + b"X: a\0\r\n\r\n",
    "DEL": POST + b"X: \x7f\r\n\r\n",
    "a folded field": POST + b"X: 1\r\n 2\r\n\r\n",
    "a folded first field": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 0\r\n\r\n",
    "a field without a colon": POST + b"X\r\n\r\n",
    "a known field without a colon": POST + b"Host\r\n\r\n",
    "a field without a name": POST + b": 1\r\n\r\n",
    "a name that is no word": POST + b"X(: 1\r\n\r\n",
    "a name that is not ASCII": POST + "Ключ: 1\r\n\r\n".encode(),
    "a value that is not UTF-8": POST + b"X: \xff\r\n\r\n",
    "half a letter": POST + b"X: \xe4\xb8\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two equal lengths": POST + b"Content-Length: 1\r\ncontent-length: 1\r\n\r\na",
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\na",
    "+1": POST + b"Content-Length: +1\r\n\r\na",
    "-1": POST + b"Content-Length: -1\r\n\r\n",
    "0x1": POST + b"Content-Length: 0x1\r\n\r\na",
    "1_0": POST + b"Content-Length: 1_0\r\n\r\naaaaaaaaaa",
    "no length": POST + b"Content-Length:\r\n\r\n",
    "a length of 19 digits": POST + b"Content-Length: 1000000000000000000\r\n\r\n",
    "a length in other digits": POST + "Content-Length: ١\r\n\r\na".encode(),
    "a length and chunks": POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a long line": POST + b"X: " + b"x" * MOST_OF_A_LINE + b"\r\n\r\n",
    "a long line without an end": POST + b"X: " + b"x" * MOST_OF_A_LINE * 2,
    "a long target": b"GET /" + b"x" * MOST_OF_A_LINE + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a long head": POST + (b"X: " + b"x" * 10_000 + b"\r\n") * 14 + b"\r\n",
    "a long head without an end": POST + (b"X: " + b"x" * 10_000 + b"\r\n") * 14,
    "too many fields": POST + b"X: 1\r\n" * MOST_FIELDS + b"\r\n",
    "too many fields without an end": POST + b"X: 1\r\n" * (MOST_FIELDS + 1),
    "no chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "a chunk that is longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    "a head behind the last chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nGET / HTTP/1.1\r\n\r\n",
}


def read(data: bytes, cuts: tuple[int, ...] = ()) -> tuple[RequestParser, bytes]:
    """Feed DATA in the pieces that CUTS make of it, until the request is whole."""
    parser, body = RequestParser(), b""
    bounds = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(bounds):
        body += parser.feed(data[start:end])
        if parser.done:
            parser.rest += data[end:]
            break
    return parser, body


@pytest.mark.parametrize("step", [1 << 20, 7, 1])
@pytest.mark.parametrize("name", NONE)
def test_what_is_no_request(name: str, step: int) -> None:
    """It is refused however it comes, and the fault repeats nothing of it."""
    data = NONE[name]
    step = max(step, len(data) // 2000)
    with pytest.raises(NotHttp) as fault:
        read(data, tuple(range(step, len(data), step)))
    assert fault.value.said in ("http.not_http", "http.encoding", "http.not_utf8")
    assert str(fault.value) == fault.value.said


def test_the_ends_of_the_limits() -> None:
    """What is just small enough passes, with its last bytes in one piece or singly."""
    long_line = POST + b"X: x" + "é".encode() * ((MOST_OF_A_LINE - 4) // 2)
    fields = POST + b"\r\n".join([b"X: 1"] * (MOST_FIELDS - 1))
    filled = POST + (b"X: " + b"x" * 12_995 + b"\r\n") * 10
    large = filled + b"Y: " + b"y" * (MOST_OF_A_HEAD - len(filled) - 3)
    for head in (long_line, fields, large):
        data = head + b"\r\n\r\n"
        for cuts in ((), range(len(data) - 40, len(data))):
            assert read(data, tuple(cuts))[0].done
    for head in (long_line + b"x", fields + b"\r\nX: 1", large + b"y"):
        data = head + b"\r\n\r\n"
        for cuts in ((), range(len(data) - 40, len(data))):
            with pytest.raises(NotHttp):
                read(data, tuple(cuts))


def test_a_request() -> None:
    """Everything is as it came: order, case, duplicates, letters; spaces around values are not part of them."""
    parser, body = read(
        b"\r\n\r\nPOST /v1/%7Ea//b?c=\\x|y HTTP/1.1\r\nHost: a\r\nx-B: 1 \r\nX-a:\tcaf\xc3\xa9\r\nX-B:\r\nx-b: 3\r\n"
        b"Connection: te\r\nconnection: close\r\nContent-Length: 5\r\n\r\n\x00\xff\r\n\r\nGET"
    )
    request = parser.request
    assert request is not None
    assert (request.method, request.target, request.version) == ("POST", "/v1/%7Ea//b?c=\\x|y", "1.1")
    assert request.headers[1:5] == (("x-B", "1"), ("X-a", "café"), ("X-B", ""), ("x-b", "3"))
    assert (request.fields["x-b"], request.fields["connection"]) == ("1", "te,close")
    assert request.repeated == ("x-b", "x-b", "connection")
    assert not request.keeps
    assert (body, parser.length, parser.rest) == (b"\x00\xff\r\n\r", 5, b"\nGET")


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
    ],
)
def test_who_keeps_the_connection(head: bytes, keeps: bool) -> None:
    """A client of today who does not say that it closes."""
    request = read(head)[0].request
    assert request is not None
    assert request.keeps is keeps


TOKEN = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=12)
VALUE = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30).map(lambda text: text.strip(" \t"))
FRAMING = ("content-length", "transfer-encoding", "connection", "upgrade", "host", "expect", "content-encoding",
           "sec-websocket-key1")  # fmt: skip
FIELDS = st.lists(st.tuples(TOKEN.filter(lambda name: name.lower() not in FRAMING), VALUE), max_size=6)
BODY = st.one_of(st.none(), st.binary(max_size=60), st.lists(st.binary(min_size=1, max_size=20), max_size=4))


def written(target: str, fields: list[tuple[str, str]], body: bytes | list[bytes] | None) -> bytes:
    """A request as bytes."""
    lines = [f"POST /{target} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in fields)]
    if isinstance(body, bytes):
        lines.append(f"Content-Length: {len(body)}")
    elif body is not None:
        lines.append("Transfer-Encoding: chunked")
    head = "\r\n".join([*lines, "", ""]).encode()
    if not isinstance(body, list):
        return head + (body or b"")
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body) + b"0\r\n\r\n"


@settings(max_examples=300)
@given(st.text("azAZ09-._~!$&'()*+,;=:@%/?", max_size=20), FIELDS, BODY, st.lists(st.integers(1, 400), max_size=6),
       st.binary(max_size=10))  # fmt: skip
def test_any_request_in_any_pieces(
    target: str, fields: list[tuple[str, str]], body: bytes | list[bytes] | None, cuts: list[int], behind: bytes
) -> None:
    """It is read as the C parser reads it, wherever it is cut, and what comes behind it is left."""
    data = written(target, fields, body)
    parser, got = read(data + behind, tuple(cuts))
    loop = asyncio.new_event_loop()
    try:
        witness = HttpRequestParser(BaseProtocol(loop), loop, 2**16)
        [(message, payload)], upgraded, _ = witness.feed_data(data)
        theirs = b"".join(payload._buffer) if hasattr(payload, "_buffer") else b""  # type: ignore[attr-defined]
    finally:
        loop.close()
    request = parser.request
    assert request is not None
    assert not upgraded
    assert (request.method, request.target) == (message.method, message.path)
    assert [(n.encode(), v.encode()) for n, v in request.headers] == list(message.raw_headers)
    assert got == theirs == (b"".join(body) if isinstance(body, list) else body or b"")
    assert (parser.done, parser.rest) == (True, behind)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.integers(1, 50))
def test_anything_at_all(data: bytes, step: int) -> None:
    """Whatever comes is a request, the beginning of one, or refused: nothing else is ever raised."""
    for start in (b"", POST, POST + b"Transfer-Encoding: chunked\r\n\r\n"):
        parser = RequestParser()
        try:
            for at in range(0, len(start + data), step):
                if parser.done:
                    break
                parser.feed((start + data)[at : at + step])
        except NotHttp:
            continue
