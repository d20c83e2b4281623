"""F14: connections that are half open keep nobody else out for long, and end by themselves."""

from __future__ import annotations

import asyncio
import time

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.raw import Stand, Visit, chat, stand

SHORT = 0.1
_LIMIT_MS = 100
_BUSY = 10
"""At a small scale, in the tests, the machine is busy with something else: then so many times the limit."""
_KEPT_S = 30.0
"""How long the daemon waits for the rest of a head, or for the first byte."""
_HALVES = (
    b"", b"P", b"POST /v1 HTTP/1.1\r\nHost: api.openai.com\r\nX-Lo", b"Content-Len",
    b'{"jsonrpc":"2.0","id":1,"meth', b"Content-Length: 70\r\n\r\n{",
)  # fmt: skip


async def provider(visit: Visit) -> None:
    """Answers at once."""
    while True:
        await visit.request()
        body = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"}}]}'
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def answered(place: Stand) -> tuple[float, bytes]:
    """How long a good client waits, in milliseconds, and for which status."""
    begun = time.monotonic()
    answer = await place.ask(chat({}))
    return (time.monotonic() - begun) * 1000, answer[9:12]


async def ended(reader: asyncio.StreamReader) -> bool:
    """True if the daemon closes the connection in time."""
    try:
        while await asyncio.wait_for(reader.read(1000), _KEPT_S + 10):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def measure(scale: float) -> Figure:
    """Open them, let a good client in between, and at full scale wait until they are closed."""
    number = count(256, scale)

    async def run() -> tuple[float, bytes, int | None]:
        async with stand(provider) as place:
            await answered(place)
            half = []
            for at in range(number):
                reader, writer = await place.connect()
                writer.write(_HALVES[at % len(_HALVES)])
                half.append((reader, writer))
            took, status = await answered(place)
            left = None
            if scale >= 1:
                left = (await asyncio.gather(*[ended(reader) for reader, _ in half])).count(False)
            for _, writer in half:
                writer.transport.abort()
            return took, status, left

    took, status, left = asyncio.run(run())
    closing = "" if left is None else f"; {left} of them still open after {_KEPT_S:.0f} s"
    return Figure(
        "F14",
        f"{number} half-open connections, then a good client",
        f"an answer or 503 within {_LIMIT_MS} ms; at full scale 0 half-open after {_KEPT_S:.0f} s",
        f"{status.decode()} after {took:.1f} ms{closing}",
        ok=took < _LIMIT_MS * (1 if scale >= 1 else _BUSY) and status in (b"200", b"503") and not left,
    )
