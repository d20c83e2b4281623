"""The way in by TCP over a real port: both languages, each with the token, and nothing without."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from daemon.doors import rpc as rpc_door
from daemon.doors.http import HttpDoor
from daemon.doors.listener import Listener, Room, bind_tcp
from daemon.doors.rpc import RpcDoor
from daemon.errors import ConfigError
from doors.test_http import Script, error_of
from doors.wire import Wire

KEY = "CANARY-listener-key-0123456789"


class Both(Script):
    """What both doors lead to. It notes the operations that ran by JSON-RPC."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[tuple[str, Any]] = []

    async def by_rpc(self, name: str, params: Any, session: Any, tag: Any) -> Any:
        """An operation."""
        self.ran.append((name, dict(params)))
        return {"name": name}


@contextlib.asynccontextmanager
async def listening(place: Path, both: Both, most: int = 256) -> AsyncIterator[Listener]:
    """A listener with both doors behind it."""
    http, rpc = HttpDoor(both, both.operate), RpcDoor(both.by_rpc, 1 << 20)  # type: ignore[arg-type]
    listener = Listener(("127.0.0.1", 0), place / "token")
    await listener.open(http, rpc, most)
    yield listener
    listener.close()
    listener.close()
    rpc.close()
    await http.close(0.1)


@contextlib.asynccontextmanager
async def visit(listener: Listener) -> AsyncIterator[Wire]:
    """A connection to the listener."""
    wire = Wire(*await asyncio.open_connection("127.0.0.1", int(listener.url.rpartition(":")[2])))
    try:
        yield wire
    finally:
        await wire.close()


def request(listener: Listener, *lines: str, target: str = "/to/api.example.com/v1", token: bool = True) -> bytes:
    """A request as a program sends it whose base URL is ours."""
    said = [f"X-Sluice-Token: {listener.token_file.read_text().strip()}"] if token else []
    host = listener.url.removeprefix("http://")
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *said, *lines, "", ""]).encode()


async def ask(listener: Listener, data: bytes) -> Any:
    """The answer to DATA."""
    async with visit(listener) as wire:
        wire.send(data)
        return await wire.answer()


async def test_a_call_with_the_token(place: Path) -> None:
    """The host in the path is where it goes, and the provider's key is untouched."""
    both = Both()
    async with listening(place, both) as listener:
        answer = await ask(listener, request(listener, f"Authorization: Bearer {KEY}"))
        operation = await ask(listener, request(listener, target="/_sluice/status"))
    assert (answer[0], operation[0]) == (b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK")
    assert (both.heard[0].host, both.heard[0].target) == ("api.example.com", "/v1")
    assert ("Authorization", f"Bearer {KEY}") in both.heard[0].headers


@pytest.mark.parametrize("target", ["/to/api.example.com/v1", "/_sluice/status", "/_sluice/shutdown", "/v1", "/"])
@pytest.mark.parametrize("line", ["X-Sluice-Token: wrong", "Origin: http://evil.com", "X: y"])
async def test_nothing_without_the_token(place: Path, target: str, line: str) -> None:
    """No call, no operation, not even whether there is one; no field that lets a page read the answer."""
    both = Both()
    async with listening(place, both) as listener:
        answer = await ask(listener, request(listener, line, target=target, token=False))
    assert answer[0] == b"HTTP/1.1 403 Not let in"
    assert error_of(answer)["type"] == "sluice_not_allowed"
    assert not any(name.startswith("access-control") for name in answer[1])
    assert not both.heard
    assert not both.operations


async def test_a_preflight_is_refused(place: Path) -> None:
    """What a browser asks before it sends our header gets a 403 without a field that would allow it."""
    preflight = b"OPTIONS /to/api.example.com/v1 HTTP/1.1\r\nHost: %b\r\nOrigin: http://evil.com\r\n\r\n"
    async with listening(place, Both()) as listener:
        answer = await ask(listener, preflight % listener.url.removeprefix("http://").encode())
    assert answer[0] == b"HTTP/1.1 403 Not let in"
    assert not any(name.startswith("access-control") for name in answer[1])


async def test_a_path_without_a_host(place: Path) -> None:
    """Host names us here: without /to/ nobody knows where the call should go, and the answer says how."""
    both = Both()
    async with listening(place, both) as listener:
        answer = await ask(listener, request(listener, target="/v1/models"))
    assert answer[0].startswith(b"HTTP/1.1 400 ")
    assert "/to/" in error_of(answer)["message"]
    assert not both.heard


async def test_json_rpc_with_the_token(place: Path) -> None:
    """`hello` carries it, no operation hears it, and then the connection is like any other."""
    both = Both()
    async with listening(place, both) as listener, visit(listener) as wire:
        token = listener.token_file.read_text().strip()
        wire.send(json.dumps({"id": 1, "method": "hello", "params": {"token": token, "client": "x"}}).encode() + b"\n")
        wire.send(b'{"id":2,"method":"status","params":{"pad":"' + b"x" * 100_000 + b'"}}\n')
        assert [json.loads(await wire.line())["result"]["name"] for _ in range(2)] == ["hello", "status"]
    assert both.ran[0] == ("hello", {"client": "x"})


@pytest.mark.parametrize(
    "message",
    [
        b'{"id":1,"method":"status"}',
        b'{"id":1,"method":"hello"}',
        b'{"id":1,"method":"hello","params":{"token":"wrong"}}',
        b'{"id":1,"method":"hello","params":{"token":["x"]}}',
        b'{"id":1,"method":"hello","params":{"token":null}}',
        b'{"method":"shutdown"}',
        b'[{"method":"shutdown"},{"id":2,"method":"status"}]',
    ],
)
async def test_json_rpc_without_the_token(place: Path, message: bytes) -> None:
    """Whatever comes before it is refused and ends the connection; nothing runs."""
    both = Both()
    async with listening(place, both) as listener, visit(listener) as wire:
        wire.send(message + b"\n")
        answers = [json.loads(line) for line in (await wire.rest()).splitlines()]
    assert answers
    assert {answer["error"]["code"] for answer in answers} == {-32013}
    assert both.ran == []


@pytest.mark.parametrize("form", ["%b\n%b\n", "[%b,%b]\n"], ids=["lines", "a batch"])
async def test_the_token_comes_too_late(place: Path, form: str) -> None:
    """Who did not begin with it is out: what stands behind is not looked at, be it the right token."""
    both = Both()
    async with listening(place, both) as listener, visit(listener) as wire:
        token = listener.token_file.read_text().strip()
        late = json.dumps({"id": 2, "method": "hello", "params": {"token": token}}).encode()
        wire.send(form.encode() % (b'{"id":1,"method":"status"}', late))
        (line,) = (await wire.rest()).splitlines()
    assert (json.loads(line)["id"], json.loads(line)["error"]["code"]) == (1, -32013)
    assert both.ran == []


async def test_a_stranger_may_not_say_much(place: Path) -> None:
    """Before the token only 64 KiB of a message are taken."""
    async with listening(place, Both()) as listener, visit(listener) as wire:
        wire.send(b'{"id":1,"method":"hello","params":{"pad":"' + b"x" * 100_000)
        assert json.loads(await wire.line())["error"]["code"] == -32600
        assert await wire.rest() == b""


async def test_a_stranger_who_says_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who begins to speak JSON-RPC and then waits is sent away; who was let in may be silent."""
    monkeypatch.setattr(rpc_door, "STRANGERS_S", 0.05)
    async with listening(place, Both()) as listener, visit(listener) as known, visit(listener) as quiet:
        token = listener.token_file.read_text().strip()
        known.send(json.dumps({"id": 1, "method": "hello", "params": {"token": token}}).encode() + b"\n")
        await known.line()
        quiet.send(b'{"id"')
        assert await quiet.rest() == b""
        known.send(b'{"id":2,"method":"status"}\n')
        assert json.loads(await known.line())["id"] == 2


async def test_connections_are_counted(place: Path) -> None:
    """Those by TCP have a limit of their own, whether or not they say a word; who leaves makes room."""
    async with listening(place, Both(), most=2) as listener, visit(listener) as one, visit(listener) as two:
        one.send(b"G")
        two.send(request(listener))
        await two.answer()
        async with visit(listener) as three:
            assert await three.rest() == b""
        await one.close()
        two.send(request(listener))
        await two.answer()  # by now the first one's end was heard, too
        answer = await ask(listener, request(listener))
        assert answer[0] == b"HTTP/1.1 200 OK"


def knock(listener: Listener) -> socket.socket:
    """Somebody who has connected, and whom nobody has let in so far."""
    visitor = socket.create_connection(("127.0.0.1", int(listener.url.rpartition(":")[2])), 5)
    visitor.setblocking(False)
    return visitor


async def served(listener: Listener, visitors: list[socket.socket]) -> int:
    """How many VISITORS get an answer."""
    loop, answered = asyncio.get_running_loop(), 0
    for one in visitors:
        with one, contextlib.suppress(ConnectionError):
            await loop.sock_sendall(one, request(listener))
            answered += (await asyncio.wait_for(loop.sock_recv(one, 99), 5)).startswith(b"HTTP/1.1 200 OK")
    return answered


async def test_who_has_knocked_is_let_in(place: Path) -> None:
    """A daemon that is replaced serves all who had connected before it goes; who comes then is refused."""
    async with listening(place, Both()) as listener:
        knocked = [knock(listener) for _ in range(200)]
        await listener.leave()
        with pytest.raises(ConnectionRefusedError):
            knock(listener)
        assert await served(listener, knocked) == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one say who gets those who connect")
async def test_an_upgrade_loses_nobody(place: Path) -> None:
    """As soon as the new daemon serves it gets all who connect, so nobody stands before the old one's door when that
    closes; the third upgrade is as the first."""
    async with listening(place, Both()) as first:
        current, port = first, int(first.url.rpartition(":")[2])
        for _ in range(3):
            before, both = [knock(current) for _ in range(50)], Both()
            http, rpc = HttpDoor(both, both.operate), RpcDoor(both.by_rpc, 1 << 20)  # type: ignore[arg-type]
            fresh = Listener(("127.0.0.1", port), place / "token", share=True)
            await fresh.open(http, rpc, 256)
            after = [knock(fresh) for _ in range(100)]
            current.close()  # at once: not one of those who have just come stands there
            assert await served(fresh, after) == 100
            assert len(both.heard) == 100
            for one in before:
                one.close()
            current = fresh
        current.close()


class Transport(asyncio.BaseTransport):
    """A transport that is open or not."""

    open = True

    def is_closing(self) -> bool:
        """As it was set."""
        return not self.open


def test_room_counts_those_who_are_in() -> None:
    """Who has left makes room."""
    room, first = Room(1), Transport()
    assert room(first)
    assert not room(Transport())
    first.open = False
    assert room(Transport())


async def test_a_port_that_is_taken(place: Path) -> None:
    """The setting is named, whoever listens there; only a daemon that takes our place shares our port, and only when we
    serve. It takes no visitor from us until it serves, too."""
    with bind_tcp(("127.0.0.1", 0)) as first:
        address = first.getsockname()
        for share in (False, True):
            with pytest.raises(ConfigError, match=f"listen: 127.0.0.1:{address[1]} cannot be used"):
                bind_tcp(address, share=share)
    async with listening(place, Both()) as listener:
        address = ("127.0.0.1", int(listener.url.rpartition(":")[2]))
        with pytest.raises(ConfigError, match=f"listen: 127.0.0.1:{address[1]} cannot be used"):
            bind_tcp(address)
        with bind_tcp(address, share=True):
            assert (await ask(listener, request(listener)))[0] == b"HTTP/1.1 200 OK"
    with bind_tcp(("::1", 0)) as six:
        assert six.family is socket.AF_INET6


async def test_a_port_that_cannot_be_served(place: Path) -> None:
    """What goes wrong when it should begin to accept is told with the setting, as what goes wrong before."""
    both = Both()
    listener = Listener(("127.0.0.1", 0), place / "token")
    http, rpc = HttpDoor(both, both.operate), RpcDoor(both.by_rpc, 1 << 20)  # type: ignore[arg-type]

    def refuse(backlog: int) -> None:
        raise OSError(98, "Address already in use")

    class Deaf(socket.socket):
        listen = staticmethod(refuse)  # type: ignore[assignment]

    listener._sock = Deaf(fileno=listener._sock.detach())
    with pytest.raises(ConfigError, match=r"listen: 127\.0\.0\.1:\d+ cannot be used \(Address already in use\)"):
        await listener.open(http, rpc, 4)
    listener.close()
