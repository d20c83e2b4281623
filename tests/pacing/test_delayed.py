"""Calls that stand beside the line."""

import asyncio

import virtual_time
from world import call, origin

from daemon.model import Priority
from daemon.pacing import Pacer, PacingSettings
from daemon.pacing.delayed import FEW, INFINITE, Delayed
from daemon.pacing.queue import Entry

WHERE = origin()


def entry(ready_at: float) -> Entry:
    one = Entry(call(f"c{ready_at:g}", WHERE), {"requests": 1.0}, 0.0, Priority.NORMAL)
    one.ready_at = ready_at
    return one


def test_they_come_out_when_they_are_ready() -> None:
    """The first one first, each once; nobody before his time."""
    beside, entries = Delayed(), [entry(at) for at in (30.0, 10.0, 20.0)]
    for one in entries:
        beside.push(one)
    assert (len(beside), beside.next_at()) == (3, 10.0)
    assert [one.ready_at for one in beside.in_order()] == [10.0, 20.0, 30.0]
    assert [one.ready_at for one in beside.ready(20.0)] == [10.0, 20.0]
    assert (len(beside), beside.next_at()) == (1, 30.0)
    assert list(beside.ready(29.0)) == []


def test_whoever_has_left_counts_no_more_and_is_not_kept() -> None:
    """Also behind one that waits for an hour: what calls hold, their bodies, is not held by us for so long."""
    beside, first = Delayed(), entry(1.0)
    beside.push(first)
    for at in range(2, 200):
        one = entry(float(at))
        beside.push(one)
        beside.leave(one)
        beside.leave(one)
        assert set(beside) == {first}
        assert len(beside._heap) <= FEW + 2
    beside.leave(first)
    assert not beside
    assert beside.next_at() == INFINITE
    assert list(beside.ready(1000.0)) == beside.in_order() == []


def test_those_that_have_left_fill_no_line() -> None:
    """One call is held for an hour. Others come, are held as well, and their clients leave: one waits, says the status,
    and another one still has a place."""

    async def main() -> None:
        pacer = Pacer(PacingSettings(max_waiting=5), clock=asyncio.get_running_loop().time)
        tasks = []
        for i in range(10):
            tasks.append(asyncio.create_task(pacer.acquire(call(f"c{i}", WHERE), None, (3600.0 + i, "budget"))))
            await asyncio.sleep(1.0)
            if i:
                tasks[i].cancel()
                await asyncio.sleep(0)
        assert (len(pacer.queue()), pacer.pools()[0]["waiting"]) == (1, 1)
        assert pacer.outlook(call("x", WHERE)).waiting == 1
        (await pacer.acquire(call("next", WHERE))).release()
        await pacer.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(main())
