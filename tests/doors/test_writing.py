"""Answers as bytes."""

from __future__ import annotations

import json

import pytest

from daemon.doors.parsing import Request, read_head
from daemon.doors.writing import Unsound, Wording, date_line, json_ready

DATED = (("Date", "x"), ("Server", "y"))


def request(method: str = "GET", version: str = "1.1", more: str = "") -> Request:
    """A request."""
    return read_head(f"{method} / HTTP/{version}\r\nHost: a{more}".encode())


def test_a_head() -> None:
    """The fields as they are, then only what is missing."""
    wording = Wording(request())
    head = wording.head(200, "", (("X-b", "1"), ("x-B", "2"), ("Content-Length", "2"), *DATED))
    assert head == b"HTTP/1.1 200 OK\r\nX-b: 1\r\nx-B: 2\r\nContent-Length: 2\r\nDate: x\r\nServer: y\r\n\r\n"
    assert not wording.closes
    more = Wording(request()).head(418, "", ())
    assert more.startswith(b"HTTP/1.1 418 I'm a Teapot\r\nServer: sluice/")
    assert b"\r\nDate: " in more
    assert Wording(request()).head(299, "", DATED).startswith(b"HTTP/1.1 299 \r\n")
    assert Wording(request()).head(200, "Fine", DATED).startswith(b"HTTP/1.1 200 Fine\r\n")


def test_the_end_of_a_body_is_seen() -> None:
    """By its length, by chunks, or by the end of the connection where the client is old."""
    sized, chunked, old = Wording(request()), Wording(request()), Wording(request(version="1.0"))
    assert b"Transfer-Encoding" not in sized.head(200, "", (("content-length", "3"),))
    assert (sized.piece(b"ab"), sized.piece(b""), sized.piece(b"c"), sized.end()) == (b"ab", b"", b"c", b"")
    assert b"Transfer-Encoding: chunked\r\n" in chunked.head(200, "", ())
    assert (chunked.piece(b"a" * 26), chunked.piece(b""), chunked.end()) == (
        b"1a\r\n" + b"a" * 26 + b"\r\n", b"", b"0\r\n\r\n",
    )  # fmt: skip
    assert b"Connection: close\r\n" in old.head(200, "", ())
    assert (old.piece(b"a"), old.end(), old.closes) == (b"a", b"", True)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("HEAD", 429), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("fields", [(), (("Content-Length", "5"),)])
def test_answers_without_a_body(method: str, status: int, fields: tuple[tuple[str, str], ...]) -> None:
    """Nothing of one is written: the next answer would begin with it."""
    wording = Wording(request(method))
    head = wording.head(status, "", fields)
    assert b"chunked" not in head
    assert (b"Content-Length: 5" in head) is bool(fields)
    assert wording.piece(b"12345") + wording.end() == b""
    assert not wording.closes


def test_what_is_promised_is_kept() -> None:
    """More or less than the length would make the client take the next answer for the end of this one."""
    wording = Wording(request())
    wording.head(200, "", (("Content-Length", "3"),))
    wording.piece(b"ab")
    with pytest.raises(Unsound, match="shorter"):
        wording.end()
    with pytest.raises(Unsound, match="longer"):
        wording.piece(b"cd")


@pytest.mark.parametrize(
    ("reason", "field"),
    [("", ("X", "a\r\nY: b")), ("", ("X", "a\nb")), ("", ("X", "a\rb")), ("", ("X\r\nY", "a")), ("O\nK", ("X", "a"))],
)
def test_no_field_becomes_two(reason: str, field: tuple[str, str]) -> None:
    """A line's end in a field or a reason would write another head."""
    with pytest.raises(Unsound, match="end of a line"):
        Wording(request()).head(200, reason, (field,))


def test_who_ends_the_connection() -> None:
    """The client, if it says so; we, with the last answer, and to whom we have not understood."""
    for wording in (Wording(request(more="\r\nConnection: close")), Wording(request(), last=True), Wording(None)):
        assert b"Connection: close\r\n" in wording.head(400, "", (("Content-Length", "0"),))
        assert wording.closes


def test_a_whole_answer() -> None:
    """JSON that is no text for an encoder is still an answer."""
    ready = json_ready({"a": "é", "b": "\ud800"}, 503, "Queue full", (("Retry-After", "2"),))
    head, _, body = Wording(request()).whole(ready).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Queue full\r\nContent-Type: application/json\r\nContent-Length: ")
    assert b"\r\nRetry-After: 2\r\n" in head
    assert json.loads(body) == {"a": "é", "b": "?"}


def test_the_date() -> None:
    """As RFC 9110 wants it, from the clock that is given."""
    assert date_line(784111777.4) == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    assert date_line(784111778.0) == "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
