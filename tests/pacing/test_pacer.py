"""The asynchronous shell: waiting, leaving, deadlines, timers, sleep."""

import asyncio
import random

import pytest
import virtual_time
from world import Job, Provider, Upset, World, call, limiter, origin

from daemon.errors import Cancelled, DeadlineExceeded, ShuttingDown
from daemon.model import Limit, Origin, Priority
from daemon.pacing import Pacer

TWO = origin(Limit("requests", 2, 60.0, "minute"), minute_s=60.0)


async def full(where: Origin = TWO, **more: object) -> Pacer:
    """A pacer whose limit is used up."""
    loop = asyncio.get_running_loop()
    pacer = Pacer(clock=loop.time, wall=lambda: 1.7e9 + loop.time(), **more)  # type: ignore[arg-type]
    for name in ("a", "b"):
        permit = await pacer.acquire(call(name, where))
        permit.answered(200, (), streamed=False)
        permit.release()
    return pacer


def test_a_call_that_fits_goes_without_a_task_switch() -> None:
    """The fast path: nothing else runs between asking and going."""

    async def main() -> None:
        pacer, ran = Pacer(clock=asyncio.get_running_loop().time), []
        asyncio.get_running_loop().call_soon(ran.append, 1)
        await pacer.acquire(call("x", TWO))
        assert not ran
        await pacer.close()

    virtual_time.run(main())


def test_a_client_that_leaves_is_not_charged() -> None:
    """Its task is cancelled: out of the line, no charge, and the next in line is not held up by it."""

    async def main() -> None:
        pacer = await full()
        gone = asyncio.create_task(pacer.acquire(call("gone", TWO)))
        await asyncio.sleep(1)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert pacer.queue() == []
        assert pacer.pools()[0]["dims"][0]["used_by_us"] == 2
        await pacer.close()

    virtual_time.run(main())


def test_a_client_that_leaves_in_the_instant_of_its_permit_gives_it_back() -> None:
    """The permit was granted and never seen: slot and charge return."""
    one = origin(Limit("concurrency", 1), Limit("requests", 10, 60.0, "minute"))

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)
        first = await pacer.acquire(call("a", one))
        second = asyncio.create_task(pacer.acquire(call("b", one)))
        await asyncio.sleep(0)
        first.release()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert pacer.pools()[0]["in_flight"] == 0
        (await pacer.acquire(call("c", one))).release()
        await pacer.close()

    virtual_time.run(main())


def test_somebody_cancels_or_promotes_a_waiting_call() -> None:
    """By id; False when it does not wait."""

    async def main() -> None:
        pacer, order = await full(), []

        async def go(name: str) -> None:
            await pacer.acquire(call(name, TWO, priority=Priority.BATCH))
            order.append(name)

        tasks = [asyncio.create_task(go(name)) for name in ("c", "d", "e")]
        await asyncio.sleep(1)
        assert pacer.promote("e", Priority.INTERACTIVE)
        assert pacer.cancel("c")
        assert not pacer.cancel("c")
        assert not pacer.promote("nobody", Priority.NORMAL)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], Cancelled)
        assert order == ["e", "d"]
        await pacer.close()

    virtual_time.run(main())


def test_a_deadline_that_passes_in_the_line_says_what_it_waited_for() -> None:
    """Something came before it that was not expected."""

    async def main() -> None:
        one = origin(Limit("concurrency", 1))
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        await pacer.acquire(call("long", one))
        with pytest.raises(
            DeadlineExceeded, match=r"waited 5\.0 s, until its deadline \(X-Sluice-Deadline.*it waits for a free slot"
        ):
            await pacer.acquire(call("late", one, deadline_s=5.0))
        assert loop.time() == pytest.approx(1005.0, abs=0.01)
        await pacer.close()

    virtual_time.run(main())


def test_closing_answers_all_that_wait() -> None:
    """And takes no new ones."""

    async def main() -> None:
        pacer = await full()
        waiting = asyncio.create_task(pacer.acquire(call("c", TWO)))
        await asyncio.sleep(1)
        await pacer.close()
        with pytest.raises(ShuttingDown):
            await waiting
        with pytest.raises(ShuttingDown):
            await pacer.acquire(call("d", TWO))

    virtual_time.run(main())


def test_it_says_beforehand_whether_a_call_will_wait() -> None:
    """For the `queued` event, with the reason."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        fresh = Pacer(clock=loop.time)
        assert fresh.will_wait(call("x", TWO)) is None
        pacer = await full()
        waits = pacer.will_wait(call("x", TWO))
        assert waits is not None
        assert (waits["waits_for"], waits["place"]) == ("requests per minute", 1)
        assert waits["wait_s"] == pytest.approx(60, abs=0.2)
        await fresh.close()
        await pacer.close()

    virtual_time.run(main())


def test_no_timer_while_nothing_waits() -> None:
    """An idle pacer wakes nobody; a waiting one only now and then."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual_time.VirtualLoop)
        pacer = await full()
        assert not pacer._timers
        before = loop.jumping.wakes
        await pacer.acquire(call("c", TWO))
        assert loop.jumping.wakes - before <= 20, "once in five seconds, to see whether the machine slept"
        assert not pacer._timers
        await pacer.close()

    virtual_time.run(main())


def test_after_an_hour_of_sleep_nothing_bursts() -> None:
    """The clock counts the sleep, timers do not: the pacer sees it, lets what has refilled go, and starts carefully."""
    where = origin(Limit("requests", 100, 60.0, "minute"), minute_s=60.0)

    async def main() -> None:
        loop, slept = asyncio.get_running_loop(), [0.0]
        pacer = Pacer(clock=lambda: loop.time() + slept[0], wall=lambda: 1.7e9 + loop.time() + slept[0])
        first = [await pacer.acquire(call(f"a{i}", where)) for i in range(4)]
        for permit in first:
            permit.answered(200, (), streamed=False)
        tasks = [asyncio.create_task(pacer.acquire(call(f"b{i}", where))) for i in range(150)]
        await asyncio.sleep(20)
        for permit in first:
            permit.release()
        gone_before = sum(task.done() for task in tasks)
        slept[0] = 3600.0
        await asyncio.sleep(6)
        assert sum(task.done() for task in tasks) - gone_before <= 44, "one after another, not all that would fit"
        await pacer.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(main())


def test_a_wall_clock_that_jumps_changes_nothing_but_dates() -> None:
    """Ten days back or ahead: limits of a minute do not care."""

    async def main() -> None:
        loop, wall = asyncio.get_running_loop(), [1.7e9]
        pacer = Pacer(clock=loop.time, wall=lambda: wall[0] + loop.time())
        for name in ("a", "b"):
            (await pacer.acquire(call(name, TWO))).answered(200, (), streamed=False)
        for jump in (864_000, -864_000):
            wall[0] += jump
            began = loop.time()
            (await pacer.acquire(call(f"c{jump}", TWO))).answered(200, (), streamed=False)
            assert loop.time() - began < 61
        assert loop.time() - 1000 > 59
        await pacer.close()

    virtual_time.run(main())


@pytest.mark.parametrize("shape", ["bucket", "fixed", "sliding"])
@pytest.mark.parametrize("ahead", [60.0, 3600.0, 80_000.0, 365 * 86_400.0, -3600.0])
def test_a_wall_clock_that_is_set_frees_no_limit(shape: str, ahead: float) -> None:
    """While calls wait, again and again: the provider refuses none, and they take no longer. Our clock counts sleep, so
    a wall clock that runs ahead of it tells of none."""
    upsets = [Upset(at, set_s=ahead) for at in (1.0, 2.5, 4.0, 7.0)]
    for seed in range(3):
        spans = []
        for some in ((), upsets):
            provider, where = Provider({"requests": limiter(shape, 60)}), origin(Limit("requests", 60, 60.0, "minute"))
            world = World(provider, seed=seed, upsets=some).run([Job(call(f"c{i}", where)) for i in range(180)])
            assert (provider.refused, world.lost, world.least_wait_s) == (0, [], 0.0)
            spans.append(world.makespan)
        assert spans[1] == pytest.approx(spans[0])


def test_changes_are_told() -> None:
    """Subscribers learn of each step."""

    async def main() -> None:
        told: list[int] = []
        pacer = await full(on_change=lambda: told.append(1))
        assert len(told) >= 4
        await pacer.close()

    virtual_time.run(main())


def test_the_line_moves_while_clients_come_and_go() -> None:
    """Random arrivals and cancellations: no call is sent after it was cancelled, and none is lost."""
    for seed in range(6):
        rng = random.Random(seed)
        provider = Provider({"requests": limiter(rng.choice(["bucket", "fixed", "sliding"]), 30)})
        world, where = World(provider, seed=seed), origin()
        jobs = [Job(call(f"c{i}", where, client=rng.choice("abc")), at=rng.uniform(0, 3)) for i in range(60)]
        world.run(jobs)
        assert not world.lost, f"seed {seed}"
        assert provider.accepted == 60, f"seed {seed}: nothing is sent twice after a success"


def test_thousands_of_calls_a_minute_stay_few_in_memory() -> None:
    """What has ended is added up, whatever became of it; the sums still know of each call."""
    provider, where = (
        Provider({}, headers=False, service_s=(0.001, 0.01)),
        origin(Limit("requests", 1e6, 60.0, "minute")),
    )
    world = World(provider, seed=3)
    world.run([Job(call(f"c{i}", where, tokens=(10, 10)), real=(10, 5), at=i / 2000) for i in range(6000)])
    (account,) = world.pacer._accounts
    for ledger in account.pools["m"].ledgers:
        assert ledger.log.window.calls == 6000
        assert ledger.log.window.total == (6000 if ledger.dimension == "requests" else 20 * 6000)
        assert len(ledger.log.entries) < 1800


@pytest.mark.parametrize("seed", range(40))
def test_who_looks_before_going_goes_in_the_same_instant(seed: int) -> None:
    """Asking whether a call would wait, and going at once when it would not, changes nothing for anybody."""

    class Looking(World):
        async def _job(self, job: Job) -> None:
            await asyncio.sleep(job.at)
            self.pacer.will_wait(job.call)
            job.at = 0.0
            await super()._job(job)

    went = []
    for kind in (World, Looking):
        rng = random.Random(seed)
        shape, where = rng.choice(["bucket", "fixed", "sliding", "slices"]), origin()
        provider = Provider({"requests": limiter(shape, 30)}, service_s=rng.choice([(0.02, 0.05), (0.5, 2.0)]))
        jobs = [Job(call(f"c{i}", where, client=rng.choice("ab")), at=rng.uniform(0.001, 9)) for i in range(70)]
        kind(provider, seed=seed).run(jobs)
        went.append(provider.arrivals)
    assert went[0] == went[1]


def test_a_call_that_was_seen_to_fit_does_not_go_when_another_took_the_room() -> None:
    """What was found a moment ago holds only while nothing has changed."""

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)
        one = origin(Limit("requests", 1, 60.0, "minute"))
        late = call("late", one)
        assert pacer.will_wait(late) is None
        await pacer.acquire(call("first", one))
        waits = asyncio.create_task(pacer.acquire(late))
        await asyncio.sleep(0)
        assert [row["id"] for row in pacer.queue()] == ["late"]
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        await pacer.close()

    virtual_time.run(main())
