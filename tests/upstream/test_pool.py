"""Which connection carries the next call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.upstream import pool as subject
from daemon.upstream.pool import Pool, seconds_asleep
from daemon.upstream.route import Route

HERE, THERE = Route("a", 1, tls=False), Route("b", 1, tls=False)


class Wire:
    """What the pool needs of a connection."""

    def __init__(self, free: bool = True) -> None:
        self.free = free
        self.ended = False
        self.closing = False
        self.number = 0
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether bytes could go."""
        return not self.ended and not self.closing

    def release(self) -> bool:
        """Whether it may carry another call."""
        return self.free

    def abort(self) -> None:
        """End."""
        self.ended = True


def used(pool: Pool, route: Route = HERE, *, free: bool = True) -> Any:
    """A connection that has carried a call."""
    wire: Any = Wire(free)
    pool.add(wire)
    pool.put(route, wire)
    return wire


async def test_the_last_one_first_and_only_of_its_route() -> None:
    """The one that was used last is the least likely to be dead."""
    pool = Pool(lambda: 0.0)
    first, second = used(pool), used(pool)
    assert pool.take(THERE) is None
    assert pool.take(HERE) is second
    assert pool.take(HERE) is first
    assert pool.take(HERE) is None
    pool.close()
    assert first.ended
    assert second.ended


async def test_what_cannot_be_used_again_is_closed() -> None:
    """One that is not free, one that ended while it waited or is about to, and one that waited too long."""
    pool = Pool(lambda: 0.0)
    assert used(pool, free=False).ended
    used(pool).ended = True
    used(pool).closing = True
    old = used(pool)
    old.idle_since -= 16
    assert pool.take(HERE) is None
    assert old.ended
    pool.close()


async def test_what_waits_too_long_is_swept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a call, too; and when nothing waits, no timer runs."""
    monkeypatch.setattr(subject, "_KEEP_S", 0.01)
    pool = Pool(lambda: 0.0)
    wires = [used(pool), used(pool, THERE)]
    async with asyncio.timeout(5):
        while not all(wire.ended for wire in wires):  # noqa: ASYNC110 - until they are closed
            await asyncio.sleep(0.001)
    assert pool._sweep is None


async def test_forgetting() -> None:
    """What waits is closed; what is in use is closed when it comes back."""
    pool = Pool(lambda: 0.0)
    waiting, running = used(pool), used(pool)
    assert pool.take(HERE) is running
    pool.forget()
    assert (waiting.ended, running.ended) == (True, False)
    pool.put(HERE, running)
    assert running.ended
    assert pool.take(HERE) is None


def test_a_sleep_is_noticed_once() -> None:
    """A late timer is none."""
    slept_s = 100.0
    pool = Pool(lambda: slept_s)
    assert not pool.slept()
    slept_s += 4
    assert not pool.slept()
    slept_s += 6
    assert pool.slept()
    assert not pool.slept()
    assert abs(seconds_asleep() - seconds_asleep()) < 1


async def test_a_place_without_a_network() -> None:
    """What waits there is ended, and what is busy then when it is done; what is elsewhere, or comes later, stays."""
    pool = Pool(lambda: 0.0)
    busy: Any = Wire()
    pool.add(busy)
    here, there = used(pool, HERE), used(pool, THERE)
    pool.drop(HERE)
    pool.drop(HERE)
    assert (here.ended, busy.ended, there.ended) == (True, False, False)
    pool.put(HERE, busy)
    assert busy.ended
    assert pool.take(HERE) is None
    assert pool.take(THERE) is there
    later = used(pool, HERE)
    assert pool.take(HERE) is later
    pool.close()
