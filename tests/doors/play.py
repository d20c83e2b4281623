"""A JSON-RPC door over a real Unix socket, with operations that play a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from daemon.doors import porter, rundir
from daemon.doors.dispatch import CODE_OF
from daemon.doors.rpc import RpcDoor
from daemon.errors import NotFound, Refusal, UnknownOperation
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
    with rundir.bind(place / "s") as sock:
        await keeper.open(sock)
        yield rpc
        keeper.close()
        rpc.close()


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


async def answer_to(place: Path, data: bytes) -> Any:
    """The first message that DATA brings; the connection must then still work."""
    async with door(place, Play()), visit(place / "s") as wire:
        wire.send(data + request("after", "echo"))
        answer = await read(wire)
        while (after := await read(wire)).get("id") != "after":
            pass
        assert after["result"] == {}
        return answer
