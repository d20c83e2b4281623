"""F11: a call is never sent again once the provider may have worked on it, whatever the connection does."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.raw import Visit, chat, each, stand, whole

SHORT = 0.02
_OK = b'{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"}}]}'
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_OK)


class Provider:
    """Resets one connection in three, before it reads, within the body, after it, or within its answer."""

    def __init__(self) -> None:
        self.received: Counter[int] = Counter()
        """How often a byte of each call's body came."""
        self._rng = random.Random(1)

    async def __call__(self, visit: Visit) -> None:
        """One connection; it may carry several calls."""
        while True:
            how = self._rng.choice(("good",) * 8 + ("unread", "within", "after", "answer"))
            head = await visit.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if how == "unread":
                return visit.reset()
            body = await visit.reader.readexactly(length if how != "within" else length - 1)
            self.received[int(body.partition(b"number-")[2].partition(b"-")[0])] += 1
            if how == "good":
                await visit.send(_HEAD + _OK)
                continue
            if how == "answer":
                await visit.send((_HEAD + _OK)[: self._rng.randrange(1, len(_HEAD) + len(_OK))])
                await asyncio.sleep(0.002)
            return visit.reset()


def measure(scale: float) -> Figure:
    """Send them all, 16 at once, and count what came to the provider."""
    total = count(10_000, scale)

    async def run() -> tuple[Provider, list[tuple[int, bytes]]]:
        provider = Provider()

        async def send(number: int) -> tuple[int, bytes]:
            return number, await place.ask(chat({"user": f"number-{number}-"}))

        async with stand(provider) as place:
            return provider, await each(send, range(total), 16)

    provider, answers = asyncio.run(run())
    twice = sum(times > 1 for times in provider.received.values())
    unlabelled = sum(number in provider.received and not _labelled(answer) for number, answer in answers)
    lost = sum(not answer for _, answer in answers)
    broken = sum(not answer.startswith(b"HTTP/1.1 200") for _, answer in answers)
    return Figure(
        "F11",
        f"{total:,} POSTs to a provider that resets one connection in three",
        "0 sent twice after a byte of the body; each that may have been worked on says so",
        f"{twice} sent twice; {broken} failed, {unlabelled} of them without saying so, {lost} without an answer",
        ok=not twice and not unlabelled and not lost and broken > 0,
    )


def _labelled(answer: bytes) -> bool:
    """True for a whole success, and for a failure that says that the provider may have worked on it."""
    if answer.startswith(b"HTTP/1.1 200"):
        return whole(answer)
    told = json.loads(answer.partition(b"\r\n\r\n")[2])["error"].get("sluice", {})
    return told.get("subtype") in ("connection_lost", "truncated", "bad_answer") and told.get("retry") == "unknown"
