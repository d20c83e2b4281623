"""The bytes of a request; those that are sent are in test_sender.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daemon.upstream.request import request_head
from daemon.upstream.route import place_of
from upstream.calling import KEY, call_to

PLACE = place_of("http://127.0.0.1:80/p", None)


def head(**more: Any) -> bytes:
    """Of a call."""
    return request_head(call_to(80, **more), PLACE)


def test_it_is_what_the_call_is() -> None:
    """The origin's path, the target, Host, the fields, the length."""
    assert head(target="/v1?a=b", headers=(("X-a", "1"), ("x-A", "ł")), body=b"abc") == (
        "POST /p/v1?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a: 1\r\nx-A: ł\r\nContent-Length: 3\r\n\r\n".encode()
    )


def test_a_length_of_the_call_is_the_only_one() -> None:
    """Two would be taken for an attack."""
    assert head(headers=(("content-length", "2"),)).lower().count(b"content-length") == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"headers": (("X-A", f"{KEY}\r\nX-Evil: 1"),)},
        {"headers": (("X-A", "a\nb"),)},
        {"headers": (("X-A", "a\0b"),)},
        {"headers": (("X-A: b\r\nX-Evil", "1"),)},
        {"headers": (("", "1"),)},
        {"headers": (("X-A", "\udcff"),)},
        {"method": "GET / HTTP/1.1\r\nX-Evil:"},
        {"target": "/ HTTP/1.1\r\nX-Evil: 1"},
        {"target": "/a b"},
    ],
)
def test_what_would_be_another_request(bad: dict[str, Any]) -> None:
    """It is not written, and the error does not repeat it."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - whichever
        head(**bad)
    assert KEY not in str(error.value)


def test_fields_that_are_written_again() -> None:
    """The calls of a client share their fields, and get the same lines; other fields get their own, however many there
    are."""
    one = call_to(80, headers=(("X-A", "1"), ("Authorization", f"Bearer {KEY}")), body=b"abc")
    first = request_head(one, PLACE)
    assert f"X-A: 1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 3\r\n".encode() in first
    assert request_head(replace(one, body=b"abcd"), PLACE) == first.replace(b"Length: 3", b"Length: 4")
    for number in range(200):
        assert b"X-A: %d\r\n" % number in head(headers=(("X-A", str(number)),))
    assert request_head(one, PLACE) == first


def test_each_name_is_looked_at() -> None:
    """Also behind a length that the client gives."""
    with pytest.raises(ValueError, match=r"^$"):
        head(headers=(("Content-Length", "2"), ("not a name", "x")), body=b"{}")
