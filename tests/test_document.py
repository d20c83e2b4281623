"""The JSON that comes with every call is read as the standard library reads it."""

from __future__ import annotations

import json
import math

import pytest

from daemon.document import document_of


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": [1, 2.5, null, true, "\\u00e9\xc3\xa9"]}', b"[]", b'"x"', b"17", b' \n{"a":1}\r\n ', b'{"a":1}\n',
        b'\xef\xbb\xbf{"a":1}', '{"a":"é"}'.encode("utf-16"), '{"a":"é"}'.encode("utf-16-le"), b'{"a":1,"a":2}',
        b'{"a":1e400,"b":-Infinity}',
    ],
)  # fmt: skip
def test_it_reads_what_the_standard_library_reads(data: bytes) -> None:
    """In any encoding, with blanks around it."""
    assert document_of(data) == json.loads(data)


def test_it_reads_what_is_no_number() -> None:
    """As the standard library does."""
    assert math.isnan(document_of(b"NaN"))


@pytest.mark.parametrize(
    "data", [b"", b" ", b"{", b"{} {}", b"{}x", b'{"a":}', b"nul", b"\xff\xfe", b"{'a':1}", b'{"a"\x00:1}']
)
def test_it_refuses_what_the_standard_library_refuses(data: bytes) -> None:
    """With the same kind of error."""
    with pytest.raises(ValueError):  # noqa: PT011 - whichever
        document_of(data)
    with pytest.raises(ValueError):  # noqa: PT011 - whichever
        json.loads(data)


def test_what_is_nested_too_deep() -> None:
    """It is told as such, and not read a second time."""
    with pytest.raises(RecursionError):
        document_of(b"[" * 100_000)
