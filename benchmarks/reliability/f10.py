"""F10: when a client leaves, its call leaves, too: out of the queue, off the provider's connection, out of its slot."""

from __future__ import annotations

import asyncio
import contextlib

from benchmarks.reliability.figure import Figure, count, percentile
from benchmarks.reliability.raw import Stand, Visit, chat, gone, stand

SHORT = 0.02
_LIMIT_MS = 50
_BUSY = 10
"""At a small scale, in the tests, the machine is busy with something else: then so many times the limit."""


class Provider:
    """Never answers, or streams without end, as the model's name says; tells who has asked."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[Visit] = asyncio.Queue()

    async def __call__(self, visit: Visit) -> None:
        """One connection."""
        await visit.request()
        self.asked.put_nowait(visit)
        if b'"stream"' in visit.bodies[-1]:
            await visit.send(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            event = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
            while True:
                await visit.send(b"%x\r\n%b\r\n" % (len(event), event))
                with contextlib.suppress(TimeoutError):
                    if not await asyncio.wait_for(visit.reader.read(1), 0.01):
                        return


async def on_the_wire(place: Stand, provider: Provider, *, streaming: bool) -> float | None:
    """Leave while the provider works; seconds until it hears of it."""
    reader, writer = await place.connect()
    writer.write(chat({"model": "stream", "stream": True} if streaming else {"model": "silent"}))
    visit = await asyncio.wait_for(provider.asked.get(), 20)
    if streaming:
        await asyncio.wait_for(reader.read(1000), 10)
    writer.transport.abort()
    return await gone(visit, 1.0)


async def in_the_queue(place: Stand, provider: Provider, many: int) -> int:
    """Leave, many at once, while one call holds the only slot; how many reached the provider all the same."""
    _, first = await place.connect()
    first.write(chat({"model": "narrow"}))
    visit = await asyncio.wait_for(provider.asked.get(), 20)
    waiting = []
    for _ in range(many):
        waiting.append((await place.connect())[1])
        waiting[-1].write(chat({"model": "narrow"}))
    await place.waiting(many)
    for writer in waiting:
        writer.transport.abort()
    await place.waiting(0)
    first.transport.abort()
    await gone(visit, 1.0)
    return provider.asked.qsize()


def measure(scale: float) -> Figure:
    """A third of the clients leaves at each of the three moments."""
    total = count(2000, scale, 12)
    third = total // 3

    async def run() -> tuple[list[float | None], int, bool]:
        provider = Provider()
        narrow = ", limits: [{concurrency: 1, model: narrow}]"
        async with stand(provider, upstream=narrow) as place:
            took: list[float | None] = []
            for number in range(2 * third):
                took.append(await on_the_wire(place, provider, streaming=number % 2 == 1))
            late = 0
            for at in range(0, third, 100):
                late += await asyncio.wait_for(in_the_queue(place, provider, min(100, third - at)), 60)
            return took, late, await place.idle(1.0)

    took, late, idle = asyncio.run(run())
    closed = [seconds for seconds in took if seconds is not None]
    p99 = percentile(closed, 0.99) * 1000
    left = len(took) - len(closed)
    return Figure(
        "F10",
        f"{total:,} clients that leave: in the queue, before an answer, in a stream",
        f"the provider hears of it within {_LIMIT_MS} ms (p99); 0 still run after 1 s; every slot is given back",
        f"p99 {p99:.1f} ms; {left} still ran, {late} of the queue were sent; slots {'given back' if idle else 'lost'}",
        ok=p99 < _LIMIT_MS * (1 if scale >= 1 else _BUSY) and not left and not late and idle,
    )
