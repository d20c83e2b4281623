"""Keys come and go."""

import asyncio

import virtual_time
from kept import Kept
from world import call, origin

from daemon.model import Limit, Reading
from daemon.pacing import Pacer
from daemon.pacing.accounts import MOST

SLOTS = origin(Limit("concurrency", 1))


async def answered(pacer: Pacer, key: str) -> None:
    """A call with KEY whose answer states a limit."""
    permit = await pacer.acquire(call(key, origin(), key=key))
    permit.answered(200, (Reading("requests", 500, 499, 0.1, 60.0),), streamed=False)
    permit.release()


def test_a_key_for_each_call_does_not_fill_the_memory() -> None:
    """Those that idle go, those that were used last stay; whoever waits or runs is not forgotten."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        runs = await pacer.acquire(call("runs", SLOTS, key="busy"))
        waits = asyncio.create_task(pacer.acquire(call("waits", SLOTS, key="busy")))
        await asyncio.sleep(0)
        for number in range(5 * MOST):
            await answered(pacer, f"k{number}")
        keys = [account.key for account in pacer._accounts]
        assert len(keys) <= MOST
        assert keys[0] == "busy"
        assert keys[-1] == f"k{5 * MOST - 1}"
        runs.release()
        await asyncio.sleep(0)
        assert waits.done()
        await pacer.close()

    virtual_time.run(main())


def test_a_key_that_comes_back_is_known_again() -> None:
    """Its limit, and what was used of it, as after a restart."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time, wall=lambda: 1.7e9 + loop.time(), memory=Kept())
        await answered(pacer, "old")
        for number in range(MOST):
            await answered(pacer, f"k{number}")
        assert "old" not in [account.key for account in pacer._accounts]
        pacer.will_wait(call("again", origin(), key="old"))
        (row,) = [row for row in pacer.pools() if row["key"] == "old"]
        (dim,) = [dim for dim in row["dims"] if dim["dimension"] == "requests" and dim["limit"]]
        assert (dim["limit"], dim["used_by_us"]) == (500, 1)
        await pacer.close()

    virtual_time.run(main())
