"""The JSON-RPC door over a real Unix socket, with operations that play a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from daemon.doors import porter
from daemon.doors import rpc as rpc_door
from daemon.doors.crowd import Crowd
from daemon.doors.rpc import BATCH_CAP, CODE_OF, RpcDoor
from daemon.errors import NotFound, Refusal, ShuttingDown, UnknownOperation
from daemon.operations import Session
from daemon.phrases import phrase
from doors.wire import Wire, visit

MAX = 200_000


class Play:
    """Operations of a test. Each is a method whose name begins with `do_`."""

    def __init__(self) -> None:
        self.params: list[Mapping[str, Any]] = []
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.go_on = asyncio.Event()
        self.closed = asyncio.Event()
        self.session: Any = None

    async def operate(self, name: str, params: Mapping[str, Any], session: Session, tag: Any) -> Mapping[str, Any]:
        """Run one."""
        self.params.append(params)
        self.session = session
        found = getattr(self, "do_" + name, None)
        if found is None:
            raise UnknownOperation(f"no {name!r}")
        result: Mapping[str, Any] = await found(params, session, tag)
        return result

    async def do_echo(self, params: Any, session: Session, tag: Any) -> Any:
        """The params."""
        return dict(params)

    async def do_wait(self, params: Any, session: Session, tag: Any) -> Any:
        """Wait until told to go on."""
        self.started.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return {"waited": True}

    async def do_break(self, params: Any, session: Session, tag: Any) -> Any:
        """A fault of ours."""
        raise KeyError("CANARY-in-an-exception")

    async def do_refuse(self, params: Any, session: Session, tag: Any) -> Any:
        """The refusal that is asked for."""
        kind = next(kind for kind in (*CODE_OF, Refusal) if kind.__name__ == params["kind"])
        raise kind("said in words", **params.get("facts", {}))

    async def do_words(self, params: Any, session: Session, tag: Any) -> Any:
        """A refusal that can be told in each language."""
        raise NotFound(phrase("journal.no_call", name="c1"))

    async def do_listen(self, params: Any, session: Session, tag: Any) -> Any:
        """What `hello` does with a language, and a notification."""
        session.language = params["language"]
        session.notify("queue", {"queue": [{"waits_for": phrase("waits.turn"), "place": 1}]})
        return {}

    async def do_stream(self, params: Any, session: Session, tag: Any) -> Any:
        """Text in pieces, then the whole."""
        for piece in params["pieces"]:
            session.delta(tag, "c1", piece)
        return {"text": "".join(params["pieces"])}

    async def do_odd(self, params: Any, session: Session, tag: Any) -> Any:
        """What Emacs cannot read."""
        return {
            "nul": "a\0b\\u0000",
            "half": "\ud800",
            "inf": float("inf"),
            "nan": [float("nan"), 1.5],
            "other": {1},
        }

    async def do_flood(self, params: Any, session: Session, tag: Any) -> Any:
        """More than a slow reader can take."""
        for number in range(params["times"]):
            session.notify("queue", {"n": number, "pad": "x" * 1000})
            session.delta(tag, "c1", "y" * 1000)
        session.on_close(self.closed.set)
        return {}


@contextlib.asynccontextmanager
async def door(place: Path, play: Play, **more: Any) -> AsyncIterator[RpcDoor]:
    """An RPC door behind a porter at PLACE/s."""
    rpc = RpcDoor(play.operate, MAX, **more)
    keeper = porter.Porter(rpc, rpc)
    with porter.bind(place / "s") as sock:
        await keeper.open(sock)
        yield rpc
        keeper.close()
        rpc.close()


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until that is TRUE."""
    while not true():  # noqa: ASYNC110 - another task's, which tells nobody
        await asyncio.sleep(0)


def request(tag: Any, method: str, **params: Any) -> bytes:
    """A request on a line."""
    return json.dumps({"jsonrpc": "2.0", "id": tag, "method": method, "params": params}).encode() + b"\n"


async def read(wire: Wire) -> Any:
    """The next message on a line."""
    line = await wire.line()
    assert line, "the connection was closed"
    value = json.loads(line)
    assert value["jsonrpc"] == "2.0"
    return value


async def test_a_request_and_its_cancel_in_one_piece(place: Path) -> None:
    """They may come in one reading: the request is answered all the same, and says that it was cancelled."""
    cancel = b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}\n'
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(request(1, "wait") + cancel + request(2, "echo"))
        answers = {answer["id"]: answer for answer in (await read(wire), await read(wire))}
        assert answers[1]["error"]["code"] == -32800
        assert answers[2]["result"] == {}


async def answer_to(place: Path, data: bytes) -> Any:
    """The first message that DATA brings; the connection must then still work."""
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(data + request("after", "echo"))
        answer = await read(wire)
        while (after := await read(wire)).get("id") != "after":
            pass
        assert after["result"] == {}
        return answer


# ---- requests


@pytest.mark.parametrize("style", ["lines", "frames"])
async def test_both_framings_split_at_every_byte(place: Path, style: str) -> None:
    """A request is answered in its own framing, wherever it is cut."""
    body = request(7, "echo", text="é🦊").strip()
    data = body + b"\n" if style == "lines" else b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    async with door(place, Play()):
        for at in range(1, len(data), 3):
            async with visit(place / "s") as wire:
                wire.send(data[:at])
                await asyncio.sleep(0)
                wire.send(data[at:])
                if style == "frames":
                    length = int((await wire.line()).split(b": ")[1])
                    assert await wire.line() == b"\r\n"
                    answer = json.loads(await wire.exactly(length))
                else:
                    answer = await read(wire)
            assert answer == {"jsonrpc": "2.0", "id": 7, "result": {"text": "é🦊"}}


@pytest.mark.parametrize("params", ["null", "{}", None])
async def test_params_may_be_null_or_absent(place: Path, params: str | None) -> None:
    """Emacs sends null for an empty object."""
    text = '{"jsonrpc":"2.0","id":1,"method":"echo"' + (f',"params":{params}' if params else "") + "}\n"
    assert (await answer_to(place, text.encode()))["result"] == {}


async def test_requests_run_at_the_same_time(place: Path) -> None:
    """A slow request does not hold up a quick one."""
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "wait") + request(2, "echo"))
        assert (await read(wire))["id"] == 2
        play.go_on.set()
        assert await read(wire) == {"jsonrpc": "2.0", "id": 1, "result": {"waited": True}}


async def test_a_batch(place: Path) -> None:
    """The requests of a batch are answered one by one."""
    batch = b"[" + b",".join(request(n, "echo", n=n).strip() for n in range(3)) + b"]\n"
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(batch)
        assert [(await read(wire))["result"]["n"] for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"{", -32700),
        (b"hello", -32700),
        (b'{"id":1,"method":"echo","params":{"a":NaN}}', -32700),
        (b'{"id":1,"method":"echo","params":{"a":Infinity}}', -32700),
        (b'{"id":1,"method":"echo","params":{"a":1e999}}', -32700),
        (b'{"id":1,"method":"echo","params":{"a":' + b"1" * 5000 + b"}}", -32700),
        (b'{"id":1,"method":"echo","params":' + b"[" * 90_000 + b"]" * 90_000 + b"}", -32700),
        (b'{"id":1,"method":"echo\xff"}', -32700),
        (b'\xef\xbb\xbf{"id":1,"method":"echo"}', -32700),
        (b"[]", -32600),
        (b"[" + b",".join([b"1"] * (BATCH_CAP + 1)) + b"]", -32600),
        (b"[1]", -32600),
        (b"1", -32600),
        (b'"x"', -32600),
        (b"null", -32600),
        (b'{"id":1}', -32600),
        (b'{"id":1,"method":5}', -32600),
        (b'{"id":null,"method":"echo"}', -32600),
        (b'{"id":{},"method":"echo"}', -32600),
        (b'{"id":true,"method":"echo"}', -32600),
        (b'{"id":1.5,"method":"echo"}', -32600),
        (b'{"id":1e308,"method":"echo"}', -32600),
        (b'{"id":9223372036854775808,"method":"echo"}', -32600),
        (b'{"id":"' + b"x" * 100_000 + b'","method":"echo"}', -32600),
        (b'{"id":"\\ud800","method":"echo"}', -32600),
        (b'{"id":{"a":1},"method":"echo","params":[1]}', -32600),
        (b'{"id":1,"method":"echo","params":[1]}', -32602),
        (b'{"id":1,"method":"echo","params":"x"}', -32602),
        (b'{"id":1,"method":"echo","params":{"a":"\\ud800"}}', -32602),
        (b'{"id":1,"method":"echo","params":{"\\udfff":1}}', -32602),
        (b'{"id":1,"method":"nothing"}', -32601),
        (b'{"id":1,"method":"nothing\\u0000"}', -32601),
    ],
    ids=lambda value: value[:50].decode("latin-1") if isinstance(value, bytes) else str(value),
)
async def test_bad_messages(place: Path, message: bytes, code: int) -> None:
    """Each is answered with the right code and words, and the connection goes on."""
    async with door(place, Play()), visit(place / "s") as wire:
        # Not the first line: what does not begin like JSON-RPC would be HTTP for the porter.
        wire.send(request(0, "wait") + message + b"\n" + request("after", "echo"))
        answer = await read(wire)
        assert (await read(wire))["result"] == {}
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]
    assert len(json.dumps(answer)) < 500
    assert answer["id"] == (1 if code in (-32601, -32602) else None)


@pytest.mark.parametrize(
    "message",
    [
        b'{"id":1,"method":"echo","params":{"a":"\\ud83e\\udd8a"}}',
        b'{"id":1,"method":"echo","params":{"a":"\\u0000","a":"\\u0000"}}',
        b'{"id":1,"method":"echo","params":{"a":9223372036854775808}}',
        b'{"id":1,"method":"echo","params":{"a":' + b"[" * 300 + b"]" * 300 + b"}}",
    ],
)
async def test_odd_messages_that_are_good(place: Path, message: bytes) -> None:
    """Pairs of surrogates, NUL, doubled names, large numbers, nesting: plain JSON."""
    assert "result" in await answer_to(place, message + b"\n")


async def test_too_many_under_way(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection may have so many requests under way, those without an id counted; the next one is refused, the
    others go on, and then there is room again."""
    monkeypatch.setattr(rpc_door, "IN_FLIGHT_CAP", 3)
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(b'{"method":"wait"}\n' + request(1, "wait") + request(2, "wait") + request(3, "echo"))
        refused = await read(wire)
        assert (refused["id"], refused["error"]["code"]) == (3, -32600)
        play.go_on.set()
        assert {(await read(wire))["id"] for _ in range(2)} == {1, 2}
        wire.send(request(4, "echo"))
        assert (await read(wire))["result"] == {}


async def test_an_id_that_is_still_in_use(place: Path) -> None:
    """The second request with an id is refused; the first is answered all the same, and then the id is free."""
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "wait") + request(1, "echo"))
        assert (await read(wire))["error"]["code"] == -32600
        play.go_on.set()
        assert (await read(wire))["result"] == {"waited": True}
        wire.send(request(1, "echo") + request("1", "echo"))
        assert {(await read(wire))["id"] for _ in range(2)} == {1, "1"}


async def test_notifications_are_not_answered(place: Path) -> None:
    """What has no id gets neither result nor error, even when it fails; a stray answer is ignored."""
    data = (
        b'{"method":"echo"}\n{"method":"nothing"}\n{"method":"break"}\n{"method":"echo","params":[]}\n'
        b'{"method":"echo","params":{"a":"\\ud800"}}\n{"id":3,"result":1}\n{"id":3,"error":{}}\n'
    )
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(data + request(9, "wait") + request(1, "echo"))
        assert (await read(wire))["id"] == 1


async def test_too_many_requests_at_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with an id is refused by that id, and the connection goes on: nothing is lost in silence."""
    monkeypatch.setattr(rpc_door, "IN_FLIGHT_CAP", 1)
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "wait") + request(2, "echo"))
        answer = await read(wire)
        assert (answer["id"], answer["error"]["code"]) == (2, -32600)
        play.go_on.set()
        assert (await read(wire))["id"] == 1
        wire.send(request(3, "echo"))
        assert (await read(wire))["id"] == 3


async def test_a_batch_after_a_flood(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind the one notification too many is not begun, in the same batch neither; what ran is
    cancelled."""
    monkeypatch.setattr(rpc_door, "IN_FLIGHT_CAP", 2)
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        wire.send(
            b'[{"method":"echo"},{"method":"echo"},{"method":"echo"},{"id":2,"method":"echo"}]\n' + request(3, "echo")
        )
        (line,) = (await wire.rest()).splitlines()
        assert json.loads(line)["error"]["code"] == -32600
        assert json.loads(line)["id"] is None
        await asyncio.wait_for(play.cancelled.wait(), 5)
        assert len(play.params) <= 2


async def test_a_framing_error_closes(place: Path) -> None:
    """When the stream cannot be followed any more, that is said once and the connection ends."""
    async with door(place, Play()) as rpc, visit(place / "s") as wire:
        wire.send(b"Content-Length: 99999999999\r\n\r\n")
        data = await wire.rest()
        assert b"-32600" in data
        assert b"max_body" in data
        await asyncio.sleep(0)
        assert rpc.connections == 0


@pytest.mark.parametrize(
    "half",
    [
        b'{"jsonrpc":"2.0","id":1,"meth',
        b"Content-Length: 70",
        b"Content-Length: 70\r\n\r\n{",
        request(1, "echo") + b"{",
    ],
    ids=["a line", "a header", "a frame", "the second line"],
)
async def test_half_a_message(place: Path, half: bytes) -> None:
    """Who does not go on with a message is told so and sent away; who has ended each may be silent as long as it likes,
    also after a space."""
    async with door(place, Play(), patience_s=0.02) as rpc, visit(place / "s") as quiet, visit(place / "s") as wire:
        quiet.send(request(1, "echo") + b" ")
        await read(quiet)
        wire.send(half)
        said = (await wire.rest()).splitlines()[-1]
        error = json.loads(said)["error"]
        assert error["code"] == -32600
        assert "0.02 s (setting timeouts.body)" in error["message"]
        await asyncio.sleep(0)
        assert rpc.connections == 1
        quiet.send(request(2, "echo"))
        assert (await read(quiet))["id"] == 2


async def test_a_message_that_comes_slowly(place: Path) -> None:
    """The time is for the next piece, as it is for a body: each begins it anew."""
    async with door(place, Play(), patience_s=5.0) as rpc, visit(place / "s") as wire:
        data = request(1, "echo")
        wire.send(data[:10])
        await until(lambda: rpc.connections)
        (connection,) = rpc._open
        first = connection._watchdog._deadline
        wire.send(data[10:20])
        await until(lambda: connection._framer.pending() == 20)
        assert first is not None
        assert (connection._watchdog._deadline or 0) > first
        wire.send(data[20:])
        assert (await read(wire))["id"] == 1
        assert connection._watchdog._deadline is None


async def test_too_many_connections(place: Path) -> None:
    """One more than the limit is told to come back, by the request's own id if it has said that, and sent away; those
    that are in stay, and who leaves makes room."""
    async with door(place, Play(), crowd=Crowd(1)) as rpc:
        async with visit(place / "s") as first:
            first.send(request(1, "echo"))
            assert (await read(first))["id"] == 1
            for said, tag in ((request(7, "shutdown") * 2, 7), (b'{"id":7', None), (b"[1]\n", None), (b"{]\n", None)):
                async with visit(place / "s") as second:
                    second.send(said)
                    (line,) = (await second.rest()).splitlines()
                answer = json.loads(line)
                assert (answer["id"], answer["error"]["code"]) == (tag, CODE_OF[ShuttingDown])
                assert answer["error"]["data"] == {"kind": "shutting_down", "retry_after_s": 1}
                assert "no more connections" in answer["error"]["message"]
            first.send(request(2, "echo"))
            assert (await read(first))["id"] == 2
        await until(lambda: not rpc.connections)
        async with visit(place / "s") as third:
            third.send(request(3, "echo"))
            assert (await read(third))["id"] == 3


# ---- refusals


@pytest.mark.parametrize("kind", CODE_OF, ids=lambda kind: kind.__name__)
async def test_each_refusal_has_its_code(place: Path, kind: type[Refusal]) -> None:
    """Message, kind and facts come with each."""
    answer = await answer_to(place, request(1, "refuse", kind=kind.__name__, facts={"retry_after_s": 2}))
    assert answer["error"] == {
        "code": CODE_OF[kind],
        "message": "said in words",
        "data": {"kind": kind.code, "retry_after_s": 2},
    }


async def test_a_call_that_the_provider_refused(place: Path) -> None:
    """The explanation makes it -32001."""
    answer = await answer_to(place, request(1, "refuse", kind="Refusal", facts={"explanation": {"line": "x"}}))
    assert answer["error"]["code"] == -32001
    assert answer["error"]["data"]["explanation"] == {"line": "x"}


def test_the_codes_are_distinct() -> None:
    """A client can tell them apart."""
    assert len(set(CODE_OF.values())) == len(CODE_OF)


async def test_when_sluice_breaks(place: Path, caplog: Any) -> None:
    """Our own fault is -32603 without details, which the log has; the daemon lives on."""
    answer = await answer_to(place, request(1, "break"))
    assert answer["error"]["code"] == -32603
    assert "CANARY" not in json.dumps(answer)
    assert any(record.levelno == logging.ERROR for record in caplog.records)


# ---- cancelling


async def test_cancel(place: Path) -> None:
    """A cancelled request stops and is answered once, with the code for it."""
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request("a", "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        wire.send(b'{"method":"$/cancelRequest","params":{"id":"a"}}\n')
        answer = await read(wire)
        assert (answer["id"], answer["error"]["code"]) == ("a", -32800)
        assert play.cancelled.is_set()


async def test_cut_at_the_end(place: Path) -> None:
    """When the daemon ends, what it cuts is told so: nobody had asked to cancel it."""
    play = Play()
    async with door(place, play) as rpc, visit(place / "s") as wire:
        wire.send(request("a", "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        why = phrase("refused.drained", seconds=20, setting="drain")
        rpc.cut(ShuttingDown(why))
        for connection in rpc._open:
            for task in connection.tasks():
                task.cancel()
        error = (await read(wire))["error"]
    assert (error["code"], error["message"]) == (CODE_OF[ShuttingDown], why)
    assert error["data"] == {"kind": "shutting_down"}


@pytest.mark.parametrize("params", ["{}", '{"id":99}', '{"id":{}}', '{"id":[1]}', "null"])
async def test_cancelling_nothing(place: Path, params: str) -> None:
    """Cancelling what does not run does nothing."""
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "wait") + b'{"method":"$/cancelRequest","params":' + params.encode() + b"}\n")
        wire.send(request(2, "echo"))
        assert (await read(wire))["id"] == 2
        play.go_on.set()
        assert (await read(wire))["id"] == 1


async def test_one_connection_cannot_cancel_for_another(place: Path) -> None:
    """Ids belong to their connection."""
    play = Play()
    async with door(place, play), visit(place / "s") as ours, visit(place / "s") as theirs:
        ours.send(request(1, "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        theirs.send(b'{"method":"$/cancelRequest","params":{"id":1}}\n' + request(2, "echo"))
        assert (await read(theirs))["id"] == 2
        assert not play.cancelled.is_set()


async def test_a_visitor_who_leaves_cancels_what_runs(place: Path) -> None:
    """Nobody would hear the answer."""
    play = Play()
    async with door(place, play) as rpc:
        async with visit(place / "s") as wire:
            wire.send(request(1, "wait"))
            await asyncio.wait_for(play.started.wait(), 5)
        await asyncio.wait_for(play.cancelled.wait(), 5)
        assert rpc.connections == 0


async def test_closing_actions_run(place: Path) -> None:
    """A subscription ends with its connection."""
    play = Play()
    async with door(place, play):
        async with visit(place / "s") as wire:
            wire.send(request(1, "flood", times=0))
            await read(wire)
        await asyncio.wait_for(play.closed.wait(), 5)


# ---- notifications


async def test_deltas_come_before_the_result(place: Path) -> None:
    """The first text comes at once, the rest is gathered, and all of it is there before the result, numbered."""
    async with door(place, Play()), visit(place / "s") as wire:
        for _ in range(2):
            wire.send(request(1, "stream", pieces=["a", "b", "c", "d"]))
            messages = [await read(wire) for _ in range(3)]
            assert [m.get("method", "result") for m in messages] == ["delta", "delta", "result"]
            assert messages[0]["params"] == {"id": 1, "call": "c1", "seq": 1, "text": "a"}
            assert messages[1]["params"] == {"id": 1, "call": "c1", "seq": 2, "text": "bcd"}
            assert messages[2]["result"]["text"] == "abcd"


async def test_gathered_text_goes_out_by_itself(place: Path) -> None:
    """Gathered text does not wait for the result."""
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        for piece in "abc":
            play.session.delta(1, "c1", piece)
        assert [(await read(wire))["params"]["text"] for _ in range(2)] == ["a", "bc"]


async def test_a_slow_reader_gets_the_newest(place: Path) -> None:
    """While the visitor does not read, queue news is replaced and text is gathered: nothing is lost, little is kept."""
    async with door(place, Play()), visit(place / "s") as wire:
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
        wire.send(request(1, "flood", times=3000))
        for _ in range(20):
            await asyncio.sleep(0)
        wire.reader._transport.resume_reading()  # type: ignore[attr-defined]
        queue, text, answer = [], "", None
        while answer is None:
            message = await read(wire)
            if message.get("method") == "queue":
                queue.append(message["params"]["n"])
            elif message.get("method") == "delta":
                text += message["params"]["text"]
            else:
                answer = message
        assert len(text) == 3_000_000
        assert len(queue) < 3000
        assert queue == sorted(queue)


async def test_a_visitor_who_never_reads_is_cut(place: Path) -> None:
    """There is an end to what waits for it."""
    play = Play()
    async with door(place, play) as rpc, visit(place / "s") as wire:
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
        wire.send(request(1, "flood", times=20_000))
        await asyncio.wait_for(play.closed.wait(), 5)
        assert rpc.connections == 0


async def test_what_goes_out_can_be_read_by_emacs(place: Path) -> None:
    """No NUL, no half surrogate, no number that JSON does not have."""
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(request(1, "odd"))
        line = await wire.line()
    assert b"\\u0000b" not in line.replace(b"\\\\u0000", b"")
    result = json.loads(line, parse_constant=lambda name: pytest.fail(name))["result"]
    assert result == {"nul": "ab\\u0000", "half": "?", "inf": None, "nan": [None, 1.5], "other": "{1}"}


# ---- the end


async def test_draining_waits_for_what_runs(place: Path) -> None:
    """`drained` ends when the running operations have."""
    play = Play()
    async with door(place, play) as rpc, visit(place / "s") as wire:
        wire.send(request(1, "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        waiting = asyncio.create_task(rpc.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
        play.go_on.set()
        await asyncio.wait_for(waiting, 5)
        assert (await read(wire))["result"] == {"waited": True}
        rpc.close()
        assert await wire.rest() == b""


# ---- in the visitor's language


async def test_a_refusal_in_the_language_asked_for(place: Path) -> None:
    """By the request's own `language`, else what the connection said once, else the daemon's; the code stays."""
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(request(1, "words", language="ko") + request(2, "words", language=7))
        first, second = await read(wire), await read(wire)
        assert first["error"]["message"].startswith("기록에 'c1' 요청이 없어요. 어떤 요청이 있는지는 `daemon calls`")
        assert second["error"]["message"].startswith("the journal has no call 'c1'")
        assert first["error"]["code"] == second["error"]["code"] == CODE_OF[NotFound]
        assert first["error"]["data"] == {"kind": "not_found"}


async def test_a_connection_that_said_what_it_reads(place: Path) -> None:
    """After `hello` with a language all words on this connection are in it, notifications and bad requests, too."""
    play = Play()
    async with door(place, play), visit(place / "s") as wire:
        wire.send(request(1, "listen", language="zh"))
        note, answer = await read(wire), await read(wire)
        assert note["params"] == {"queue": [{"waits_for": "轮到它", "place": 1}]}
        assert answer["result"] == {}
        wire.send(b'{"jsonrpc":"2.0","id":2,"method":"echo","params":[]}\n' + request(3, "words"))
        assert (await read(wire))["error"]["message"] == "params 要用带名字的对象，不能用列表"
        assert (await read(wire))["error"]["message"].startswith("记录里没有请求 'c1'")
