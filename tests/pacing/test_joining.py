"""A waiting call goes with another's permit: one request, all its tokens, and only within what the limits allow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import virtual_time
from world import call, origin

from daemon.model import Limit, Origin, Usage
from daemon.pacing import Joined, Pacer, Permit

ONE_REQUEST = Limit("requests", 1, 60.0, "minute")
TOKENS = Limit("tokens", 1000, 60.0, "minute")


def used(pacer: Pacer, dimension: str) -> float:
    """What of a limit is taken by us."""
    return next(dim["used_by_us"] for dim in pacer.pools()[0]["dims"] if dim["dimension"] == dimension)


async def waiting(pacer: Pacer, where: Origin, *tokens: float, **more: Any) -> list[asyncio.Task[Permit]]:
    """Calls m0, m1, ... that wait, with so many tokens each."""
    tasks = [
        asyncio.create_task(pacer.acquire(call(f"m{i}", where, tokens=(size, 0), **more)))
        for i, size in enumerate(tokens)
    ]
    await asyncio.sleep(0)
    return tasks


async def lead(where: Origin, tokens: float = 100) -> tuple[Pacer, Permit]:
    """A pacer whose one request has just got its permit."""
    pacer = Pacer(clock=asyncio.get_running_loop().time)
    return pacer, await pacer.acquire(call("lead", where, tokens=(tokens, 0)))


def test_one_request_and_all_their_tokens() -> None:
    """Mates leave the line at once; the limit of requests counts one, that of tokens all of them."""
    where = origin(ONE_REQUEST, TOKENS, minute_s=60.0)

    async def main() -> None:
        pacer, permit = await lead(where)
        tasks = await waiting(pacer, where, 50, 70)
        assert len(pacer.queue()) == 2
        assert pacer.join(permit, ["m0", "m1", "nobody"]) == ["m0", "m1"]
        assert pacer.queue() == []
        for task in tasks:
            with pytest.raises(Joined) as joined:
                await task
            assert joined.value.lead == "lead"
        assert (used(pacer, "requests"), used(pacer, "tokens")) == (1, 220)
        await pacer.close()

    virtual_time.run(main())


def test_the_first_that_does_not_fit_ends_it() -> None:
    """Nobody overtakes by being small: what does not fit now stays in the line, and so does all behind it."""
    where = origin(ONE_REQUEST, TOKENS, minute_s=60.0)

    async def main() -> None:
        pacer, permit = await lead(where)
        tasks = await waiting(pacer, where, 500, 600, 10)
        assert pacer.join(permit, ["m0", "m1", "m2"]) == ["m0"]
        assert [row["id"] for row in pacer.queue()] == ["m1", "m2"]
        await pacer.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(main())


def test_the_real_cost_replaces_what_all_reserved() -> None:
    """After the answer the charge is what the provider counted for the whole request; a refusal takes all of it out."""
    where = origin(Limit("requests", 5, 60.0, "minute"), Limit("concurrency", 1), TOKENS, minute_s=60.0)

    async def main() -> None:
        pacer, permit = await lead(where)
        tasks = await waiting(pacer, where, 200, 300)
        assert len(pacer.join(permit, ["m0", "m1"])) == 2
        permit.answered(200, (), streamed=False)
        permit.settle(Usage(640, 0))
        permit.release()
        assert used(pacer, "tokens") == 640
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pacer.pools()[0]["in_flight"] == 0
        await pacer.close()

    virtual_time.run(main())


def test_a_lost_request_gives_everything_back() -> None:
    """Nothing was sent: neither the lead's tokens nor those of its mates count."""
    where = origin(ONE_REQUEST, TOKENS, minute_s=60.0)

    async def main() -> None:
        pacer, permit = await lead(where)
        tasks = await waiting(pacer, where, 200)
        pacer.join(permit, ["m0"])
        assert permit.lost("refused", sent=False) is not None
        permit.release()
        assert (used(pacer, "requests"), used(pacer, "tokens")) == (0, 0)
        await asyncio.gather(*tasks, return_exceptions=True)
        await pacer.close()

    virtual_time.run(main())


def test_a_day_counts_them_all() -> None:
    """A limit of tokens a day is charged with the mates' tokens, and given them back with a refusal."""
    where = origin(ONE_REQUEST, Limit("tokens", 5000, 86400.0, "day"), minute_s=60.0)

    async def main() -> None:
        pacer, permit = await lead(where)
        tasks = await waiting(pacer, where, 200, 4800)
        assert pacer.join(permit, ["m0", "m1"]) == ["m0"]
        assert used(pacer, "tokens") == 300
        permit.lost("refused", sent=False)
        assert used(pacer, "tokens") == 4800, "those of the mate that had to stay, and now goes by itself"
        await pacer.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(main())


def test_only_those_that_wait_for_the_same_limits() -> None:
    """A call of another model has other limits: it stays where it is."""
    where = origin(ONE_REQUEST, minute_s=60.0)

    async def main() -> None:
        pacer, permit = await lead(where)
        tasks = await waiting(pacer, where, 10, model="other")
        assert pacer.join(permit, ["m0"]) == []
        await pacer.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(main())
