"""What a request wants. Hostile ones come over a real socket in test_http.py, and as bytes in test_parsing.py."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.doors.parsing import Request, read_head
from daemon.doors.request import (
    check_request,
    explain_mode,
    incoming,
    json_object,
    priority,
    route,
    seconds,
    valid_ref,
)
from daemon.errors import InvalidCall, ShuttingDown
from daemon.gateway import NO_WISH, Wish
from daemon.model import Priority


def read(target: str, method: str, *fields: tuple[str, str], version: str = "1.1") -> Request:
    """The request with these FIELDS."""
    lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in fields)]
    return read_head("\r\n".join(lines).encode())


def request(target: str = "/v1", method: str = "POST", **headers: str) -> Request:
    """A request with HEADERS; `_` in names stands for `-`."""
    fields = {"Host": "api.example.com", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return read(target, method, *fields.items())


def test_good_requests() -> None:
    """What every client sends passes."""
    for headers in ({}, {"Connection": "keep-alive"}, {"Connection": "close, TE"}, {"Expect": "100-Continue"}):
        check_request(request(**headers), full=False)
    check_request(request(Transfer_Encoding="Chunked"), full=False)
    check_request(request(Upgrade="h2c"), full=False)  # without Connection: upgrade it asks for nothing


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (request("http://evil/"), "target"),
        (request("//evil/"), "target"),
        (request(method="OPTIONS"), "method"),
        (request(Connection="x-api-key"), "Connection"),
        (read("/", "GET", ("Host", "a"), ("Connection", "close"), ("connection", "x-api-key")), "Connection"),
        (request(Connection="upgrade", Upgrade="websocket"), "WebSockets"),
        (request(Expect="tea"), "Expect"),
    ],
)
def test_refused_requests(made: Any, words: str) -> None:
    """Each is refused in words that name what is wrong."""
    with pytest.raises(InvalidCall, match=words):
        check_request(made, full=False)


@pytest.mark.parametrize(
    "hosts", [(), ("",), (" ",), ("api.example.com", "api.example.com"), ("api.example.com", "evil.example.com")]
)
def test_one_host(hosts: tuple[str, ...]) -> None:
    """None, an empty one and two are refused."""
    with pytest.raises(InvalidCall, match="Host"):
        check_request(read("/v1", "POST", *(("Host", host) for host in hosts)), full=False)


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0"])
def test_another_version_of_http(version: str) -> None:
    """What nobody speaks here is refused."""
    with pytest.raises(InvalidCall, match=r"HTTP/1\.1"):
        check_request(read("/v1", "GET", ("Host", "a"), version=version), full=False)


def test_a_full_house() -> None:
    """A good request is told to come back."""
    with pytest.raises(ShuttingDown) as refusal:
        check_request(request(), full=True)
    assert refusal.value.facts == {"retry_after_s": 1}


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/v1?x", ("api.example.com", "/v1?x")),
        ("/to/Relay.Example:8080/v1", ("relay.example:8080", "/v1")),
        ("/to/h?x=/to/i/", ("h", "/?x=/to/i/")),
        ("/to/h", ("h", "/")),
        ("/tools/x", ("api.example.com", "/tools/x")),
    ],
)
def test_routes(target: str, found: tuple[str, str]) -> None:
    """By the path, else by Host."""
    assert route(request(target)) == found


def test_our_own_fields() -> None:
    """Those that are missing are nothing."""
    heard = incoming(request(), "h", "/v1", b"x")
    assert (heard.client, heard.ref, heard.priority, heard.deadline_s, heard.language, heard.explain) == (
        None, None, Priority.NORMAL, None, None, None,
    )  # fmt: skip
    assert incoming(request(X_Sluice_Client="x" * 90), "h", "/", b"").client == "x" * 40


def test_words_of_our_own_fields() -> None:
    """What they may say."""
    assert [priority(word) for word in (None, "INTERACTIVE", "batch")] == [
        Priority.NORMAL, Priority.INTERACTIVE, Priority.BATCH,
    ]  # fmt: skip
    assert [seconds(word) for word in (None, "0", "1.5", "1e3")] == [None, 0.0, 1.5, 1000.0]
    assert [explain_mode(word) for word in (None, "off")] == [None, "off"]
    assert [valid_ref(word) for word in (None, "a-1")] == [None, "a-1"]
    for read, word in [(priority, "x"), (seconds, "inf"), (seconds, "1e7"), (explain_mode, ""), (valid_ref, "")]:
        with pytest.raises(InvalidCall, match="X-Sluice"):
            read(word)


def test_what_it_shares() -> None:
    """Nothing said is nothing; each word by itself; anything else is refused with what it may be."""
    assert incoming(request(), "h", "/", b"").wish is NO_WISH
    heard = incoming(request(X_Sluice_Coalesce="On", X_Sluice_Cache="Refresh"), "h", "/", b"").wish
    assert heard == Wish(coalesce=True, cache="refresh", batch=None)
    assert incoming(request(X_Sluice_Batch="off"), "h", "/", b"").wish == Wish(batch=False)
    assert incoming(request(X_Sluice_Fallback="off"), "h", "/", b"").wish == Wish(fallback=False)
    for field in ("X_Sluice_Coalesce", "X_Sluice_Cache", "X_Sluice_Batch", "X_Sluice_Fallback"):
        with pytest.raises(InvalidCall, match=field.replace("_", "-")):
            incoming(request(**{field: "perhaps"}), "h", "/", b"")


def test_json_objects() -> None:
    """One object, and nothing else; a mark of its coding before it is left out. Nothing that only Python takes for
    JSON, and no half of a surrogate pair, which no file and no provider takes."""
    assert json_object(b' {"a":1} ') == {"a": 1}
    assert json_object(b'\xef\xbb\xbf{"a":"\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}
    for body in (b"", b"[]", b"1", b"{", b"\xff", b"[" * 100_000, b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\xff"}'):
        with pytest.raises(InvalidCall, match="one JSON object"):
            json_object(body)
    for body in (b'{"a":"\\ud83d"}', b'{"\\udc00":1}'):
        with pytest.raises(InvalidCall, match="surrogate"):
            json_object(body)
