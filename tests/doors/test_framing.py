"""Lines and frames out of a byte stream, whatever pieces it comes in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.doors.framing import HEADER_LIMIT, Framer, FramingError

MESSAGES = [b'{"jsonrpc":"2.0","id":1,"method":"hello"}', '{"id":2,"method":"é🦊"}'.encode(), b"[1]"]
LINES = b"".join(message + b"\n" for message in MESSAGES)
FRAMES = b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(message), message) for message in MESSAGES)


def fed(data: bytes, sizes: list[int]) -> list[bytes]:
    """What a framer makes of DATA in pieces of SIZES, the rest in one piece."""
    framer, out = Framer(1000), []
    for size in sizes:
        out += framer.feed(data[:size])
        data = data[size:]
    return out + framer.feed(data)


@pytest.mark.parametrize("stream", [LINES, FRAMES], ids=["lines", "frames"])
def test_split_at_every_byte(stream: bytes) -> None:
    """A stream cut in two at any byte gives the same messages."""
    for at in range(len(stream) + 1):
        assert fed(stream, [at]) == MESSAGES


@pytest.mark.parametrize("stream", [LINES, FRAMES], ids=["lines", "frames"])
def test_byte_by_byte(stream: bytes) -> None:
    """A visitor who sends single bytes is understood."""
    assert fed(stream, [1] * len(stream)) == MESSAGES


@settings(max_examples=60, deadline=None)
@given(
    bodies=st.lists(st.text(max_size=40).map(lambda text: json.dumps([text]).encode()), min_size=1, max_size=6),
    sizes=st.lists(st.integers(0, 50), max_size=30),
    frames=st.booleans(),
)
def test_any_pieces(bodies: list[bytes], sizes: list[int], frames: bool) -> None:
    """Any messages in any pieces come out as they went in, in both styles."""
    writer = Framer(1000)
    writer.style = "frames" if frames else "lines"
    assert fed(b"".join(writer.wrap(body) for body in bodies), sizes) == bodies


def test_blank_lines_and_carriage_returns() -> None:
    """Empty lines mean nothing, and CRLF ends a line as LF does."""
    assert fed(b'\r\n\n{"a":1}\r\n\n {"b":2} \n', []) == [b'{"a":1}', b'{"b":2}']


def test_blank_lines_before_a_frame() -> None:
    """White space before the first frame does not make lines of it: the porter lets such a visitor in."""
    assert fed(b"\r\n" + FRAMES, [1, 1, 1]) == MESSAGES


def test_the_visitor_decides_the_style_of_answers() -> None:
    """Answers are framed as the questions were."""
    lines, frames = Framer(100), Framer(100)
    lines.feed(b"{")
    frames.feed(b"content-length: 2\r\n\r\n{}")
    assert lines.wrap(b"{}") == b"{}\n"
    assert frames.wrap(b"{}") == b"Content-Length: 2\r\n\r\n{}"


def test_headers_of_a_frame() -> None:
    """Case does not matter, a content type is allowed, in any order."""
    stream = b"CONTENT-LENGTH:2\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{}"
    assert fed(stream.replace(b"CONTENT", b"Content", 1), []) == [b"{}"]
    swapped = b"Content-Type: x\r\ncontent-length: 2 \r\n\r\n{}"
    assert fed(swapped, []) == [b"{}"]


def test_pending_counts_what_is_unfinished() -> None:
    """The bytes of a message that has not ended are known."""
    framer = Framer(100)
    framer.feed(b'{"a":1}\n{"b"')
    assert framer.pending() == 4


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 99999999999",
        b"Content-Length: -1",
        b"Content-Length: 0x10",
        b"Content-Length: 5\r\nContent-Length: 5",
        b"Content-Length: 99999999999999999999999999",
        b"Content-Type: application/json",
        b"Content-Length: 5\r\nX-Other: 1",
        b"Content-Length: \xd9\xa1",
        b"Content-Length",
        b"Content-Length: 5, 5",
    ],
)
def test_bad_frame_headers(header: bytes) -> None:
    """A length that is huge, negative, missing, double or no number ends the connection before memory is taken."""
    with pytest.raises(FramingError):
        fed(header + b"\r\n\r\nhello", [])


def test_a_frame_header_without_end() -> None:
    """A header is read for at most 4 KiB."""
    framer = Framer(1 << 20)
    framer.feed(b"Content-Length: 5" + b" " * (HEADER_LIMIT - 18))
    with pytest.raises(FramingError, match="4096"):
        framer.feed(b" ")


def test_a_line_without_end() -> None:
    """A line larger than the limit is refused while it grows, and also when it comes whole."""
    growing = Framer(10)
    growing.feed(b"{234567890")
    with pytest.raises(FramingError, match="max_body"):
        growing.feed(b"1")
    with pytest.raises(FramingError, match="max_body"):
        Framer(10).feed(b"{2345678901}\n")


def test_many_small_pieces_of_a_long_line_cost_little() -> None:
    """The search for the line's end does not begin anew with each piece: 2 MB in 20,000 pieces is quick."""
    framer = Framer(4 << 20)
    for _ in range(20_000):
        assert framer.feed(b"x" * 100) == []
    assert len(framer.feed(b"\n")[0]) == 2_000_000
