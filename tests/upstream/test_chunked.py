"""Chunked bodies: what was put in comes out, in whatever pieces; and what is no chunk ends it at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.upstream.chunked import Broken, Chunks


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 20))
def test_any_body_in_any_pieces(pieces: list[bytes], step: int) -> None:
    """The framing goes, the body stays, and the end is known with its last byte."""
    data = b"".join(b"%X \r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX-A: b\r\n\r\n"
    chunks, got = Chunks(), b""
    for at in range(0, len(data), step):
        piece, done, more = chunks.feed(data[at : at + step])
        got += piece
        assert done is (at + step >= len(data))
        assert not more
    assert got == b"".join(pieces)


def test_what_follows_the_end() -> None:
    """It is noticed, and is no part of the body."""
    assert Chunks().feed(b"1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n") == (b"a", True, b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "bad",
    [
        b"ZZ\r\n", b"-1\r\n", b"+1\r\n", b"0x1\r\n", b"\r\n", b" 1\r\na\r\n", b"1\na\n", b"1;\n\r\na", b"1\r\nab\r\n",
        b"1\r\na\n", b"1;a\0b\r\n", b"1000000000000000\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\nX-A\r\n\r\n",
        b"0\r\n: b\r\n\r\n", b"0\r\n X: b\r\n\r\n", b"0\r\nX-Big: " + b"x" * 20_000, b"0\r\n" + b"X: y\r\n" * 200,
        b"1;" + b"x" * 5000 + b"\r\n", b"1;" + b"x" * 5000, b"Q",
    ],
)  # fmt: skip
def test_what_is_no_chunk(bad: bytes) -> None:
    """It is refused, and what came before it is kept."""
    with pytest.raises(Broken) as broken:
        Chunks().feed(b"3\r\nabc\r\n" + bad)
    assert broken.value.before.startswith(b"abc")
    chunks, got = Chunks(), b""
    with pytest.raises(Broken) as broken:  # noqa: PT012 - which byte does it is no matter
        for byte in b"3\r\nabc\r\n" + bad:
            got += chunks.feed(bytes([byte]))[0]
    assert (got + broken.value.before).startswith(b"abc")
