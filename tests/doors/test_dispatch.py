"""Requests by JSON-RPC: which are begun, how each is answered, and what cancels it."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from daemon.doors import dispatch
from daemon.doors.dispatch import BATCH_CAP, CODE_OF
from daemon.errors import NotFound, Refusal, ShuttingDown
from daemon.phrases import phrase
from doors.play import Play, answer_to, door, read, request
from doors.wire import visit

# ---- requests


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
    monkeypatch.setattr(dispatch, "IN_FLIGHT_CAP", 3)
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
    monkeypatch.setattr(dispatch, "IN_FLIGHT_CAP", 1)
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
    monkeypatch.setattr(dispatch, "IN_FLIGHT_CAP", 2)
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


async def test_a_refusal_in_the_language_asked_for(place: Path) -> None:
    """By the request's own `language`, else what the connection said once, else the daemon's; the code stays."""
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(request(1, "words", language="ko") + request(2, "words", language=7))
        first, second = await read(wire), await read(wire)
        assert first["error"]["message"].startswith("기록에 'c1' 요청이 없어요. 어떤 요청이 있는지는 `daemon calls`")
        assert second["error"]["message"].startswith("the journal has no call 'c1'")
        assert first["error"]["code"] == second["error"]["code"] == CODE_OF[NotFound]
        assert first["error"]["data"] == {"kind": "not_found"}


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


async def test_a_request_and_its_cancel_in_one_piece(place: Path) -> None:
    """They may come in one reading: the request is answered all the same, and says that it was cancelled."""
    cancel = b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}\n'
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(request(1, "wait") + cancel + request(2, "echo"))
        answers = {answer["id"]: answer for answer in (await read(wire), await read(wire))}
        assert answers[1]["error"]["code"] == -32800
        assert answers[2]["result"] == {}


async def test_cut_at_the_end(place: Path) -> None:
    """When the daemon ends, what it cuts is told so: nobody had asked to cancel it."""
    play = Play()
    async with door(place, play) as rpc, visit(place / "s") as wire:
        wire.send(request("a", "wait"))
        await asyncio.wait_for(play.started.wait(), 5)
        why = phrase("refused.drained", seconds=20, setting="drain")
        rpc.cut(ShuttingDown(why))
        for connection in rpc._open:
            for task in connection.dispatcher.tasks():
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
