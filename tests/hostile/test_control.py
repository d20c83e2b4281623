"""The control operations by HTTP, under `/_sluice/`, with whatever can be asked: every path, every method, odd queries
and bodies. The desk behind them is real, down to the journal."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.doors import porter, rundir
from daemon.doors.http import STATUS_OF, HttpDoor
from daemon.doors.request import HttpSettings
from daemon.operations import OPERATIONS, operate
from daemon.operations.session import NoSession
from doors.wire import visit
from gateway.scripted import no_credit, ok
from operations.office import Office

T = TypeVar("T")

STATED = {200, 501, *(status for status, _ in STATUS_OF.values())}
"""What the manual says that an operation is answered with; 501: another protocol is asked for."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
OTHERS = ("OPTIONS", "TRACE", "PROPFIND", "get", "X" * 30)
"""Which are refused."""

NAMES = sorted({name for operation in OPERATIONS.values() for name in operation.params} | {"nobody", ""})
FIELDS = st.sampled_from(NAMES) | st.text(max_size=3)
WORDS = st.one_of(
    st.sampled_from(
        ["last", "last-failed", "true", "no", "", "ko", "api.openai.com", "1", "0", "gpt-4o", "har", "batch"]
    ),
    st.sampled_from(
        ["\0", "a\0b", "-1", "1e999", "NaN", "9" * 400, "../..", "%", "'; DROP TABLE calls; --", "*", "x" * 3000]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.text(max_size=12),
)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), WORDS,
        st.text(st.characters(codec=None, categories=["Cs", "Cc", "Lu"]), max_size=4),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
MESSAGES = st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": VALUES}), max_size=2)
FIRST: Mapping[str, st.SearchStrategy[Any]] = {
    "url": WORDS.map("https://api.openai.com/v1/{}".format) | WORDS,
    "messages": MESSAGES,
    "calls": st.lists(WORDS, max_size=3),
    "host": st.just("api.openai.com"),
    "headers": st.dictionaries(WORDS, WORDS, max_size=2),
}
"""What brings an operation further than a wrong kind of value would."""

ODD = (
    b"", b"{}", b"[]", b"null", b"{" * 9999, b'{"call":' + b"[" * 99_999, b'{"limit":' + b"9" * 5000 + b"}",
    b'{"call":"\xff"}', b'\xef\xbb\xbf{"call":"last"}', b'{"call":1,"call":"last"}',
)  # fmt: skip


def asked(name: str) -> st.SearchStrategy[tuple[bytes, bytes]]:
    """Query and body for the operation NAME: mostly its own parameters, mostly with values of some sense."""
    known = sorted(OPERATIONS[name].params) if name in OPERATIONS else []
    names = st.sampled_from([*known, *known, *known, *NAMES])
    query = st.lists(st.tuples(names, WORDS | st.binary(max_size=5)), max_size=4).map(
        lambda pairs: "&".join([f"{quote(one)}={quote(value)}" for one, value in pairs]).encode()
    ) | st.binary(max_size=20).map(lambda data: bytes(letter for letter in data if 0x20 < letter < 0x7F))
    fitting = st.fixed_dictionaries({}, optional={one: FIRST.get(one, VALUES) | VALUES for one in known})
    body = st.one_of(
        fitting.map(json.dumps).map(str.encode),
        st.dictionaries(names, VALUES, max_size=4).map(json.dumps).map(str.encode),
        st.binary(max_size=30),
        st.sampled_from(ODD),
    )  # fmt: skip
    return st.tuples(query, body)


class Control:
    """Operations by HTTP on a socket, with a loop of its own in which each question is asked."""

    def __init__(self, place: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.socket = place / "s"
        self.do(self._open(place))

    def do(self, job: Awaitable[T]) -> T:
        """Do JOB."""
        return self.loop.run_until_complete(asyncio.wait_for(job, 20))

    async def _open(self, place: Path) -> None:
        self.office = Office(place / "state", ok(), no_credit(), ok())
        self.office.journal.start()
        for _ in range(2):
            await self.office.world.send()
        self.http = HttpDoor(self.office.world.gateway, self._operate, HttpSettings(max_body=1 << 18, linger_s=0.01))
        self.porter = porter.Porter(self.http, self.http)
        await self.porter.open(rundir.bind(self.socket))

    async def _operate(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return await operate(self.office.desk, name, params, NoSession(), None)

    async def ask(self, method: str, name: str, query: bytes, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, fields and body of the answer; then it is asked who is there, on the same connection if it lives."""
        head = b"%b /_sluice/%b?%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        async with visit(self.socket) as wire:
            wire.send(head % (method.encode(), quote(name).encode(), query, len(body)) + body)
            if method == "HEAD":
                first, *lines = (await wire.reader.readuntil(b"\r\n\r\n"))[:-4].decode().split("\r\n")
                fields = {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}
                return int(first.split()[1]), fields, b""
            first_line, fields, got = await wire.answer()
            return int(first_line.split()[1]), fields, got

    async def close(self) -> None:
        """End all."""
        self.porter.close()
        await self.http.close(0.1)
        await self.office.world.pacer.close()
        self.office.hub.close()
        self.office.journal.close()


@pytest.fixture
def control(place: Path) -> Iterator[Control]:
    """It is there for all questions of a test: what one breaks, the next one meets."""
    made = Control(place)
    yield made
    made.do(made.close())
    made.loop.close()


def check(control: Control, method: str, name: str, query: bytes, body: bytes, log: Callable[[], list[str]]) -> None:
    """Ask, and look at the answer; and at the next one, which is a plain one."""
    status, fields, got = control.do(control.ask(method, name, query, body))
    assert log() == []
    assert status in STATED, (status, got)
    assert fields["content-type"].startswith("application/json")
    if method != "HEAD":
        answer = json.loads(got.decode("utf-8"), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        assert ("error" in answer and answer["error"]["message"]) or status == 200
        json.dumps(answer, ensure_ascii=False).encode("utf-8")
    later, _, got = control.do(control.ask("GET", "hello", b"", b""))
    assert (later, json.loads(got)["daemon"]) == (200, "sluice")


@pytest.mark.parametrize("name", [*sorted(OPERATIONS), "nobody", "", "../hello", "hello/", "a\0b"])
def test_whatever_is_asked(name: str, control: Control, caplog: pytest.LogCaptureFixture) -> None:
    """Each operation, by each method, with random queries (NUL, numbers beyond all bounds, bytes that are no UTF-8) and
    bodies: an answer of a stated kind in sound JSON, never a 500, no traceback, and the next request is answered."""

    def log() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(st.sampled_from((*METHODS, *OTHERS)), asked(name))
    def run(method: str, what: tuple[bytes, bytes]) -> None:
        caplog.clear()
        check(control, method, name, *what, log)

    run()


BODIES = {
    "a lone surrogate": b'{"call": "\\ud800", "text": "\\ud800", "url": "https://api.openai.com/\\ud800"}',
    "NUL": b'{"call": "\\u0000", "text": "\\u0000"}',
    "no number": b'{"limit": NaN, "since_s": Infinity, "status": -Infinity, "call": NaN}',
    "a huge number": b'{"limit": 1e308, "since_s": 1e9, "before": 1e11, "protocol": 1e9, "status": 999}',
    "more digits than Python reads": b'{"limit": ' + b"9" * 5000 + b"}",
    "deep": b'{"call":' + b"[" * 900 + b"]" * 900 + b"}",
}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@pytest.mark.parametrize("what", BODIES)
def test_known_traps(name: str, what: str, control: Control, caplog: pytest.LogCaptureFixture) -> None:
    """What has broken control surfaces elsewhere, for each operation."""
    check(
        control, "POST", name, b"", BODIES[what], lambda: [one.getMessage() for one in caplog.records if one.exc_info]
    )


def test_nested_almost_too_deeply(control: Control, caplog: pytest.LogCaptureFixture) -> None:
    """The parser takes a little more than those who read what it gives: at no depth is that a fault of ours."""
    chat = b'{"host":"api.openai.com","model":"gpt-4o","messages":[{"role":"user","content":"x"}],"extra":{"a":%b}}'
    for depth in range(930, 1010, 3):
        nested = b"[" * depth + b'"\\u0041"' + b"]" * depth
        for body in (chat % nested, b'{"call":%b}' % nested):
            check(
                control, "POST", "chat", b"", body, lambda: [one.getMessage() for one in caplog.records if one.exc_info]
            )
