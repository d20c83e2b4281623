"""A server that keeps raw bytes, and calls made by a few words."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.model import Ask, Call, Origin, Scope
from daemon.redact import Redactor

KEY = "CANARY-\\n %s $HOME 'q' \"d\" `id`"
"""A key with everything that a shell or printf could trip over."""


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Recorder:
    """Takes HTTP requests and keeps each one's bytes; `on_request` is called while its client waits for `answer`.

    On loopback, with TLS when there is a CONTEXT; or on a Unix socket at PATH.
    """

    def __init__(self, context: ssl.SSLContext | None = None, path: Path | None = None) -> None:
        self.raw: list[bytes] = []
        self.on_request: Callable[[], None] = lambda: None
        self.answer = PLAIN
        self._context = context
        if path is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            scheme = "https" if context else "http"
            self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(ssl.SSLError, ConnectionError):
                self._one(self._context.wrap_socket(client, server_side=True) if self._context else client)

    def _one(self, client: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
        rest = [body]
        while sum(map(len, rest)) < length and (more := client.recv(1 << 20)):
            rest.append(more)
        self.raw.append(head + b"\r\n\r\n" + b"".join(rest))
        self.on_request()
        client.sendall(self.answer)
        if self._context:
            client.close()

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def make_recorder() -> Iterator[Callable[..., Recorder]]:
    """`make_recorder(context=None, path=None)`: a running server, closed at the end."""
    servers: list[Recorder] = []

    def make(context: ssl.SSLContext | None = None, path: Path | None = None) -> Recorder:
        servers.append(Recorder(context, path))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def recorder(make_recorder: Callable[..., Recorder]) -> Recorder:
    """A running server on loopback."""
    return make_recorder()


MakeCall = Callable[..., Call]


@pytest.fixture
def make_call() -> MakeCall:
    """Build a call as the doors do: secrets sealed by the redactor."""
    redactor = Redactor(b"install")

    def make(
        method: str = "POST",
        target: str = "/v1/chat/completions",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        *,
        url: str = "https://api.openai.com",
        provider: str = "openai",
        stream: bool = False,
    ) -> Call:
        host = url.partition("://")[2].partition("/")[0]
        return Call(
            id="01TEST",
            origin=Origin(host=host, url=url, provider=provider),
            scope=Scope(host, "-", ""),
            method=method,
            target=redactor.target(target),
            headers=tuple((name, redactor.header(name, value)) for name, value in headers),
            body=body,
            ask=Ask(stream=stream),
        )

    return make


@pytest.fixture
def key() -> str:
    """The canary key."""
    return KEY


@pytest.fixture
def expected() -> Callable[..., bytes]:
    """The bytes that the daemon's own upstream sends: Host, the fields in order, Content-Length."""

    def build(
        url: str,
        method: str,
        target: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        *,
        length: bool | None = None,
    ) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {url.partition('://')[2]}"]
        lines += [f"{name}: {value}" if value else f"{name}:" for name, value in headers]
        if body or method not in ("GET", "HEAD", "OPTIONS", "TRACE") if length is None else length:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body

    return build
