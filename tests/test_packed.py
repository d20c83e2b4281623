"""Compressed bodies: what is in them, within bounds."""

from __future__ import annotations

import gzip
import resource
import zlib
from collections.abc import Callable

import pytest

from daemon.packed import coding_of, is_clean, is_legible, unpacked
from daemon.redact import Redactor

KEY = "CANARY-packed-key-0123456789"
PLAIN = f'{{"messages": "my key is {KEY}"}}'.encode()
MOST = 1 << 16


def raw_deflate(data: bytes) -> bytes:
    """What some clients call deflate: without the frame of zlib."""
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


WAYS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "old name": ("x-gzip", gzip.compress),
    "two members": ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    "deflate": ("deflate", zlib.compress),
    "deflate without a frame": ("deflate", raw_deflate),
}


def test_what_content_encoding_says() -> None:
    """In small letters, of one field or several; nothing for a body that is as it is."""
    assert coding_of([("content-ENCODING", " GZip ")]) == "gzip"
    assert coding_of([("Content-Encoding", "gzip"), ("X", "br"), ("Content-Encoding", "br, identity")]) == "gzip,br"
    assert coding_of([("Content-Encoding", "identity"), ("Accept-Encoding", "gzip")]) == ""
    assert coding_of([]) == ""


@pytest.mark.parametrize("way", WAYS)
def test_the_whole_is_unpacked(way: str) -> None:
    """Each coding that is known, to its last byte."""
    coding, pack = WAYS[way]
    assert unpacked(pack(PLAIN), coding, MOST) == PLAIN
    assert unpacked(pack(PLAIN), coding, len(PLAIN)) == PLAIN
    assert unpacked(pack(PLAIN), coding, len(PLAIN) - 1) is None


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_whole_is_not_understood(way: str) -> None:
    """A byte too few, one too many, none at all, or no such coding: in what nobody can read there may be a key."""
    coding, pack = WAYS[way]
    data = pack(PLAIN)
    for bad in (data[:-1], data + b"x", b"", PLAIN):
        assert unpacked(bad, coding, MOST) is None, bad


@pytest.mark.parametrize("way", [way for way in WAYS if way != "deflate without a frame"])
def test_a_wrong_byte_is_found(way: str) -> None:
    """Where there is a checksum."""
    coding, pack = WAYS[way]
    data = pack(PLAIN)
    assert unpacked(data[:-12] + bytes([data[-12] ^ 0xFF]) + data[-11:], coding, MOST) is None


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip,gzip", "gzip,br", "compress", "nonsense"])
def test_codings_that_nobody_knows_here(coding: str) -> None:
    """They are not guessed at."""
    assert unpacked(gzip.compress(PLAIN), coding, MOST) is None


def test_a_bomb() -> None:
    """50 MB that came as 50 kB take no more memory than was allowed; of a hundred thousand empty members, each of which
    costs a copy of the others, some are looked at and no more."""
    bomb, members = gzip.compress(b"\0" * 50_000_000), gzip.compress(b"") * 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert unpacked(bomb, "gzip", 1 << 20) is None
    assert unpacked(members, "gzip", 1 << 20) is None
    assert unpacked(members[: 20 * 64], "gzip", 1 << 20) == b""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16_000, "kB"


def test_a_clean_body() -> None:
    """No key in it, neither of the call nor one that looks like one, neither packed nor in what is not packed (a name
    of a file in gzip's head)."""
    secret = Redactor(b"test").secret(KEY)
    clean = gzip.compress(b"a word")
    named = clean[:3] + b"\x08" + clean[4:10] + KEY.encode() + b"\0" + clean[10:]
    assert unpacked(named, "gzip", MOST) == b"a word"
    assert is_clean(clean, "gzip", [secret], MOST)
    assert not is_clean(named, "gzip", [secret], MOST)
    assert not is_clean(gzip.compress(PLAIN), "gzip", [secret], MOST)
    assert not is_clean(gzip.compress(b"Bearer abcdefghijklmnop"), "gzip", [], MOST)
    assert not is_clean(clean, "br", [], MOST)


def test_what_is_still_packed_is_not_legible() -> None:
    """An error's body was unpacked before; what could not be is told by its bytes, or by a coding that is not known."""
    assert is_legible(b"{}", "")
    assert is_legible(b"\xff\xfe", "")
    assert is_legible(b"{}", "gzip")
    assert not is_legible(gzip.compress(b"{}"), "gzip")
    assert not is_legible(b"{}", "br")
