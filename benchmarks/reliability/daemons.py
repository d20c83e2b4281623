"""Real daemons and sandboxes for the figures, in folders that go when the figure is measured."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from stage.processes import READY, Running, SandboxThread, Sluice  # noqa: E402
from stage.visitors import Rpc, RpcError, exchange  # noqa: E402
from stage.world import HOSTS, KEYS, config  # noqa: E402

__all__ = ["HOSTS", "KEYS", "READY", "Rpc", "RpcError", "Running", "SandboxThread", "Sluice", "config", "exchange"]

HELLO = b"GET /_sluice/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def daemon(text: str | None = None, *, begin: bool = True, level: str = "error", **env: str) -> Iterator[Sluice]:
    """A daemon with the configuration TEXT; it is stopped at the end, if it still runs."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    short = folder / "r"
    short.mkdir(mode=0o700)
    made = Sluice(folder / "d", short, text, {"env": env, "args": (), "log_level": level})
    try:
        if begin:
            made.begin()
        yield made
    finally:
        if made.alive:
            made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def sandbox(**settings: Any) -> Iterator[SandboxThread]:
    """A provider without limits, unless SETTINGS say some."""
    made = SandboxThread(**{"requests_per_minute": None, "tokens_per_minute": None, **settings})
    try:
        yield made
    finally:
        made.stop()


def free_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def hello_by_tcp(sluice: Sluice, port: int) -> bytes:
    """What is answered to a request with the token at PORT. Raises OSError."""
    token = (sluice.state_dir / "token").read_bytes().strip()
    lines = b"Host: localhost:%d\r\nX-Sluice-Token: %b\r\nConnection: close\r\n\r\n" % (port, token)
    with socket.create_connection(("127.0.0.1", port), 30) as visitor:
        visitor.sendall(b"GET /_sluice/hello HTTP/1.1\r\n" + lines)
        with visitor.makefile("rb") as answer:
            return answer.read()


def chat(host: str = HOSTS["openai"], model: str = "gpt-4o-mini", key: str = KEYS["openai"], **more: Any) -> bytes:
    """A chat request over HTTP; MORE goes into its body."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}], **more}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def params(model: str = "gpt-4o-mini") -> dict[str, Any]:
    """The same for JSON-RPC."""
    messages = [{"role": "user", "content": "x"}]
    return {"host": HOSTS["openai"], "model": model, "messages": messages, "key": KEYS["openai"]}


def status(answer: bytes) -> int:
    """The status of an HTTP answer; 0 for none."""
    words = answer.partition(b"\r\n")[0].split(b" ")
    return int(words[1]) if len(words) > 1 and words[0] == b"HTTP/1.1" else 0


def json_of(answer: bytes) -> Any:
    """The JSON in an HTTP answer."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def until(true: Callable[[], Any], seconds: float = 30.0) -> bool:
    """Wait until that is TRUE; False when it never was."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@contextlib.contextmanager
def repeated(work: Callable[[], None], threads: int = 3) -> Iterator[None]:
    """Within, some threads do WORK again and again."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            work()

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        over.set()
        for worker in workers:
            worker.join(60)


def open_files(pid: int) -> int:
    """How many descriptors a process has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident_kib(pid: int) -> int:
    """How much memory it holds, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
