"""A real daemon before a provider that plays a script of bytes, and clients that see bytes. For the figures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from stage.origin import Answer, Server, Visit, serving  # noqa: E402
from stage.processes import Sluice  # noqa: E402

__all__ = ["HOST", "KEY", "Stand", "Visit", "chat", "each", "gone", "stand", "whole"]

HOST = "api.openai.com"
KEY = "CANARY-reliability-key-0123456789"
PATIENCE_S = 30.0
"""What takes longer than this hangs."""

T = TypeVar("T")


@dataclass
class Stand:
    """What a figure measures with."""

    daemon: Sluice
    provider: Server

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client's connection."""
        return await asyncio.open_unix_connection(str(self.daemon.socket), limit=1 << 22)

    async def ask(self, request: bytes) -> bytes:
        """All that is answered to REQUEST until the connection ends, cleanly or not."""
        reader, writer = await self.connect()
        got = b""
        with contextlib.suppress(OSError):
            writer.write(request)
            while piece := await asyncio.wait_for(reader.read(1 << 16), PATIENCE_S):
                got += piece
        writer.close()
        return got

    async def status(self) -> Any:
        """What the daemon says of itself."""
        answer = await self.ask(b"GET /_sluice/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return json.loads(answer.partition(b"\r\n\r\n")[2])

    async def idle(self, within_s: float) -> bool:
        """True if no call is under way or waits, and no slot is held, within that time."""
        until = asyncio.get_running_loop().time() + within_s
        while True:
            told = await self.status()
            if not told["daemon"]["running"] and not any(pool["in_flight"] for pool in told["pools"]):
                return not told["queue"]
            if asyncio.get_running_loop().time() > until:
                return False
            await asyncio.sleep(0.02)

    async def waiting(self, number: int) -> None:
        """Return when so many calls wait in the queue."""
        async with asyncio.timeout(PATIENCE_S):
            while len((await self.status())["queue"]) != number:  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.01)

    def rss(self) -> int:
        """Bytes of memory that the daemon's process has."""
        pages = Path(f"/proc/{self.daemon.pid}/statm").read_text().split()[1]
        return int(pages) * 4096


@contextlib.asynccontextmanager
async def stand(answer: Answer, *, upstream: str = "", more: str = "") -> AsyncIterator[Stand]:
    """A daemon whose provider plays ANSWER. UPSTREAM goes into its entry of the configuration, MORE below."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    short = folder / "r"
    short.mkdir(mode=0o700)
    try:
        async with serving(answer) as provider:
            entry = f"{{host: {HOST}, url: 'http://127.0.0.1:{provider.port}', provider: openai{upstream}}}"
            options = {"env": {}, "args": (), "log_level": "error"}
            daemon = Sluice(folder / "d", short, f"upstreams: [{entry}]\n{more}", options)
            try:
                await asyncio.to_thread(daemon.begin)
                yield Stand(daemon, provider)
            finally:
                await asyncio.to_thread(daemon.stop)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def chat(body: dict[str, Any], *lines: str) -> bytes:
    """A chat call; the connection ends with it."""
    data = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], **body}).encode()
    head = [
        "POST /v1/chat/completions HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {KEY}", *lines,
        "Content-Type: application/json", "Connection: close", f"Content-Length: {len(data)}", "", "",
    ]  # fmt: skip
    return "\r\n".join(head).encode() + data


async def each(work: Callable[[int], Awaitable[T]], numbers: Iterable[int], at_once: int) -> list[T]:
    """WORK for each number, so many at once."""
    left, out = iter(numbers), []

    async def one() -> None:
        for number in left:
            out.append(await work(number))

    await asyncio.gather(*[one() for _ in range(at_once)])
    return out


async def gone(visit: Visit, within_s: float) -> float | None:
    """Seconds until a connection of the provider has ended; None if it lasted longer."""
    begun = asyncio.get_running_loop().time()
    try:
        await asyncio.wait_for(visit.gone.wait(), within_s)
    except TimeoutError:
        return None
    return asyncio.get_running_loop().time() - begun


def whole(answer: bytes) -> bool:
    """True if ANSWER ends where its head says."""
    head, end, body = answer.partition(b"\r\n\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))}
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        return body == b"0\r\n\r\n" or body.endswith(b"\r\n0\r\n\r\n")
    if b"content-length" in fields:
        return len(body) == int(fields[b"content-length"])
    return bool(end)
