"""Random visitors of both doors, and random hands on the configuration, each beside a model that says what must be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from daemon.app.application import App
from daemon.app.values import reloaded
from daemon.config import Config, default_paths, load
from daemon.doors.connection import HttpConnection
from daemon.doors.rpc import RpcConnection
from daemon.errors import ConfigError
from daemon.journal import Journal
from daemon.redact import Redactor
from doors.play import MAX, Play
from doors.test_connection import SETTINGS, House, Transport


class Machine(RuleBasedStateMachine):
    """One with an event loop of its own, in which no time has to pass."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()

    def do(self, job: Coroutine[Any, Any, Any]) -> Any:
        """Do JOB, and whatever can be done after it."""

        async def done() -> Any:
            result = await job
            turns = 0
            while turns < 10 or self.loop._ready:
                turns += 1
                await asyncio.sleep(0)
            return result

        return self.loop.run_until_complete(done())

    wire = b""
    """What the visitor has sent, and has not come in yet."""
    fed = 0
    """Bytes that have come in."""
    connection: HttpConnection | RpcConnection

    def come_in(self, size: int) -> None:
        """So many bytes come in."""
        piece, self.wire = self.wire[:size], self.wire[size:]
        self.fed += len(piece)

        async def feed() -> None:
            self.connection.data_received(piece)

        self.do(feed())

    def teardown(self) -> None:
        """Nothing is left in the loop."""
        self.leave()
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()

    def leave(self) -> None:
        """End what runs."""


PIECES = st.one_of(st.integers(1, 9), st.integers(20, 200), st.just(2000))
"""Bytes that come in at a time."""

PATHS = st.sampled_from(["/a", "/b?c=d", "/v1/chat"])
BODIES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=60)
BROKEN = (
    b"GET  /two-blanks HTTP/1.1\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: a\0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"\x16\x03\x01\x02\x00\r\n\r\n",
)


class HttpVisits(Machine):
    """A visitor who speaks HTTP: requests one behind the other, cut anywhere; some are refused, some are none, and the
    visitor may close one side, or go. The model: each request that has arrived whole is answered once, in order, as it
    was; none is looked at before the one before it is answered; behind what ends the connection nothing is."""

    def __init__(self) -> None:
        super().__init__()
        self.come()

    def come(self) -> None:
        """A new connection."""
        self.house, self.transport = House(), Transport()

        async def connect() -> HttpConnection:
            made = HttpConnection(self.house, SETTINGS)
            made.connection_made(self.transport)
            return made

        self.connection = self.do(connect())
        self.wire = b""
        self.asked: list[tuple[str, Any, int]] = []
        """What was put on the wire: how it must be answered, and where its last byte is."""
        self.length = self.fed = 0
        self.out = b""
        self.gone = self.last = False

    def leave(self) -> None:
        """The visitor goes."""
        self.lose()

    def put(self, kind: str, answer: Any, data: bytes) -> None:
        """DATA is sent, and will arrive."""
        self.wire += data
        self.length += len(data)
        self.asked.append((kind, answer, self.length))
        self.last = kind in ("last", "broken")

    @precondition(lambda self: not self.last and not self.gone)
    @rule(
        path=PATHS,
        body=BODIES,
        framing=st.sampled_from(["none", "length", "chunks"]),
        last=st.booleans(),
        more=st.integers(0, 4),
    )
    def ask(self, path: str, body: str, framing: str, last: bool, more: int) -> None:
        """A request as it should be, behind so many MORE; with `Connection: close` it is the last one."""
        for n in range(more):
            answer = {"target": f"/more/{n}", "body": ""}
            self.put("good", (200, answer), b"GET /more/%d HTTP/1.1\r\nHost: a\r\n\r\n" % n)
        raw = b"" if framing == "none" else body.encode()[:90]
        raw = raw.decode(errors="ignore").encode()
        head = f"{'GET' if framing == 'none' else 'POST'} {path} HTTP/1.1\r\nHost: a\r\n"
        head += "Connection: close\r\n" if last else ""
        if framing == "length":
            data = head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(raw), raw)
        elif framing == "chunks":
            pieces = [raw[at : at + 7] for at in range(0, len(raw), 7)]
            chunks = b"".join([b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces])
            data = head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        else:
            data = head.encode() + b"\r\n"
        self.put("last" if last else "good", (200, {"target": path, "body": raw.decode()}), data)

    @precondition(lambda self: not self.last and not self.gone)
    @rule()
    def ask_in_vain(self) -> None:
        """A request that the house refuses; the connection goes on."""
        self.put("refused", (400, {"no": "no"}), b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n")

    @precondition(lambda self: not self.last and not self.gone)
    @rule(data=st.sampled_from(BROKEN))
    def babble(self, data: bytes) -> None:
        """No request: it is told so, and that is the end."""
        self.put("broken", (400, None), data)

    @precondition(lambda self: self.wire and not self.gone)
    @rule(size=PIECES)
    def arrive(self, size: int) -> None:
        """Some bytes come in."""
        self.come_in(size)

    @precondition(lambda self: not self.gone)
    @rule(held=st.booleans())
    def hold(self, held: bool) -> None:
        """From now on answers take their time; or what waited is answered."""

        async def set_it() -> None:
            (self.house.go.clear if held else self.house.go.set)()

        self.do(set_it())

    @precondition(lambda self: not self.gone)
    @rule(half=st.booleans())
    def go(self, half: bool) -> None:
        """The visitor closes its sending side, or all: both is leaving."""
        if half:
            assert not self.connection.eof_received()
        self.lose()
        assert self.house.inside == 0
        assert self.connection.task is None or self.connection.task.done()
        self.said()
        before = self.out

        async def late() -> None:
            self.house.go.set()
            self.connection.data_received(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")

        self.do(late())
        self.said()
        assert self.out == before
        self.gone = True

    @precondition(lambda self: self.gone)
    @rule()
    def come_again(self) -> None:
        """The next visitor begins anew."""
        self.come()

    def lose(self) -> None:
        """The transport is gone."""

        async def end() -> None:
            if self.house.inside:
                self.transport.closed = True
                self.connection.connection_lost(None)

        self.do(end())

    def said(self) -> list[tuple[int, Any]]:
        """The answers so far: status and JSON. Raises AssertionError for half an answer."""
        self.out += self.transport.take()
        found, rest = [], self.out
        while rest:
            head, end, rest = rest.partition(b"\r\n\r\n")
            assert end, "half a head"
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            size = int(fields[b"content-length"])
            assert len(rest) >= size, "half a body"
            found.append((int(head.split(b" ")[1]), json.loads(rest[:size])))
            rest = rest[size:]
        return found

    @invariant()
    def as_the_model_says(self) -> None:
        """What is answered is what must be."""
        if self.gone:
            return
        got, due = self.said(), 0
        for kind, _, end in self.asked:
            if end > self.fed or (kind in ("good", "last") and not self.house.go.is_set() and due >= len(got)):
                break
            due += 1
        early = due < len(self.asked) and self.asked[due][0] == "broken"  # it may be known before its last byte
        assert len(got) in ((due, due + 1) if early else (due,))
        for (status, body), (_, (wanted, content), _) in zip(got, self.asked, strict=False):
            assert status == wanted
            assert content is None or body == content
        if got and self.asked[len(got) - 1][0] in ("last", "broken"):
            assert self.transport.closed or self.transport.ended
        else:
            assert not self.transport.closed
        heard = [(request.target, body.decode()) for request, body in self.house.heard]
        wanted_heard = [(a[1]["target"], a[1]["body"]) for kind, a, _ in self.asked if kind in ("good", "last")]
        assert heard == wanted_heard[: len(heard)]


WAITED = json.dumps({"waited": True})
"""The answer of those that take their time."""


class Line(Transport):
    """One that a JSON-RPC connection can set up."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As a socket's can."""


class RpcVisits(Machine):
    """A visitor who speaks JSON-RPC in one of the two framings, cut anywhere: requests, notifications, batches, cancels
    and nonsense. The model: each request with an id has one answer, and nothing else has any; a cancelled one says so;
    after a frame that is none the connection ends; when the visitor goes, all that ran for it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.come()

    def come(self) -> None:
        """A new connection."""
        self.play, self.line = Play(), Line()
        self.lost: list[Any] = []

        async def connect() -> RpcConnection:
            made = RpcConnection(self.play.operate, MAX, self.lost.append)
            made.connection_made(self.line)
            return made

        self.connection = self.do(connect())
        self.framed: bool | None = None
        self.wire, self.out = b"", b""
        self.length = self.fed = self.number = 0
        self.queue: list[tuple[int, list[Any]]] = []
        """What has not arrived yet: where its last byte is, and what it is to do, in order."""
        self.due: Counter[Any] = Counter()
        """The answers that must have come: id and what."""
        self.waiting: set[int] = set()
        """Ids of requests that run."""
        self.free = self.over = False

    def leave(self) -> None:
        """The visitor goes."""
        self.lose()

    def put(self, message: Any, *deeds: Any) -> None:
        """MESSAGE, JSON or bytes, goes on the wire; when it has arrived, DEEDS are to be seen."""
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.framed = bool(self.number % 2) if self.framed is None else self.framed
        data = b"Content-Length: %d\r\n\r\n%b" % (len(raw), raw) if self.framed else raw + b"\n"
        self.wire += data
        self.length += len(data)
        self.queue.append((self.length, list(deeds)))

    def next(self) -> int:
        """A new id."""
        self.number += 1
        return self.number

    @precondition(lambda self: not self.over and self.framed is None)
    @rule(framed=st.booleans())
    def choose(self, framed: bool) -> None:
        """The first byte tells which framing it will be."""
        self.framed = framed

    @precondition(lambda self: not self.over)
    @rule(text=BODIES)
    def echo(self, text: str) -> None:
        """A request that is answered at once."""
        tag = self.next()
        self.put({"id": tag, "method": "echo", "params": {"text": text}}, ("answer", tag, {"text": text}))

    @precondition(lambda self: not self.over)
    @rule(text=BODIES)
    def tell(self, text: str) -> None:
        """A notification, also of what does not exist."""
        self.put({"method": "echo" if text else "nothing", "params": None})

    @precondition(lambda self: not self.over)
    @rule()
    def wait(self) -> None:
        """A request that takes its time."""
        tag = self.next()
        self.put({"id": tag, "method": "wait"}, ("wait", tag))

    @precondition(lambda self: not self.over)
    @rule(size=st.integers(1, 4), waits=st.booleans())
    def batch(self, size: int, waits: bool) -> None:
        """Several in one message: each is answered by itself."""
        tags = [self.next() for _ in range(size)]
        some: list[Any] = [{"id": tag, "method": "wait" if waits else "echo"} for tag in tags]
        self.put([*some, {"method": "echo"}], *[("wait", tag) if waits else ("answer", tag, {}) for tag in tags])

    @precondition(lambda self: not self.over and self.number)
    @rule(back=st.integers(0, 3))
    def cancel(self, back: int) -> None:
        """Of a request that runs, has ended, or has not come yet."""
        tag = max(1, self.number - back)
        self.put({"method": "$/cancelRequest", "params": {"id": tag}}, ("cancel", tag))

    @precondition(lambda self: not self.over and self.number)
    @rule(back=st.integers(0, 3))
    def ask_under_the_same_id(self, back: int) -> None:
        """While the first one runs it is refused; else it is a request like any other."""
        tag = max(1, self.number - back)
        self.put({"id": tag, "method": "echo"}, ("again", tag))

    @precondition(lambda self: not self.over)
    @rule(
        nonsense=st.sampled_from(
            [(b'{"id":', -32700), (b"[]", -32600), (b'{"id":{}, "method": "echo"}', -32600), (b'{"id": 5}', -32600)]
        )
    )
    def babble(self, nonsense: tuple[bytes, int]) -> None:
        """What is no request is answered without an id; the connection goes on."""
        self.put(nonsense[0], ("error", None, nonsense[1]))

    @precondition(lambda self: not self.over)
    @rule(name=st.sampled_from(["nothing", "Echo"]))
    def ask_for_nothing(self, name: str) -> None:
        """An operation that there is not."""
        tag = self.next()
        self.put({"id": tag, "method": name}, ("error", tag, -32601))

    @precondition(lambda self: not self.over and self.framed)
    @rule(length=st.sampled_from([b"-1", b"0x10", b"99999999999", b"", b"1 1"]))
    def lie(self, length: bytes) -> None:
        """A frame that is none: said, and then the end."""
        data = b"Content-Length: %b\r\n\r\n" % length
        self.wire += data
        self.length += len(data)
        self.queue.append((self.length, [("error", None, -32600), ("end",)]))
        self.over = True

    @precondition(lambda self: self.wire)
    @rule(size=PIECES)
    def arrive(self, size: int) -> None:
        """Some bytes come in."""
        self.come_in(size)
        here = [deeds for end, deeds in self.queue if end <= self.fed]
        self.queue = self.queue[len(here) :]
        self.see([one for deeds in here for one in deeds])

    def see(self, deeds: list[Any]) -> None:
        """What messages do that have come in one piece: tasks begin when all of it is read."""
        begun: dict[int, Any] = {}
        for kind, *about in deeds:
            tag = about[0] if about else None
            runs = tag in begun or tag in self.waiting
            if (kind == "again" and runs) or (kind == "error" and tag is None):
                self.due[tag, about[1] if kind == "error" else -32600] += 1
            elif kind in ("answer", "again"):
                begun[tag] = json.dumps(about[1]) if kind == "answer" else "{}"
            elif kind in ("error", "wait"):
                begun[tag] = about[1] if kind == "error" else WAITED
            elif kind == "cancel" and (tag in self.waiting or (begun.get(tag) == WAITED and not self.free)):
                begun[tag] = -32800
                self.waiting.discard(tag)
            elif kind == "end":  # nothing is written behind it
                begun.clear()
                self.waiting.clear()
        for tag, outcome in begun.items():
            if outcome == WAITED and not self.free:
                self.waiting.add(tag)
            else:
                self.due[tag, outcome] += 1

    @rule()
    def let_go(self) -> None:
        """What waits is answered."""

        async def set_it() -> None:
            self.play.go_on.set()

        self.do(set_it())
        self.free = True
        for tag in self.waiting:
            self.due[tag, WAITED] += 1
        self.waiting.clear()

    @precondition(lambda self: self.fed)
    @rule()
    def go(self) -> None:
        """The visitor leaves; another comes."""
        self.lose()
        assert self.lost == [self.connection]
        assert not self.connection.dispatcher.tasks()
        self.come()

    def lose(self) -> None:
        """The transport is gone."""

        async def end() -> None:
            self.line.closed = True
            if not self.lost:
                self.connection.connection_lost(None)

        self.do(end())

    def said(self) -> Counter[Any]:
        """All answers so far: id and what."""
        self.out += self.line.take()
        found: Counter[Any] = Counter()
        rest = self.out
        while rest:
            if self.framed:
                head, _, rest = rest.partition(b"\r\n\r\n")
                size = int(head.split(b": ")[1])
                message, rest = rest[:size], rest[size:]
            else:
                message, end, rest = rest.partition(b"\n")
                assert end, "half a line"
            value = json.loads(message)
            found[value["id"], value["error"]["code"] if "error" in value else json.dumps(value["result"])] += 1
        return found

    @invariant()
    def as_the_model_says(self) -> None:
        """What is answered is what must be, and nothing that must be is missing."""
        assert self.said() == self.due
        assert self.line.closed is (self.over and not self.wire)


HOSTS = ("api.openai.com", "relay.example", "other.example")
SETTINGS_OF = st.fixed_dictionaries(
    {},
    optional={
        "language": st.sampled_from(["en", "ko", "zh"]),
        "explain": st.sampled_from(["inline", "field", "off"]),
        "drain": st.integers(1, 90).map("{}s".format),
        "log": st.fixed_dictionaries({"level": st.sampled_from(["debug", "info", "warning", "error"])}),
        "upstreams": st.lists(st.sampled_from(HOSTS), unique=True, max_size=3).map(
            lambda hosts: [{"host": host, "url": "https://" + host + "/p", "provider": "openai"} for host in hosts]
        ),
    },
)
WRONG = (
    b"upstreams: [",
    b"languag: en\n",
    b"drain: soon\n",
    b"drain: -5s\n",
    b"log: {level: loud}\n",
    b"upstreams: [{host: 'a b'}]\n",
    b"\xff\xfe\0",
    b"explain: inline\nexplain: off\n",
    b"a: &a [*a]\n",
    b"# " + b"x" * (1 << 20) + b"\n",
)


class LevelOnly:
    """Where the log goes, as far as a reload touches it."""

    def __init__(self) -> None:
        self.level: str | None = None

    def reopen(self, level: str | None = None) -> None:
        """Take note."""
        self.level = level


class Reloads(Machine):
    """A person who writes the configuration, breaks it, mends it, and has it read again. The model: what is in force is
    the last one that was good when it was read, whole, and nothing of a broken one."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="slu")
        home = Path(self.folder.name)
        self.file = home / "config.yaml"
        self.write(b"")
        environ = {"HOME": str(home), "SLUICE_CONFIG": str(self.file)}
        self.paths = default_paths(environ)
        self.good = b""
        self.environ = environ
        config, redactor, self.log = self.read(), Redactor(b"test"), LevelOnly()
        journal = Journal(home / "journal", redactor=redactor)
        journal.memory.recall = lambda kind: {}  # type: ignore[method-assign]  # the journal is never opened

        async def make() -> App:
            return App(
                config, self.paths, redactor, journal, environ=environ, sandbox=False,
                ready=lambda *given: None, log_output=self.log,  # type: ignore[arg-type]
            )  # fmt: skip

        self.app = self.do(make())
        self.force = config

    def leave(self) -> None:
        """Away with it."""
        self.do(self.app._upstream.close())
        self.folder.cleanup()

    def read(self) -> Config:
        """What is in the file. Raises ConfigError."""
        return load(self.file, environ=self.environ, must_exist=True)

    @rule(chosen=SETTINGS_OF)
    def write_good(self, chosen: dict[str, Any]) -> None:
        """A configuration as it should be. JSON is YAML."""
        self.write(json.dumps(chosen).encode())

    @rule(data=st.sampled_from(WRONG), chosen=SETTINGS_OF)
    def break_it(self, data: bytes, chosen: dict[str, Any]) -> None:
        """Something wrong behind good settings: none of these may be taken."""
        lines = [f"{name}: {json.dumps(value)}" for name, value in chosen.items() if name.encode() not in data]
        self.write("\n".join([*lines, ""]).encode() + data)

    @rule()
    def cut_short(self) -> None:
        """An editor that has written half of it."""
        whole = self.file.read_bytes() if self.file.is_file() else b""
        self.write(whole[: len(whole) // 2])

    @rule()
    def restore(self) -> None:
        """The last good one is put back."""
        self.write(self.good)

    @rule()
    def delete(self) -> None:
        """It is gone, which is a mistake: somebody named this file."""
        self.file.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """The file is DATA, and private."""
        self.file.write_bytes(data)
        self.file.chmod(0o600)

    @rule()
    def reload(self) -> None:
        """It is taken whole or not at all."""
        wanted = None
        with contextlib.suppress(ConfigError):
            wanted = self.read()

        async def again() -> None:
            self.app.reload()

        if wanted is None:
            with pytest.raises(ConfigError, match=r"config\.yaml"):
                self.do(again())
            return
        self.do(again())
        self.force, self.good = reloaded(self.force, wanted), self.file.read_bytes()
        assert self.log.level == wanted.log.level

    @invariant()
    def in_force(self) -> None:
        """The last good one, also where hosts lead."""
        assert self.app._config == self.force
        named = {one.host: one for one in self.force.upstreams}
        for host in HOSTS:
            origin = self.app.origin_of(host)
            if host in named:
                assert origin is not None
                assert origin.url == f"https://{host}/p"
            else:
                assert (origin is None) is (host != "api.openai.com")
                assert origin is None or origin.url == "https://api.openai.com"


for machine in (HttpVisits, RpcVisits, Reloads):
    machine.TestCase.settings = settings(max_examples=50, stateful_step_count=40)
TestHttpVisits = HttpVisits.TestCase
TestRpcVisits = RpcVisits.TestCase
TestReloads = Reloads.TestCase


def test_a_dozen_in_one_piece() -> None:
    """Twelve requests that come in with one piece are all looked for: each takes a turn of the loop, and the model
    waits for the last of them."""
    visits = HttpVisits()
    for more in (4, 2, 3):
        visits.ask(path="/a", body="", framing="none", last=False, more=more)
    visits.arrive(size=2000)
    visits.as_the_model_says()
    assert len(visits.said()) == 12
    visits.teardown()
