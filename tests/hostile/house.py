"""The daemon without its process: both doors on a Unix socket and on a TCP port, the real gateway, pacer and network,
and a provider that plays a script of bytes. All in one event loop, so that bytes which are sent singly arrive singly.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from daemon.doors import porter, rundir
from daemon.doors.http import HttpDoor
from daemon.doors.listener import Listener
from daemon.doors.request import HttpSettings
from daemon.doors.rpc import RpcDoor
from daemon.errors import UnknownOperation
from daemon.explain import Catalogue
from daemon.gateway import Gateway
from daemon.model import Event, Origin
from daemon.pacing import Pacer, PacingSettings
from daemon.redact import Redactor
from daemon.upstream import Timeouts, Upstream
from doors.wire import GUARD_S, pour, whole
from gateway.scripted import chat_answer
from stage.origin import Answer, Server, ok, serving

KEY = "CANARY-hostile-key-0123456789"
HOST = "api.openai.com"
CATALOGUE = Catalogue.load()
QUICK = HttpSettings(max_body=1 << 20, body_idle_s=0.05, linger_s=0.01, write_idle_s=5.0)

Where = Literal["unix", "tcp"]


@dataclass
class House:
    """What a test needs of it."""

    socket: Path
    listener: Listener
    provider: Server
    gateway: Gateway
    pacer: Pacer
    http: HttpDoor
    rpc: RpcDoor
    porter: porter.Porter
    events: list[Event]
    hooks: list[Callable[[Event], None]]
    """Told of each event at once."""

    def as_sent(self, data: bytes, where: Where) -> bytes:
        """DATA, written for the socket, as a client of the listener sends it: our name as Host, the token, /to/HOST."""
        return data if where == "unix" else by_tcp(data, self.listener.url, self.token)

    @property
    def token(self) -> bytes:
        """What opens the listener."""
        return self.listener.token_file.read_bytes().strip()

    def address(self, where: Where) -> str | tuple[str, int]:
        """Where a socket connects to."""
        return str(self.socket) if where == "unix" else ("127.0.0.1", int(self.listener.url.rpartition(":")[2]))

    async def connect(self, where: Where) -> socket.socket:
        """A connection of a client."""
        sock = socket.socket(socket.AF_UNIX if where == "unix" else socket.AF_INET)
        sock.setblocking(False)
        if where == "tcp":
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, self.address(where))
        return sock

    async def ask(self, data: bytes, where: Where = "unix", *, at_once: bool = True) -> bytes:
        """What is answered to DATA, sent in one piece or byte by byte."""
        return await self.exchange(self.as_sent(data, where), where, at_once=at_once)

    async def exchange(self, data: bytes, where: Where, *, at_once: bool) -> bytes:
        """What is answered to DATA as it is: one whole answer, or what comes until the connection ends."""
        loop = asyncio.get_running_loop()
        with await self.connect(where) as sock:
            await pour(sock, data, at_once=at_once)
            got = b""
            with contextlib.suppress(ConnectionResetError):
                while not whole(got) and (piece := await asyncio.wait_for(loop.sock_recv(sock, 1 << 16), GUARD_S)):
                    got += piece
            return got

    @property
    def asked(self) -> int:
        """How many requests reached the provider."""
        return sum(len(visit.heads) for visit in self.provider.visits)

    def ended(self) -> list[Event]:
        """The last event of each call that has ended."""
        return [event for event in self.events if event.final]


@contextlib.asynccontextmanager
async def house(
    place: Path,
    answer: Answer | None = None,
    *,
    settings: HttpSettings = QUICK,
    timeouts: Timeouts = Timeouts(connect_s=5, first_byte_s=5, idle_s=5),  # noqa: B008
    pacing: PacingSettings = PacingSettings(),  # noqa: B008
    url: str = "http://127.0.0.1:{port}",
    tls: ssl.SSLContext | None = None,
    ca_file: Path | None = None,
    **origin: Any,
) -> AsyncIterator[House]:
    """A house at PLACE whose provider plays ANSWER; without one it answers a chat."""
    events: list[Event] = []
    hooks: list[Callable[[Event], None]] = []
    async with serving(answer or ok(chat_answer()), tls) as provider, contextlib.AsyncExitStack() as stack:
        there = Origin(HOST, url.format(port=provider.port), "openai", **origin)
        pacer = Pacer(pacing, rng=random.Random(1))
        stack.push_async_callback(pacer.close)
        upstream = Upstream(timeouts, ca_file=ca_file)
        stack.push_async_callback(upstream.close)
        gateway = Gateway(
            origin_of=lambda host: there if host == HOST else None,
            pacer=pacer,
            catalogue=CATALOGUE,
            upstream=upstream,
            redactor=Redactor(b"test"),
            sinks=(events.append, lambda event: _tell(hooks, event)),
        )
        http = HttpDoor(gateway, _no_operation, settings)
        rpc = RpcDoor(_operate, settings.max_body, crowd=http.crowd)
        listener = Listener(("127.0.0.1", 0), place / "token")
        keeper = porter.Porter(http, rpc)
        await keeper.open(stack.enter_context(rundir.bind(place / "d")))
        await listener.open(http, rpc, 256)
        yield House(place / "d", listener, provider, gateway, pacer, http, rpc, keeper, events, hooks)
        keeper.close()
        listener.close()
        rpc.close()
        await http.close(0.1)


def by_tcp(data: bytes, url: str, token: bytes) -> bytes:
    """DATA, written for the socket, as a client of the listener at URL sends it: its name as Host, TOKEN, /to/HOST."""
    said = b"Host: %b\r\nX-Sluice-Token: %b\r\n" % (url.removeprefix("http://").encode(), token)
    named = f"Host: {HOST}\r\n".encode()
    line, end, rest = data.partition(b"\r\n")
    method, space, target = line.partition(b" ")
    if target.startswith(b"/") and not target.startswith((b"//", b"/to/", b"/_sluice/")):
        line = method + space + b"/to/" + HOST.encode() + target
    return line + end + rest.replace(named, said, 1)


def _tell(hooks: list[Callable[[Event], None]], event: Event) -> None:
    for hook in hooks:
        hook(event)


async def _operate(name: str, params: Any, session: Any, tag: Any) -> Any:
    if name == "hello":
        return {"protocol": 1}
    if name == "echo":
        return dict(params)
    raise UnknownOperation(f"there is no operation {name}")


async def _no_operation(name: str, params: Any) -> Any:
    raise UnknownOperation("there is no such operation")


def post(*lines: str, body: bytes = b"{}", target: str = "/v1/chat/completions") -> bytes:
    """A chat call with the key."""
    head = [f"POST {target} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {KEY}", *lines]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
