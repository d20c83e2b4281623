"""F13: clients that stop reading cost the daemon almost no memory, however much their answers hold."""

from __future__ import annotations

import asyncio

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.raw import Stand, Visit, chat, stand

SHORT = 0.1
_GIB = 1 << 30
_LIMIT_MIB = 64
_EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"' + b"x" * 65_000 + b'"}}]}\n\n'


class Provider:
    """Streams a GiB to each, as fast as it is taken."""

    def __init__(self) -> None:
        self.sent = 0
        """Bytes to all together."""

    async def __call__(self, visit: Visit) -> None:
        """One connection."""
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"%x\r\n%b\r\n" % (len(_EVENT), _EVENT)
        for _ in range(_GIB // len(piece)):
            await visit.send(piece)
            self.sent += len(piece)
        await visit.send(b"0\r\n\r\n")


async def stuck(place: Stand, provider: Provider, number: int) -> tuple[int, int]:
    """Let NUMBER clients ask and not read: bytes of memory more than before, bytes that the provider got rid of."""
    before = place.rss()
    writers = []
    for _ in range(number):
        reader, writer = await place.connect()
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(chat({"stream": True}))
        writers.append(writer)
    still = -1
    while provider.sent != still or not still:  # until nothing moves any more
        still = provider.sent
        await asyncio.sleep(0.5)
    after = place.rss()
    for writer in writers:
        writer.transport.abort()
    return after - before, still


def measure(scale: float) -> Figure:
    """Fifty stuck clients."""
    number = count(50, scale)

    async def run() -> tuple[int, int, bool]:
        provider = Provider()
        async with stand(provider) as place:
            more, passed = await stuck(place, provider, number)
            return more, passed, await place.idle(5.0)

    more, passed, idle = asyncio.run(run())
    return Figure(
        "F13",
        f"{number} clients that do not read their answers of 1 GiB",
        f"less than {_LIMIT_MIB} MiB of memory more; nothing left when they go",
        f"{more / 2**20:.1f} MiB more, {passed / 2**20:.0f} MiB on the way; {'nothing' if idle else 'calls'} left",
        ok=more < _LIMIT_MIB << 20 and idle,
    )
