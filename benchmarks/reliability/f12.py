"""F12: when the provider dies in the middle of an answer, the client can see it."""

from __future__ import annotations

import asyncio
import json
import random

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.raw import Visit, chat, each, stand, whole

SHORT = 0.04
_EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'


async def dies(visit: Visit) -> None:
    """Break off at a random byte, by FIN or RST, in chunks or in a body of declared length."""
    while True:
        await visit.request()
        rng = random.Random(json.loads(visit.bodies[-1])["seed"])
        body = _EVENT * 50
        start = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        if rng.random() < 0.5:
            data = start + b"Content-Length: %d\r\n\r\n" % len(body) + body
        else:
            pieces = b"".join(b"%x\r\n%b\r\n" % (len(_EVENT), _EVENT) for _ in range(50))
            data = start + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"
        await visit.send(data[: rng.randrange(len(start) + 200, len(data) - 1)])
        await asyncio.sleep(0.005)  # so that the client has got a part
        if rng.random() < 0.5:
            visit.reset()
        visit.writer.close()


def measure(scale: float) -> Figure:
    """Let the provider die; count the answers that look whole."""
    total = count(500, scale)

    async def run() -> tuple[int, int]:
        async with stand(dies) as place:
            answers = await each(lambda seed: place.ask(chat({"stream": True, "seed": seed})), range(total), 8)
        begun = [answer for answer in answers if answer.startswith(b"HTTP/1.1 200")]
        return len(begun), sum(whole(answer) for answer in begun)

    begun, clean = asyncio.run(run())
    return Figure(
        "F12",
        f"{total:,} answers whose provider dies in the middle, at a random byte, by FIN or RST",
        "0 that look whole",
        f"{clean} look whole; {begun} had begun and visibly broke, {total - begun} became an error",
        ok=clean == 0 and begun > total // 2,
    )
