"""F21: the hostile table to the daemon as a process: on the socket and by TCP, whole and byte by byte.

What is refused gets the expected answer and is not sent on; what must pass arrives byte for byte; JSON-RPC gets the
expected code, lives on or is closed as the table says, and nobody can cancel for another.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.raw import KEY as STAND_KEY
from benchmarks.reliability.raw import PATIENCE_S, Stand, Visit, each, stand
from doors.wire import pour, whole  # tests/ is in the path since benchmarks.reliability.raw
from hostile.house import HOST, by_tcp, post
from hostile.test_http import BROWSER, KEY, PASSED, REBOUND, REFUSED, Case
from hostile.test_rpc import ENDS, GOES_ON, GOOD
from stage.origin import ok

SHORT = 0.1
WAYS = ("unix", "tcp")
MORE = "timeouts: {body: 200ms}\nmax_body: 1MiB\nlisten: 127.0.0.1:0\n"
LONG = 25_000
"""Bytes of what is only sent in one piece."""
OPERATION = b'"subtypes"'
"""What the table's JSON-RPC asks for in place of its own `echo`."""

Job = tuple[str, Callable[[], Awaitable[bool]]]


class Ways:
    """The two ways into the daemon of a STAND."""

    def __init__(self, place: Stand, told: Any) -> None:
        self._place = place
        self._url = str(told["daemon"]["listen"])
        self.token = (place.daemon.state_dir / "token").read_bytes().strip()

    def as_sent(self, data: bytes, where: str) -> bytes:
        """DATA as a client sends it there."""
        return data if where == "unix" else by_tcp(data, self._url, self.token)

    async def connect(self, where: str) -> socket.socket:
        """A connection."""
        sock = socket.socket(socket.AF_UNIX if where == "unix" else socket.AF_INET)
        sock.setblocking(False)
        if where == "tcp":
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address: Any = str(self._place.daemon.socket)
        address = address if where == "unix" else ("127.0.0.1", int(self._url.rpartition(":")[2]))
        await asyncio.get_running_loop().sock_connect(sock, address)
        return sock

    async def said(
        self, data: bytes, where: str, *, at_once: bool, end: Callable[[bytes], bool] = whole, first: bytes = b""
    ) -> bytes:
        """What is answered to DATA until END says that it is enough, or the connection is closed; FIRST is sent before,
        and its answer is waited for and left out."""
        loop = asyncio.get_running_loop()
        with await self.connect(where) as sock:
            if first:
                await loop.sock_sendall(sock, first)
                assert b'"result"' in await asyncio.wait_for(loop.sock_recv(sock, 1 << 16), PATIENCE_S)
            await pour(sock, data, at_once=at_once)
            got = b""
            with contextlib.suppress(ConnectionResetError):
                while not end(got) and (piece := await asyncio.wait_for(loop.sock_recv(sock, 1 << 16), PATIENCE_S)):
                    got += piece
            return got

    def hello(self) -> bytes:
        """The first request of a connection, with the token that only TCP needs."""
        return json.dumps({"id": 0, "method": "hello", "params": {"token": self.token.decode()}}).encode()


def measure(scale: float) -> Figure:
    """All rows that a client can bring about; at a small scale every so manieth."""

    async def run() -> tuple[list[str], int, int, int]:
        async with stand(silent, more=MORE) as place:
            jobs = part([*refused(ways := Ways(place, await place.status())), *rpc(ways)], scale)
            wrong = await done(jobs)
            sent_on = len(place.provider.visits)
        async with stand(ok(b'{"choices":[]}'), more=MORE) as place:
            passing = part(passed(place, Ways(place, await place.status())), scale)
            wrong += await done(passing)
        async with stand(silent, more=MORE) as place:
            wrong += await done(cancelling := cancelled(place, Ways(place, await place.status())))
        return wrong, sent_on, len(jobs) + len(cancelling), len(passing)

    wrong, sent_on, hostile, odd = asyncio.run(run())
    shown = f" ({'; '.join(wrong[:3])})" if wrong else ""
    return Figure(
        "F21",
        f"{hostile} hostile requests and {odd} odd ones that must pass: HTTP, JSON-RPC and browsers, on the socket and "
        "by TCP, in one piece and byte by byte",
        "the expected answer to each, no hostile one sent on, the odd ones byte for byte",
        f"{hostile + odd - len(wrong)} as expected{shown}; {sent_on} sent on",
        ok=not wrong and not sent_on,
    )


def part(jobs: list[Job], scale: float) -> list[Job]:
    """Every so manieth of JOBS."""
    return jobs[:: max(1, len(jobs) // count(len(jobs), scale))]


async def done(jobs: list[Job]) -> list[str]:
    """The names of those JOBS that did not go as they should."""

    async def one(number: int) -> str:
        name, work = jobs[number]
        try:
            return "" if await work() else name
        except (TimeoutError, ValueError, KeyError, IndexError, AssertionError) as error:
            return f"{name}: {type(error).__name__}"

    return [name for name in await each(one, range(len(jobs)), 4) if name]


async def silent(visit: Visit) -> None:
    """A provider that takes what comes and does not answer."""
    await visit.request()
    await visit.reader.read()


def pieces(data: bytes) -> tuple[bool, ...]:
    """In one piece and byte by byte; what is long only in one piece."""
    return (True, False) if len(data) < LONG else (True,)


def named(name: str, where: str, at_once: bool) -> str:
    """What a job is called."""
    return f"{name} {where} {'whole' if at_once else 'in bytes'}"


# ---- HTTP


def refused(ways: Ways) -> list[Job]:
    """The rows of HTTP that are refused; those of browsers and of rebound names by TCP, which alone they can reach."""
    found: list[tuple[Case, str, bytes]] = [(one, way, ways.as_sent(one.data, way)) for way in WAYS for one in REFUSED]
    found += [(one, "tcp", ways.as_sent(one.data, "tcp")) for one in BROWSER]
    found += [(one, "tcp", one.data.replace(b"%b", ways.token)) for one in REBOUND]

    def job(case: Case, where: str, data: bytes, at_once: bool) -> Job:
        async def work() -> bool:
            return right(case, await ways.said(data, where, at_once=at_once), ways.token)

        return named(f"{case.row} {case.name}", where, at_once), work

    return [job(case, where, data, at_once) for case, where, data in found for at_once in pieces(case.data)]


def right(case: Case, got: bytes, token: bytes) -> bool:
    """True for the expected status, an error of ours, no echo of a key, and nothing that would help a page."""
    head, _, body = got.partition(b"\r\n\r\n")
    kinds = (case.kind, "sluice_not_allowed") if 403 in case.status else (case.kind,)
    fine = int(head.split(b" ")[1]) in case.status and json.loads(body)["error"]["type"] in kinds
    return fine and KEY.encode() not in got and token not in got and b"access-control" not in head.lower()


def passed(place: Stand, ways: Ways) -> list[Job]:
    """The rows that must pass: each has a number in a field, by which it is found again at the provider."""
    asked = [(name, target, lines) for name, (target, lines) in PASSED.items()]
    asked += [("19 Expect: 100-continue", "/v1/chat/completions", ("Expect: 100-continue",))]

    def job(number: int, name: str, target: str, lines: tuple[str, ...], where: str, at_once: bool) -> Job:
        mark = f"X-Number: {number}"

        async def work() -> bool:
            got = await ways.said(ways.as_sent(post(*lines, mark, target=target), where), where, at_once=at_once)
            heads = [head for visit in place.provider.visits for head in visit.heads if f"{mark}\r".encode() in head]
            return got.startswith(b"HTTP/1.1 200 ") and got.count(b"HTTP/1.1 ") == 1 and arrived(heads, target, lines)

        return named(name, where, at_once), work

    kinds = [(*one, where, at_once) for one in asked for where in WAYS for at_once in (True, False)]
    return [job(number, *kind) for number, kind in enumerate(kinds)]


def arrived(heads: list[bytes], target: str, lines: tuple[str, ...]) -> bool:
    """True if the provider got it once, with this TARGET and these LINES, and nothing of ours."""
    if len(heads) != 1:
        return False
    first, *fields = heads[0].split(b"\r\n")
    wanted = [line.encode() for line in lines if not line.startswith("Expect")]
    ours = [field for field in fields if field.lower().startswith((b"x-sluice", b"expect", b"proxy-auth"))]
    return first == f"POST {target} HTTP/1.1".encode() and all(line in fields for line in wanted) and not ours


# ---- JSON-RPC


def rpc(ways: Ways) -> list[Job]:
    """Rows 29 to 33: what ends the connection, what is refused and goes on, and what is odd but good."""

    def job(name: str, data: bytes, where: str, at_once: bool, judge: Callable[[bytes, str, bool], Any]) -> Job:
        return named(name, where, at_once), lambda: judge(data.replace(b'"echo"', OPERATION), where, at_once)

    out = []
    for judge, cases in ((_ends(ways, ENDS), ENDS), (_goes_on(ways, GOES_ON), GOES_ON), (_good(ways), GOOD)):
        out += [
            job(name, data, where, at_once, judge(name))
            for name, (data, _) in cases.items()
            for where in WAYS
            for at_once in (True, False)
            if at_once or len(data) < 10_000
        ]
    flood = b'{"method":"echo"}\n' * 5_000
    return [*out, *(job("33 a flood of notifications", flood, where, True, _flooded(ways)) for where in WAYS)]


def _ends(ways: Ways, cases: dict[str, tuple[bytes, int]]) -> Any:
    def judge(name: str) -> Any:
        async def work(data: bytes, where: str, at_once: bool) -> bool:
            first = b"Content-Length: %d\r\n\r\n%b" % (len(ways.hello()), ways.hello())
            got = await ways.said(data, where, at_once=at_once, end=lambda got: False, first=first)
            return json.loads(got.partition(b"\r\n\r\n")[2])["error"]["code"] == cases[name][1]

        return work

    return judge


def _goes_on(ways: Ways, cases: dict[str, tuple[bytes, int]]) -> Any:
    def judge(name: str) -> Any:
        async def work(data: bytes, where: str, at_once: bool) -> bool:
            after = b'\n{"id":"after","method":"hello"}\n'
            enough = _answered(b'"after"')
            got = await ways.said(data + after, where, at_once=at_once, end=enough, first=ways.hello() + b"\n")
            refusal, last = (json.loads(line) for line in got.splitlines())
            return refusal["error"]["code"] == cases[name][1] and len(str(refusal)) < 1000 and "result" in last

        return work

    return judge


def _good(ways: Ways) -> Any:
    def judge(name: str) -> Any:
        async def work(data: bytes, where: str, at_once: bool) -> bool:
            enough = _answered(b'"id":1')
            got = await ways.said(data + b"\n", where, at_once=at_once, end=enough, first=ways.hello() + b"\n")
            return "result" in json.loads(got) and b"\\u0000" not in got

        return work

    return judge


def _flooded(ways: Ways) -> Any:
    async def work(data: bytes, where: str, at_once: bool) -> bool:
        after, enough = b'{"id":"after","method":"hello"}\n', _answered(b'"after"')
        got = await ways.said(data + after, where, at_once=at_once, end=enough, first=ways.hello() + b"\n")
        answer = json.loads(got)
        return "result" in answer or answer["error"]["code"] == -32600

    return work


def _answered(mark: bytes) -> Callable[[bytes], bool]:
    """True for what has a whole line with MARK."""
    return lambda got: any(mark in line for line in got.split(b"\n")[:-1])


def cancelled(place: Stand, ways: Ways) -> list[Job]:
    """Row 34: whoever cancels what another asked for, or nothing, changes nothing; who cancels his own is told so."""
    chat = {"host": HOST, "model": "m", "messages": [{"role": "user", "content": "x"}], "key": STAND_KEY}
    asked = json.dumps({"id": 5, "method": "chat", "params": chat}).encode() + b"\n"
    cancel = b'{"method":"$/cancelRequest","params":{"id":%d}}\n{"id":"after","method":"hello"}\n'

    def job(where: str) -> Job:
        async def work() -> bool:
            loop = asyncio.get_running_loop()
            before, first = len(place.provider.visits), ways.hello() + b"\n"
            with await ways.connect(where) as mine:
                await loop.sock_sendall(mine, first + asked)
                async with asyncio.timeout(PATIENCE_S):
                    while len(place.provider.visits) == before:  # noqa: ASYNC110 - another process's
                        await asyncio.sleep(0.01)
                for number in (5, 99):
                    await ways.said(cancel % number, where, at_once=True, end=_answered(b'"after"'), first=first)
                still = (await place.status())["daemon"]["running"] == 1
                await loop.sock_sendall(mine, cancel % 99 + cancel % 5)
                got = b""
                while b"-32800" not in got:
                    piece = await asyncio.wait_for(loop.sock_recv(mine, 1 << 16), PATIENCE_S)
                    if not piece:
                        return False
                    got += piece
            return still and await place.idle(PATIENCE_S)

        return f"34 cancelling for another {where}", work

    async def both() -> bool:
        return all([await work() for _, work in map(job, WAYS)])  # one after the other: what runs is counted

    return [("34 cancelling for another", both)]
