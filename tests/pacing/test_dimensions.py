"""Every dimension binds, wherever its limit comes from: the config, a header, or a refusal's own words."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import virtual_time
from world import call, origin

from daemon.model import Call, Dimension, Estimate, Finding, Limit, Origin, Reading
from daemon.pacing import Pacer, PacingSettings

LIMIT = 100.0
WEIGHED: dict[Dimension, Estimate] = {
    "requests": Estimate(),
    "tokens": Estimate(input=30, output=30),
    "input_tokens": Estimate(input=60),
    "output_tokens": Estimate(input=1, output=60),
    "images": Estimate(images=60),
    "audio_seconds": Estimate(audio_seconds=60),
}
"""More than half of the limit: two of these do not fit."""


def weighing(name: str, where: Origin, dimension: Dimension) -> Call:
    return replace(call(name, where), estimate=WEIGHED[dimension])


async def told(pacer: Pacer, where: Origin, dimension: Dimension, source: str, limit: float) -> None:
    """Let the provider say what its limit is, with nothing of it used."""
    if source == "config":
        return
    permit = await pacer.acquire(weighing("first", where, dimension))
    if source == "header":
        permit.answered(200, (Reading(dimension, limit, limit),), streamed=True)
    else:
        permit.refused(
            Finding(dimension, "rate", "wait", "sure", status=429, dimension=dimension, window="minute", limit=limit,
                    used=0.0, retry_after_s=0.0)
        )  # fmt: skip
    permit.release()


@pytest.mark.parametrize("source", ["config", "header", "message"])
@pytest.mark.parametrize("dimension", list(WEIGHED))
def test_two_that_do_not_fit_go_a_minute_apart(dimension: Dimension, source: str) -> None:
    """One call of 60 % goes, the next one waits; requests are single, so their limit is one."""
    limit = 1.0 if dimension == "requests" else LIMIT

    async def main() -> float:
        loop = asyncio.get_running_loop()
        stated = (Limit(dimension, limit, 60.0, "minute"),) if source == "config" else ()
        where = origin(*stated, minute_s=60.0)
        pacer = Pacer(clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        await told(pacer, where, dimension, source, limit)
        await asyncio.sleep(120)
        one = await pacer.acquire(weighing("one", where, dimension))
        began = loop.time()
        one.answered(200, (), streamed=True)
        await pacer.acquire(weighing("two", where, dimension))
        await pacer.close()
        return loop.time() - began

    assert 10 < virtual_time.run(main()) < 62


@pytest.mark.parametrize("source", ["config", "header"])
def test_so_many_at_the_same_time(source: str) -> None:
    """A concurrency limit, configured or in a header: the third call goes when one of two has ended."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stated = (Limit("concurrency", 2),) if source == "config" else ()
        where = origin(*stated, minute_s=60.0)
        pacer = Pacer(clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        first = await pacer.acquire(call("first", where))
        first.answered(200, (Reading("concurrency", 2.0, 1.0),) if source == "header" else (), streamed=True)
        await pacer.acquire(call("second", where))
        third = asyncio.create_task(pacer.acquire(call("third", where)))
        await asyncio.sleep(30)
        assert not third.done()
        first.release()
        await asyncio.wait_for(third, 1)
        await pacer.close()

    virtual_time.run(main())


@pytest.mark.parametrize(("period", "seconds"), [("second", 1.0), ("minute", 60.0), ("hour", 3600.0)])
def test_each_period_of_the_config(period: str, seconds: float) -> None:
    """Three calls against two a second, minute or hour: the third one waits that long."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        where = origin(Limit("requests", 2, seconds, period), minute_s=60.0)
        pacer = Pacer(PacingSettings(max_wait_s=7200.0), clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        began = loop.time()
        for i in range(3):
            (await pacer.acquire(call(f"c{i}", where))).answered(200, (), streamed=True)
        await pacer.close()
        return loop.time() - began

    assert seconds <= virtual_time.run(main()) < 1.3 * seconds + 0.2
