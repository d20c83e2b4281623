"""Visitors of the socket that use no library, so that a test sees the bytes themselves. All of them block."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from stage.canary import Canary

TIMEOUT_S = 30.0


GET = b"GET /v1/models HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n"


def exchange(path: Path | str, request: bytes, timeout_s: float = TIMEOUT_S) -> bytes:
    """Send REQUEST to the socket at PATH and return the whole answer as it came: head and body.

    The answer ends as its head says (Content-Length, chunks), else where the daemon closes. Raises TimeoutError.
    """
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(timeout_s)
        visitor.connect(str(path))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may answer before it has read all
            visitor.sendall(request)
        data = b""
        while not _whole(data, head_only=request.startswith(b"HEAD ")):
            try:
                piece = visitor.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            data += piece
    return data


def get(daemon: Any, host: str) -> bytes:
    """The answer to a model list of HOST."""
    return exchange(daemon.socket, GET % host.encode())


def wait_until(true: Any, what: str) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def _whole(data: bytes, *, head_only: bool) -> bool:
    """True if DATA is a complete answer by what its head says; one that is ended by closing never is."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    lines = head.split(b"\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    if head_only or lines[0].split(b" ")[1:2] in ([b"204"], [b"304"]):
        return True
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        return _last_chunk(body)
    return b"content-length" in fields and len(body) >= int(fields[b"content-length"])


def _last_chunk(body: bytes) -> bool:
    """True if BODY holds chunks up to the empty one and the line that ends the trailer."""
    at = 0
    while (end := body.find(b"\r\n", at)) >= 0:
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return body.startswith(b"\r\n", end + 2) or b"\r\n\r\n" in body[end:]
        at = end + 2 + size + 2
    return False


class RpcError(Exception):
    """A JSON-RPC error answer: its message, `code` and `data`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message", ""))
        self.code: int = error.get("code", 0)
        self.data: Any = error.get("data")


class Rpc:
    """A JSON-RPC 2.0 client: one JSON object a line. What comes unasked is kept in `notifications`, in order."""

    def __init__(self, path: Path | str, timeout_s: float = TIMEOUT_S) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout_s)
        self.socket.connect(str(path))
        self.notifications: list[dict[str, Any]] = []
        self._reader = self.socket.makefile("rb")
        self._answers: dict[int, dict[str, Any]] = {}
        self._last_id = 0

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def read(self) -> dict[str, Any]:
        """Read one message, whatever it is. Raises ConnectionError when the daemon has closed."""
        line = self._reader.readline()
        if not line:
            raise ConnectionError("the daemon closed the connection")
        message: dict[str, Any] = json.loads(line)
        return message

    def notify(self, method: str, **params: Any) -> None:
        """Send a notification: nothing is answered."""
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def start(self, method: str, **params: Any) -> int:
        """Send a request and return its id at once; `result` waits for it."""
        self._last_id += 1
        self._write({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    def result(self, request: int) -> Any:
        """Return the result of an earlier request, collecting on the way what else comes. Raises RpcError."""
        while request not in self._answers:
            self._keep(self.read())
        answer = self._answers.pop(request)
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def call(self, method: str, **params: Any) -> Any:
        """Send a request and return its result. Raises RpcError."""
        return self.result(self.start(method, **params))

    def wait_for(self, method: str) -> dict[str, Any]:
        """Return the params of the first notification METHOD and forget it; reads until there is one."""
        while True:
            for i, note in enumerate(self.notifications):
                if note["method"] == method:
                    params: dict[str, Any] = self.notifications.pop(i).get("params", {})
                    return params
            self._keep(self.read())

    def close(self) -> None:
        """Leave. Safe to do twice."""
        self._reader.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _write(self, message: dict[str, Any]) -> None:
        self.send(json.dumps(message).encode() + b"\n")

    def _keep(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self.notifications.append(message)
        else:
            self._answers[message["id"]] = message


@pytest.fixture
def http_over_socket(canary: Canary) -> Any:
    """`http_over_socket(socket, request bytes, timeout_s=30)` gives the answer's bytes. No answer may hold a key."""

    def visit(path: Path | str, request: bytes, timeout_s: float = TIMEOUT_S) -> bytes:
        answer = exchange(path, request, timeout_s)
        canary.see("an HTTP answer", answer)
        return answer

    return visit


@pytest.fixture
def rpc() -> Iterator[Any]:
    """`rpc(socket)` connects an `Rpc`; all are closed when the test ends."""
    clients: list[Rpc] = []

    def connect(path: Path | str, timeout_s: float = TIMEOUT_S) -> Rpc:
        clients.append(Rpc(path, timeout_s))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
