"""A connection without a network: a transport that notes, a house that answers as it is told, and a clock that is set.

What a client sees of it over real sockets is in test_http.py and tests/hostile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from daemon.doors import connection as module
from daemon.doors.connection import AHEAD_S, MOST_AHEAD, HttpConnection, Route
from daemon.doors.gate import Gate
from daemon.doors.parsing import NotHttp, Request
from daemon.doors.request import HttpSettings
from daemon.doors.writing import Ready, json_ready
from daemon.errors import InvalidCall, Refusal

SETTINGS = HttpSettings(max_body=100, body_idle_s=3.0, write_idle_s=60.0, linger_s=2.0, keepalive_s=30.0)
GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


class Transport(asyncio.Transport):
    """Notes what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.reading = True
        self.closed = self.aborted = self.ended = False
        self.unread = 0
        """Bytes that the client has not taken."""

    def write(self, data: Any) -> None:
        """Note it."""
        self.written.append(bytes(data))

    def take(self) -> bytes:
        """What was written since the last time."""
        data, self.written = b"".join(self.written), []
        return data

    def get_write_buffer_size(self) -> int:
        """As told."""
        return self.unread

    def can_write_eof(self) -> bool:
        """As a socket can."""
        return True

    def write_eof(self) -> None:
        """Note it."""
        self.ended = True

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def abort(self) -> None:
        """Note it."""
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        """True once it was closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Note it."""
        self.reading = False

    def resume_reading(self) -> None:
        """Note it."""
        self.reading = True


class House:
    """Answers 200 with the target and the body, when `go` lets it."""

    def __init__(self) -> None:
        self.accepting, self.leaving = True, False
        self.go = asyncio.Event()
        self.go.set()
        self.heard: list[tuple[Request, bytes]] = []
        self.inside = 0
        self.hasty = self.slothful = 0
        self.play: Callable[[Request, HttpConnection], Any] | None = None

    def came(self, connection: HttpConnection) -> None:
        """Count."""
        self.inside += 1

    def went(self, connection: HttpConnection) -> None:
        """Count."""
        self.inside -= 1

    def admit(self, request: Request, gate: Gate | None) -> Route:
        """Everything but /no."""
        if request.target == "/no":
            raise InvalidCall("no")
        return None

    async def answer(self, request: Request, route: Route, body: bytes, connection: HttpConnection) -> None:
        """Play."""
        self.heard.append((request, body))
        await self.go.wait()
        if self.play is not None:
            await self.play(request, connection)
            return
        connection.say(json_ready({"target": request.target, "body": body.decode()}, 200), request)

    def refused(self, refusal: Refusal, request: Request) -> Ready:
        """As it is."""
        status = refusal.facts.get("status", 400)
        return json_ready({"no": refusal.message}, status if isinstance(status, int) else 400)

    def not_http(self, fault: NotHttp) -> Ready:
        """As it is."""
        return json_ready({"said": fault.said}, 400)

    def broken(self, request: Request) -> Ready:
        """As it is."""
        return json_ready({}, 500)

    def cut_for_haste(self) -> None:
        """Count."""
        self.hasty += 1

    def cut_for_sloth(self) -> None:
        """Count."""
        self.slothful += 1


class Clock:
    """Stands in for the loop's timers: `pass_by` rings what is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[..., Any], tuple[Any, ...], Any]] = []

    def time(self) -> float:
        """It."""
        return self.now

    def create_future(self) -> asyncio.Future[Any]:
        """The real loop's."""
        return self._loop.create_future()

    def create_task(self, coro: Any) -> asyncio.Task[Any]:
        """The real loop's."""
        return self._loop.create_task(coro)

    def call_later(self, delay: float, call: Callable[..., Any], *given: Any) -> Any:
        """Ring in DELAY seconds."""
        return self.call_at(self.now + delay, call, *given)

    def call_at(self, when: float, call: Callable[..., Any], *given: Any) -> Any:
        """Ring then."""
        handle = Handle(when)
        self.timers.append((when, call, given, handle))
        return handle

    def pass_by(self, seconds: float) -> None:
        """SECONDS pass."""
        until = self.now + seconds
        while due := sorted((t for t in self.timers if t[0] <= until and not t[3].off), key=lambda t: t[0]):
            first = due[0]
            self.timers.remove(first)
            self.now = max(self.now, first[0])
            first[1](*first[2])
        self.now = until


class Handle:
    """Of a timer."""

    def __init__(self, when: float) -> None:
        self._when = when
        self.off = False

    def when(self) -> float:
        """When it rings."""
        return self._when

    def cancel(self) -> None:
        """It does not ring."""
        self.off = True


class Scene:
    """A connection with all that is around it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: HttpSettings = SETTINGS) -> None:
        self.clock = Clock(asyncio.get_running_loop())
        self.house, self.transport = House(), Transport()
        monkeypatch.setattr(module.asyncio, "get_running_loop", lambda: self.clock)
        self.connection = HttpConnection(self.house, settings)
        monkeypatch.undo()
        self.connection.connection_made(self.transport)

    async def send(self, data: bytes) -> bytes:
        """What is answered at once to DATA."""
        self.connection.data_received(data)
        return await self.said()

    async def said(self) -> bytes:
        """What was written when all that can run has run."""
        for _ in range(10):
            await asyncio.sleep(0)
        return self.transport.take()


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The usual one."""
    return Scene(monkeypatch)


def targets(answers: bytes) -> list[bytes]:
    """The targets that were answered, in order."""
    return [part.partition(b'"')[0] for part in answers.split(b'{"target": "')[1:]]


async def test_one_after_the_other(scene: Scene) -> None:
    """A second request is looked at when the first is answered, however they come."""
    scene.house.go.clear()
    assert await scene.send(GET + GET.replace(b"/a", b"/b")[:10]) == b""
    assert await scene.send(GET.replace(b"/a", b"/b")[10:]) == b""
    assert [request.target for request, _ in scene.house.heard] == ["/a"]
    scene.house.go.set()
    assert targets(await scene.said()) == [b"/a", b"/b"]
    assert not scene.transport.closed


async def test_refusals_between(scene: Scene) -> None:
    """A thousand refused requests in one piece are refused one by one, and what is behind them is answered."""
    answer = await scene.send(GET.replace(b"/a", b"/no") * 1000 + GET)
    assert answer.count(b'{"no": "no"}') == 1000
    assert targets(answer) == [b"/a"]


async def test_too_far_ahead(scene: Scene) -> None:
    """Who sends much without waiting is not read on, and is cut after a moment; an answer in time lets it go on."""
    scene.house.go.clear()
    await scene.send(GET + b"\r\n" * MOST_AHEAD)
    assert not scene.transport.reading
    scene.clock.pass_by(AHEAD_S / 2)
    scene.house.go.set()
    assert targets(await scene.said()) == [b"/a"]
    assert scene.transport.reading
    scene.clock.pass_by(AHEAD_S * 2)
    assert (scene.house.hasty, scene.transport.closed) == (0, False)
    scene.house.go.clear()
    await scene.send(GET + b"\r\n" * MOST_AHEAD)
    scene.clock.pass_by(AHEAD_S)
    assert (scene.house.hasty, scene.transport.aborted) == (1, True)


async def test_the_time_for_a_head(scene: Scene) -> None:
    """It runs from the beginning, whatever comes meanwhile; and again after each answer."""
    await scene.send(GET)
    scene.clock.pass_by(20.0)
    await scene.send(b"GET / HTTP/1.1\r\n")
    scene.clock.pass_by(9.0)
    await scene.send(b"Host: a\r\n")
    assert not scene.transport.closed
    scene.clock.pass_by(1.0)
    assert scene.transport.closed
    assert await scene.said() == b""


async def test_no_time_runs_while_it_is_answered(scene: Scene) -> None:
    """An answer may take hours."""
    scene.house.go.clear()
    await scene.send(GET)
    scene.clock.pass_by(10_000.0)
    assert not scene.transport.closed


async def test_the_time_for_a_body(scene: Scene) -> None:
    """It runs anew with each piece; then 408, and what still comes is thrown away for a while."""
    await scene.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
    for _ in range(2):
        scene.clock.pass_by(2.9)
        assert await scene.send(b"x") == b""
    scene.clock.pass_by(3.0)
    assert (await scene.said()).startswith(b"HTTP/1.1 408 ")
    assert scene.transport.ended
    assert await scene.send(b"x" + GET) == b""
    assert not scene.house.heard
    assert not scene.transport.closed
    scene.clock.pass_by(2.0)
    assert scene.transport.closed


@pytest.mark.parametrize("framing", [b"Content-Length: 101\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_a_body_that_is_too_large(scene: Scene, framing: bytes) -> None:
    """It is refused as soon as that is known, and nothing is kept."""
    answer = await scene.send(b"POST /a HTTP/1.1\r\nHost: a\r\n" + framing)
    if not answer:
        answer = await scene.send(b"65\r\n" + b"x" * 101)
    assert b"max_body" in answer
    assert b"Connection: close" in answer
    assert scene.transport.ended
    assert not scene.house.heard


async def test_what_is_no_http(scene: Scene) -> None:
    """It is told so, and the connection ends soon."""
    assert b"http.not_http" in await scene.send(b"\0")
    assert scene.transport.ended
    scene.clock.pass_by(0.5)
    assert scene.transport.closed


async def test_who_leaves(scene: Scene) -> None:
    """What is answered for it is cancelled."""
    scene.house.go.clear()
    await scene.send(GET)
    task = scene.connection.task
    assert task is not None
    scene.connection.connection_lost(None)
    await scene.said()
    assert task.cancelled()
    assert scene.house.inside == 0


async def test_whoever_reads_slowly(scene: Scene) -> None:
    """The answer waits for it, and gives up when nothing is taken for too long; each piece that is taken counts."""
    taken: list[int] = []

    async def play(request: Request, connection: HttpConnection) -> None:
        connection.begin(request, 200, "", (), b"first")
        for number in range(9):
            await connection.more(b"x")
            taken.append(number)

    scene.house.play = play
    scene.connection.pause_writing()
    await scene.send(GET)
    scene.clock.pass_by(59.0)
    assert taken == []
    scene.connection.resume_writing()
    scene.connection.pause_writing()
    await scene.said()
    scene.clock.pass_by(59.0)
    assert taken == [0]
    assert not scene.transport.closed
    scene.clock.pass_by(1.0)
    await scene.said()
    assert taken == [0]
    assert scene.transport.aborted


async def test_head_and_first_piece_are_one_write(scene: Scene) -> None:
    """gptel's parser for Gemini signals an error at a head without a body."""

    async def play(request: Request, connection: HttpConnection) -> None:
        connection.begin(request, 200, "", (), b"first")
        connection.end()

    scene.house.play = play
    scene.connection.data_received(GET)
    for _ in range(5):
        await asyncio.sleep(0)
    head, *rest = scene.transport.written
    assert head.endswith(b"\r\n\r\n5\r\nfirst\r\n")
    assert rest == [b"0\r\n\r\n"]


@pytest.mark.parametrize("begun", [False, True])
async def test_when_the_house_breaks(scene: Scene, begun: bool) -> None:
    """An answer says so where none has begun; one that has begun is cut."""

    async def play(request: Request, connection: HttpConnection) -> None:
        if begun:
            connection.begin(request, 200, "", (), b"first")
        raise RuntimeError

    scene.house.play = play
    answer = await scene.send(GET)
    assert (b"HTTP/1.1 500 " in answer) is not begun
    assert scene.transport.closed
    assert scene.transport.aborted is begun


async def test_an_answer_that_is_too_short(scene: Scene) -> None:
    """Less than was promised is cut, not completed by the next answer."""

    async def play(request: Request, connection: HttpConnection) -> None:
        connection.begin(request, 200, "", (("Content-Length", "9"),), b"first")
        connection.end()

    scene.house.play = play
    await scene.send(GET)
    assert scene.transport.aborted


async def test_the_last_answer(scene: Scene) -> None:
    """When the house closes, or another takes its place, the connection ends with the answer under way."""
    scene.house.go.clear()
    await scene.send(GET)
    scene.connection.part()
    assert not scene.transport.closed
    scene.house.accepting = False
    scene.house.go.set()
    assert b"/a" in await scene.said()
    assert scene.transport.closed
    assert not scene.transport.aborted


async def test_a_daemon_that_is_replaced_says_so(scene: Scene) -> None:
    """Its clients connect anew for the next call."""
    scene.house.leaving = True
    assert b"Connection: close\r\n" in await scene.send(GET)
    assert scene.transport.closed


@pytest.mark.parametrize("request_", [GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), b"\0", GET])
async def test_a_last_word_that_is_not_taken(scene: Scene, request_: bytes) -> None:
    """A closed connection waits for its client to read the rest, but not for ever; and its house is told why."""
    scene.transport.unread = 10
    await scene.send(request_)
    scene.clock.pass_by(30.0)
    assert scene.transport.closed
    assert not scene.transport.aborted
    assert await scene.send(GET) == b"", "nothing more is read"
    assert scene.house.slothful == 0
    scene.clock.pass_by(60.0)
    assert scene.transport.aborted
    assert scene.house.slothful == 1


async def test_nothing_is_said_to_who_has_left(scene: Scene) -> None:
    """Timers and answers that come late write nowhere."""
    await scene.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
    scene.transport.closed = True
    scene.clock.pass_by(3.0)
    assert await scene.said() == b""
    scene.connection.connection_lost(None)
    scene.connection.abort()
    scene.connection.part()
    scene.clock.pass_by(100.0)
    assert await scene.said() == b""
