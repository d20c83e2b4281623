"""Expected times."""

import asyncio

import pytest
import virtual_time
from race import Race
from world import call, origin

from benchmarks.race.scenarios import SCENARIOS
from daemon.model import Limit, Priority
from daemon.pacing import Pacer
from daemon.pacing.eta import span_s, spread_of, when_s
from daemon.pacing.learning import set_boundary
from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import reshape
from daemon.sandbox.settings import SHAPES


@pytest.mark.parametrize(("amount", "expected"), [(0.5, 0.0), (1, 6.0), (10, 60.0), (25, 150.0)])
def test_a_used_up_bucket(amount: float, expected: float) -> None:
    """Ten a minute: each takes six seconds."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, shape="bucket")
    for seq in range(10):
        ledger.take(seq, 1.0, 0.0)
    if amount >= 1:
        assert when_s(ledger, amount, 0.0) == pytest.approx(expected)


@pytest.mark.parametrize(("amount", "expected"), [(1, 40.0), (10, 40.0), (11, 100.0), (25, 160.0)])
def test_a_used_up_fixed_window(amount: float, expected: float) -> None:
    """Ten at each boundary."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, shape="fixed")
    set_boundary(ledger, -20.0, 0.0)
    for seq in range(10):
        ledger.take(seq, 1.0, 0.0)
    assert when_s(ledger, amount, 0.0) == pytest.approx(expected)


def test_an_unknown_limit_has_no_wait_but_a_hold_has() -> None:
    """Nothing is invented."""
    ledger = Ledger("requests", 60.0)
    assert when_s(ledger, 100.0, 0.0) == 0
    ledger.hold(7.0)
    assert when_s(ledger, 1.0, 0.0) == 7.0


def test_the_range_is_wider_when_limits_are_guessed() -> None:
    """An honest range."""
    low, high = span_s(10.0, known=True)
    assert low == 9.0
    assert high == pytest.approx(11.5)
    low, high = span_s(10.0, known=False)
    assert (low, high) == (5.0, 22.0)


@pytest.mark.parametrize(
    ("limit", "amount", "expected"), [(1, 1, 60.0), (1, 2, 120.0), (10, 10, 60.0), (10, 11, 120.0)]
)
def test_a_lack_of_a_whole_limit_is_one_window(limit: int, amount: float, expected: float) -> None:
    """One a minute: the second call goes a minute after the first, not two. With a second for the guard's margin."""
    ledger = Ledger("requests", 60.0, ceiling=limit)
    for seq in range(limit):
        ledger.take(seq, 1.0, 0.0)
    assert when_s(ledger, amount, 0.0) == pytest.approx(expected, abs=1.0)


def test_slices_take_whole_calls_and_what_is_left_of_the_present_one() -> None:
    """A tenth of a minute holds ten: three calls of four go two to a slice."""
    ledger = Ledger("tokens", 60.0, ceiling=100)
    reshape(ledger, 0.0, shape="bucket", slices=10)
    ledger.slice_boundary = 0.0
    ledger.take(1, 4.0, 1.0)
    assert when_s(ledger, 4.0, 1.0, 4.0) == 0
    assert when_s(ledger, 8.0, 1.0, 4.0) == pytest.approx(5.0)
    assert when_s(ledger, 16.0, 1.0, 4.0) == pytest.approx(11.0)


def test_the_range_follows_what_was_said_before() -> None:
    """Calls that went up to twice as late as was said make the next range as wide; a few prove nothing."""
    assert spread_of([2.0] * 7) is None
    spread = spread_of([1.0] * 15 + [2.0] * 5)
    assert spread == (1.0, 2.0)
    assert span_s(10.0, known=True, spread=spread) == (9.0, 20.5)
    assert span_s(10.0, known=True, contested=True) == (9.0, 15.5)


def test_who_waits_for_a_slot_is_told_by_how_long_answers_take() -> None:
    """One at a time, twenty seconds each: before the first has ended nobody knows, and nobody is told that it is now.
    Then each waits for those before it, in the line and when it asks."""
    where = origin(Limit("concurrency", 1))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time, wall=loop.time)

        async def one(name: str) -> None:
            permit = await pacer.acquire(call(name, where))
            await asyncio.sleep(20.0)
            permit.answered(200, (), streamed=False)
            permit.settle(None)
            permit.release()

        tasks = [asyncio.create_task(one(f"c{i}")) for i in range(5)]
        await asyncio.sleep(1.0)
        assert {row[name] for row in pacer.queue() for name in ("eta_at", "eta_low_at", "eta_high_at")} == {None}
        assert [(waits := pacer.will_wait(call("next", where))) and waits["wait_s"]] == [None]
        await asyncio.sleep(24.0)
        rows = pacer.queue()
        assert [row["eta_at"] - loop.time() for row in rows] == pytest.approx([15.0, 35.0, 55.0])
        assert rows[0]["eta_low_at"] < rows[0]["eta_at"] < rows[0]["eta_high_at"]
        waits = pacer.will_wait(call("next", where))
        assert waits is not None
        assert waits["wait_s"] == pytest.approx(75.0)
        person = pacer.will_wait(call("person", where, priority=Priority.INTERACTIVE))
        assert person is not None
        assert person["wait_s"] == pytest.approx(15.0)
        await asyncio.gather(*tasks)
        assert loop.time() == pytest.approx(1100.0, abs=0.1)
        await pacer.close()

    virtual_time.run(main())


def test_what_waits_for_a_limit_is_told_by_it_though_more_wait_than_may_run() -> None:
    """A hundred wait for two a minute, before any answer has ended: slots are free, and do not decide."""
    where = origin(Limit("requests", 2, 60.0, "minute"), minute_s=60.0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time, wall=loop.time)
        tasks = [asyncio.create_task(pacer.acquire(call(f"c{i}", where))) for i in range(100)]
        await asyncio.sleep(5.0)
        assert 2900 < pacer.queue()[-1]["eta_at"] - loop.time() < 3000
        await pacer.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(main())


@pytest.mark.parametrize("shape", SHAPES)
def test_most_calls_go_when_it_was_said(shape: str) -> None:
    """Asked in the second minute, when it is known how the provider counts: nine of ten go within the range."""
    race = Race(SCENARIOS["requests"], shape, 2)
    said: dict[str, tuple[float, float]] = {}

    async def ask() -> None:
        await asyncio.sleep(7.0)
        said.update({row["id"]: (row["eta_low_at"], row["eta_high_at"]) for row in race.pacer.queue()})

    async def both() -> None:
        asking = asyncio.create_task(ask())
        await race._race()
        await asking

    virtual_time.run(both())
    went = {e.job.name: 1.7e9 + e.first_sent for e in race.ended}  # type: ignore[attr-defined]
    right = [low - 0.1 <= went[name] <= high + 0.1 for name, (low, high) in said.items()]
    assert len(right) > 20
    assert sum(right) >= 0.9 * len(right)


def test_the_first_in_line_looks_before_our_own_sum_would_let_it() -> None:
    """A limit that is used up by our sum is looked at when the provider said so: then the first one goes, and the
    next one goes later."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time, wall=loop.time)
        first = call("c1", origin(Limit("requests", 2, 60.0, "minute")))
        permit = await pacer.acquire(first)
        [account] = pacer._accounts
        [pool] = account.pools.values()
        [ledger] = [one for one in pool.ledgers if one.dimension == "requests" and one.cap == 2]
        permit.answered(200, (), streamed=False)
        permit.release()
        ledger.take(99, 1.0, loop.time())
        ledger.look_at = loop.time() + 4.0
        waits = [asyncio.create_task(pacer.acquire(call(name, first.origin))) for name in ("c2", "c3")]
        await asyncio.sleep(0.1)
        at = [row["eta_at"] - loop.time() for row in pacer.queue()]
        assert at[0] == pytest.approx(3.9, abs=0.5)
        assert at[1] > at[0] + 1
        for task in waits:
            task.cancel()
        await pacer.close()

    virtual_time.run(main())
