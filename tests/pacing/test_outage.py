"""A provider that is away: its calls wait, one at a time looks."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
import virtual_time
from world import call, origin

from daemon.errors import DeadlineExceeded
from daemon.model import Finding, Limit, Priority
from daemon.pacing import Pacer, PacingSettings
from daemon.pacing.outage import Outage

NORMAL, INTERACTIVE = Priority.NORMAL, Priority.INTERACTIVE
PATIENCE_S = 600.0


def away(*names: str, named_s: float | None = None) -> Outage:
    """One call after another has failed at the instant 1."""
    outage = Outage(1.0, 30.0)
    for name in names:
        outage.goes(name, 0.9)
        outage.failed(name, 0.9, named_s, 1.0, random.Random(1))
    return outage


def test_three_calls_that_fail_in_a_row_are_an_outage() -> None:
    """One call that fails again and again is its own affair: nobody else waits for it."""
    assert away("a", "a", "a", "a").since is None
    assert away("a", "b").since is None
    assert away("a", "b", "c").since == 1.0


def test_a_success_in_between_ends_the_row_and_an_old_one_does_not() -> None:
    """What was sent before the first failure says nothing of the time since."""
    outage = away("a", "b")
    outage.passed(0.5)
    outage.failed("c", 0.9, None, 1.0, random.Random(1))
    assert outage.since is not None
    outage.passed(0.95)
    assert outage.since is not None, "it was sent before the outage was known"
    outage.passed(1.5)
    assert outage.since is None
    outage = away("a", "b")
    outage.passed(0.95)
    outage.failed("c", 0.9, None, 1.0, random.Random(1))
    assert outage.since is None


def test_stray_faults_among_long_answers_are_none() -> None:
    """Three of thirty have failed, the others are not answered yet."""
    outage = Outage(1.0, 30.0)
    for i in range(30):
        outage.goes(f"c{i}", 1.0 + i)
        if i % 10 == 0:
            outage.failed(f"c{i}", 1.0 + i, None, 1.1 + i, random.Random(1))
    assert outage.since is None


def test_one_call_at_a_time_looks_and_the_pauses_grow() -> None:
    """Between half a second and one first, up to half a minute later; nobody else goes meanwhile."""
    outage, now, pauses = away("a", "b", "c"), 1.0, []
    for i in range(8):
        pauses.append(outage.wait_s(NORMAL, PATIENCE_S, now))
        now += pauses[-1]
        outage.goes(f"look{i}", now)
        assert outage.wait_s(NORMAL, PATIENCE_S, now) > 5
        outage.failed(f"look{i}", now, None, now, random.Random(i))
    assert 0.5 <= pauses[0] <= 1.0
    assert 1.0 <= pauses[1] <= 2.0
    assert 15.0 <= pauses[-1] <= 30.0


def test_a_look_whose_client_left_makes_room_for_the_next() -> None:
    """And so does one that has not failed for long: its answer is on its way."""
    outage = away("a", "b", "c")
    outage.goes("look", 3.0)
    assert outage.wait_s(NORMAL, PATIENCE_S, 13.1) == 0
    outage.left("look")
    assert outage.wait_s(NORMAL, PATIENCE_S, 3.1) == 0


def test_a_person_looks_soon_and_a_named_time_is_waited_by_all() -> None:
    """No longer than their patience, though."""
    outage = away("a", "b", "c")
    outage.opens_at = 31.0
    assert outage.wait_s(INTERACTIVE, 90.0, 1.0) == 1.0
    assert outage.wait_s(NORMAL, PATIENCE_S, 1.0) == 30.0
    outage = away("a", "b", "c", named_s=3600.0)
    assert outage.wait_s(INTERACTIVE, 90.0, 1.0) == 90.0
    assert outage.wait_s(NORMAL, PATIENCE_S, 1.0) == 600.0


def test_an_outage_at_which_nobody_looks_is_forgotten() -> None:
    """Who comes an hour later meets a provider of which nothing is known, and so do the next."""
    outage = away("a", "b", "c")
    outage.goes("late", 3600.0)
    assert outage.since is None
    assert outage.wait_s(NORMAL, PATIENCE_S, 3600.0) == 0


def test_a_sleeping_machine_does_not_lengthen_it() -> None:
    """What our clock did not count has passed."""
    outage = away("a", "b", "c", named_s=60.0)
    outage.shift(50.0)
    assert outage.wait_s(NORMAL, PATIENCE_S, 1.0) == pytest.approx(10.0)


# ---- with the pacer


class Server:
    """Takes four calls at once; away for a while, and then back."""

    def __init__(self, fault: str, from_s: float, until_s: float, named: bool = False) -> None:
        self.fault, self.from_s, self.until_s, self.named = fault, from_s, until_s, named
        self.ends: Counter[str] = Counter()
        self.sent: Counter[bool] = Counter()
        self.at: list[float] = []
        """When calls came while it was away."""
        self.asked: Counter[str] = Counter()

    async def carry(self, pacer: Pacer, one: Any) -> None:
        loop, setback = asyncio.get_running_loop(), None
        while True:
            try:
                permit = await pacer.acquire(one, setback)
            except DeadlineExceeded:
                self.ends["refused"] += 1
                return
            self.asked[one.id] += 1
            await asyncio.sleep(0.002)
            now = loop.time() - 1000
            gone = self.from_s <= now < self.until_s
            self.sent[not gone] += 1
            if not gone:
                await asyncio.sleep(1.0)
                permit.answered(200, (), streamed=False)
                permit.release()
                self.ends["ok"] += 1
                return
            self.at.append(now)
            left = self.until_s - now if self.named else None
            busy = Finding("overloaded", "capacity", "wait", "sure", status=503, retry_after_s=left)
            setback = permit.lost("refused", False) if self.fault == "refused" else permit.refused(busy)
            permit.release()
            if setback is None:
                self.ends["lost"] += 1
                return


def meet(server: Server, count: int = 100, *, priority: Priority = NORMAL, slots: float | None = 4) -> float:
    """Send COUNT calls; return how long all of it took."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        pacer = Pacer(PacingSettings(), clock=loop.time, wall=lambda: 1.7e9 + loop.time(), rng=random.Random(1))
        where = origin(*([Limit("concurrency", slots)] if slots else []), minute_s=60.0)
        calls = [call(f"c{i}", where, priority=priority) for i in range(count)]
        await asyncio.gather(*(server.carry(pacer, one) for one in calls))
        took = loop.time() - 1000
        await pacer.close()
        return took

    return float(virtual_time.run(main()))


@pytest.mark.parametrize(("fault", "waits"), [("refused", True), ("unreachable", True), ("dns", False), ("tls", False)])
def test_a_name_that_does_not_exist_and_a_bad_certificate_are_no_outage(fault: Any, waits: bool) -> None:
    """Whoever has mistyped an address is told as soon as ever, and so is everybody else who has."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        permits = [await pacer.acquire(call(f"c{i}", origin(minute_s=60.0))) for i in range(4)]
        for permit in permits:
            permit.lost(fault, False)
            permit.release()
        assert (permits[0].place[1].outage.since is not None) == waits
        await pacer.close()

    virtual_time.run(main())


@pytest.mark.parametrize("fault", ["refused", "503"])
@pytest.mark.parametrize("away_s", [2.0, 5.0, 30.0])
@pytest.mark.parametrize("priority", [Priority.NORMAL, Priority.BATCH])
def test_calls_outlive_a_short_outage(fault: str, away_s: float, priority: Priority) -> None:
    """A server of one's own restarts while a hundred calls wait: none is lost (it was 88 within two seconds), and it is
    asked a dozen times meanwhile."""
    server = Server(fault, 3.0, 3.0 + away_s)
    took = meet(server, priority=priority)
    assert server.ends == {"ok": 100}
    assert server.sent[False] <= 12
    assert max(server.asked.values()) <= PacingSettings().tries
    assert took <= 25 + 2 * away_s + 5


def test_nobody_is_sent_within_the_time_that_is_named() -> None:
    """503 with Retry-After: those that were under way have met it, and the next one goes when it is over."""
    server = Server("503", 2.0, 32.0, named=True)
    meet(server, 300, slots=None)
    assert server.ends == {"ok": 300}
    assert max(server.at) < 3.0
    assert server.sent[False] <= 15


def test_a_provider_that_stays_away_is_not_hammered() -> None:
    """For ten minutes one call at a time looks; then those that have waited so long are told, and were not sent more
    often than the setting says."""
    server = Server("503", 2.0, 1e9)
    took = meet(server)
    assert server.ends["refused"] >= 80
    assert server.sent[False] <= 50
    assert max(server.asked.values()) <= PacingSettings().tries
    assert 600 <= took <= 680


def test_a_person_is_told_soon_that_a_server_is_not_there() -> None:
    """Alone, within its tries; beside a batch that waits for it, too."""
    assert meet(Server("refused", 0.0, 1e9), 1, priority=Priority.INTERACTIVE) <= 8

    async def main() -> None:
        loop, server = asyncio.get_running_loop(), Server("refused", 0.0, 1e9)
        pacer = Pacer(PacingSettings(), clock=loop.time, wall=lambda: 1.7e9 + loop.time(), rng=random.Random(1))
        where = origin(minute_s=60.0)
        batch = [asyncio.create_task(server.carry(pacer, call(f"b{i}", where))) for i in range(50)]
        await asyncio.sleep(120)
        began = loop.time()
        await server.carry(pacer, call("person", where, priority=Priority.INTERACTIVE))
        assert server.asked["person"] == PacingSettings().tries
        assert loop.time() - began <= 15
        for task in batch:
            task.cancel()
        await asyncio.gather(*batch, return_exceptions=True)
        await pacer.close()

    virtual_time.run(main())
