"""How much sooner a thousand small calls are answered when those that wait go together; in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from daemon.gateway import Rules
from daemon.model import Call, Origin
from daemon.sandbox.limits import Limiter, limiter
from daemon.sandbox.settings import Shape
from gateway.scripted import World, rate_limited
from gateway.test_batches import ask, embeddings, start
from pacing import virtual_time

CALLS = 1000
SERVICE_S = 0.2


class Limited:
    """A provider of 60 requests a minute that counts in one of four ways."""

    def __init__(self, shape: Shape) -> None:
        self._limiter: Limiter = limiter(shape, 60.0, 60.0)
        self.sent = 0
        self.refused = 0

    async def send(self, call: Call, left: Callable[[], object] = lambda: None, *meanwhile: object) -> Any:
        """Answer CALL, or refuse it."""
        left()
        now = asyncio.get_running_loop().time()
        wait = self._limiter.wait_s(1.0, now)
        self.sent += 1
        if wait > 0:
            self.refused += 1
            answer = rate_limited(f"{wait:.3f}")
            answer.call = call
            return answer
        self._limiter.take(1.0, now)
        await asyncio.sleep(SERVICE_S)
        return embeddings(call)


def seconds(shape: Shape, rules: Rules) -> tuple[float, Limited]:
    """How long until all have their own answers."""

    async def main() -> tuple[float, Limited]:
        provider, loop = Limited(shape), asyncio.get_running_loop()
        at = World(rules=rules, origin=Origin("api.openai.com", "https://api.openai.com", "openai"))
        at.gateway._attempts._upstream = provider  # type: ignore[assignment]
        began = loop.time()
        calls = [ask(at, f"text number {i}") for i in range(CALLS)]
        replies = await asyncio.gather(*start(at, *calls))
        took = loop.time() - began
        for call, (reply, body) in zip(calls, replies, strict=True):
            assert reply.status == 200
            mine = json.loads(embeddings(call).pieces[0])  # type: ignore[arg-type]
            assert json.loads(body)["data"] == mine["data"]
        return took, provider

    took, provider = virtual_time.run(main())
    return took, provider


@pytest.mark.parametrize("shape", ["bucket", "fixed", "sliding", "slices"])
def test_a_thousand_calls_at_sixty_a_minute(shape: Shape) -> None:
    """At least 20 times sooner, with hardly a request and no more refusals, however the provider counts; each call
    gets its own answer."""
    alone, by_itself = seconds(shape, Rules())
    together, batched = seconds(shape, Rules(embeddings=True))
    print(f"{shape}: {alone:.1f} s alone, {together:.2f} s together in {batched.sent} requests")
    assert alone / together >= 20
    assert batched.sent < 20
    assert batched.refused <= by_itself.refused
