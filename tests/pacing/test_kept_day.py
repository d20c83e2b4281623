"""The end of a day's limit, which batch leaves to persons: who gets it, who waits for it and how long, and what is said
of it; and the counts of a day when the config is read again."""

from __future__ import annotations

import asyncio
from datetime import UTC

import pytest
import virtual_time
from kept import Kept
from world import call, origin, story

from daemon.errors import DeadlineExceeded
from daemon.model import Call, Finding, Limit, Origin, Priority, Usage
from daemon.pacing import Pacer, PacingSettings
from daemon.pacing.days import DayCount

PERSON, BATCH = Priority.INTERACTIVE, Priority.BATCH
DAY, MONTH = 86_400.0, 30 * 86_400.0
EPOCH = 1.7e9
TEN_MINUTES, TWO_HOURS = PacingSettings(max_wait_s=600.0), PacingSettings(max_wait_s=7200.0)


async def quick(pacer: Pacer, one: Call, usage: Usage | None = None) -> None:
    """A call that is answered at once."""
    permit = await pacer.acquire(one)
    permit.answered(200, (), streamed=False)
    permit.settle(usage)
    permit.release()


async def went(pacer: Pacer, where: Origin, most: int, model: str = "m") -> int:
    """How many of MOST batch calls go, one a second, before one is told to come again."""
    for number in range(most):
        await asyncio.sleep(1)
        try:
            await quick(pacer, call(f"late{number}", where, priority=BATCH, model=model))
        except DeadlineExceeded:
            return number
    return most


def new(memory: Kept) -> Pacer:
    """A pacer that remembers, in virtual time."""
    loop = asyncio.get_running_loop()
    return Pacer(TEN_MINUTES, clock=loop.time, wall=lambda: EPOCH + loop.time(), memory=memory)


def test_streams_under_way_may_give_back_what_is_kept() -> None:
    """A stream has its status line long before its end, and what it gives back comes with that end."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        await quick(pacer, call("person", where, tokens=(50, 50), priority=PERSON), Usage(50, 50))
        running = []
        for number in range(4):
            await asyncio.sleep(1)
            running.append(await pacer.acquire(call(f"b{number}", where, tokens=(500, 19_500), priority=BATCH)))
            running[-1].answered(200, (), streamed=True)
        waits = asyncio.create_task(pacer.acquire(call("b4", where, tokens=(500, 14_500), priority=BATCH)))
        await asyncio.sleep(20)
        for permit in running:
            permit.settle(Usage(500, 500))
            permit.release()
        await asyncio.sleep(1)
        assert waits.done()
        waits.result().release()

    story(tell, Limit("tokens", 100_000, DAY, "day"), settings=TEN_MINUTES)


def test_requests_under_way_give_nothing_back() -> None:
    """However many answers are under way, no request comes back: who would wait for that is told at once."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        await quick(pacer, call("person", where, priority=PERSON))
        assert await went(pacer, where, 200) == 179
        running = await pacer.acquire(call("long", where))
        with pytest.raises(DeadlineExceeded, match="kept for persons"):
            await pacer.acquire(call("batch", where, priority=BATCH))
        running.release()

    story(tell, Limit("requests", 200, MONTH, "month"), settings=TEN_MINUTES)


def test_answers_that_could_not_give_back_enough_are_not_waited_for() -> None:
    """What is reserved for those under way is less than what is lacking."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        await quick(pacer, call("person", where, tokens=(80_000, 10), priority=PERSON), Usage(80_000, 10))
        running = await pacer.acquire(call("short", where, tokens=(10, 90)))
        with pytest.raises(DeadlineExceeded, match="kept for persons"):
            await pacer.acquire(call("batch", where, tokens=(10, 11_990), priority=BATCH))
        running.release()

    story(tell, Limit("tokens", 100_000, DAY, "day"), settings=TEN_MINUTES)


def test_persons_who_keep_coming_do_not_let_batch_wait_without_end() -> None:
    """Each of them keeps the end for an hour more. A batch call that may wait for two hours is told before these have
    passed."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        async def persons() -> None:
            for number in range(8):
                await asyncio.sleep(1800)
                await quick(pacer, call(f"person{number}", where, priority=PERSON))

        loop = asyncio.get_running_loop()
        await quick(pacer, call("person", where, priority=PERSON))
        for number in range(89):
            await quick(pacer, call(f"b{number}", where, priority=BATCH))
            await asyncio.sleep(1)
        began, coming = loop.time(), asyncio.create_task(persons())
        with pytest.raises(DeadlineExceeded, match="kept for persons"):
            await pacer.acquire(call("batch", where, priority=BATCH))
        assert 3600 < loop.time() - began < 7200
        coming.cancel()

    story(tell, Limit("requests", 100, MONTH, "month"), settings=TWO_HOURS)


def test_of_a_day_that_flows_back_something_is_waited_for_in_line() -> None:
    """A hundred batch calls stand in line for more than ten minutes; each waits for a few seconds of the day, and none
    is told to come again."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        for number in range(7776):
            await quick(pacer, call(f"a{number}", where))
            await asyncio.sleep(0.001)
        await quick(pacer, call("person", where, priority=PERSON))
        tasks = [asyncio.create_task(quick(pacer, call(f"b{number}", where, priority=BATCH))) for number in range(100)]
        await asyncio.gather(*tasks)
        assert asyncio.get_running_loop().time() > 900

    story(tell, Limit("requests", 8640, DAY, "day"), settings=TEN_MINUTES, provider="openai")


def test_a_person_who_uses_another_model_keeps_the_end_of_the_keys_day() -> None:
    """The limit is the key's, whatever the model."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        await quick(pacer, call("person", where, priority=PERSON, model="big"))
        assert await went(pacer, where, 25, model="small") == 17
        await quick(pacer, call("person again", where, priority=PERSON, model="big"))

    story(tell, Limit("requests", 20, DAY, "day"), settings=TEN_MINUTES)


@pytest.mark.parametrize("what", ["a restart", "the config is read again"])
def test_it_is_remembered_that_a_person_has_asked(what: str) -> None:
    """Batch does not take the end because the daemon has begun anew."""

    async def main() -> None:
        memory, day = Kept(), Limit("requests", 20, DAY, "day")
        pacer, where = new(memory), origin(day, minute_s=60.0)
        await quick(pacer, call("person", where, priority=PERSON))
        assert await went(pacer, where, 15) == 15
        if what == "a restart":
            await pacer.close()
            pacer = new(memory)
        else:
            where = origin(day, Limit("requests", 1000, 60.0, "minute"), minute_s=60.0)
        assert await went(pacer, where, 10) == 2
        await pacer.close()

    virtual_time.run(main())


def test_after_a_crash_batch_does_not_try_the_end_that_is_kept() -> None:
    """Six calls may have been counted or not; what is kept for persons is no place to find that out."""

    async def main() -> None:
        memory, where = Kept(), origin(Limit("requests", 40, DAY, "day"), minute_s=60.0)
        pacer = new(memory)
        assert await went(pacer, where, 29) == 29
        for number in range(6):
            await pacer.acquire(call(f"unanswered{number}", where, priority=BATCH))
            await asyncio.sleep(1)
        pacer = new(memory)
        await quick(pacer, call("person", where, priority=PERSON))
        assert await went(pacer, where, 20) == 0
        for number in range(4):
            await quick(pacer, call(f"person{number}", where, priority=PERSON))

    virtual_time.run(main())


def test_small_calls_do_not_stand_behind_a_large_one_that_needs_what_is_kept() -> None:
    """What they find beside the kept end is of no use to it."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        await quick(pacer, call("person", where, tokens=(50, 50), priority=PERSON), Usage(50, 50))
        await quick(pacer, call("a", where, tokens=(79_000, 10), priority=BATCH), Usage(79_000, 10))
        large = asyncio.create_task(
            pacer.acquire(call("large", where, tokens=(15_000, 10), priority=BATCH, client="x"))
        )
        await asyncio.sleep(1)
        small = asyncio.create_task(pacer.acquire(call("small", where, tokens=(50, 50), priority=BATCH, client="y")))
        await asyncio.sleep(1)
        assert small.done()
        assert not large.done()
        small.result().release()
        (await large).release()

    story(tell, Limit("tokens", 100_000, DAY, "day"), settings=TWO_HOURS)


def test_when_each_goes_for_whom_the_end_is_kept() -> None:
    """Two batch calls fit into the day, and the others are said to go when it is kept no longer, not in a minute."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        gone: dict[str, float] = {}

        async def one(name: str) -> None:
            await quick(pacer, call(name, where, priority=BATCH))
            gone[name] = EPOCH + asyncio.get_running_loop().time()

        await quick(pacer, call("person", where, priority=PERSON))
        tasks = [asyncio.create_task(one(f"b{number}")) for number in range(19)]
        await asyncio.sleep(1)
        rows = {row["id"]: row for row in pacer.queue()}
        assert "kept for persons" in rows["b18"]["waits_for"].told("en")
        assert "minute" in rows["b12"]["waits_for"].told("en")
        await asyncio.gather(*tasks)
        assert all(abs(row["eta_at"] - gone[name]) < 60 for name, row in rows.items())

    limits = Limit("requests", 20, DAY, "day"), Limit("requests", 10, 60.0, "minute")
    story(tell, *limits, settings=TWO_HOURS)


def test_when_each_goes_of_many_who_wait_for_a_day_that_flows_back() -> None:
    """Ten seconds after the one before."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        gone: dict[str, float] = {}

        async def one(name: str) -> None:
            await quick(pacer, call(name, where, priority=BATCH))
            gone[name] = EPOCH + asyncio.get_running_loop().time()

        for number in range(7785):
            await quick(pacer, call(f"a{number}", where))
            await asyncio.sleep(0.01)
        await quick(pacer, call("person", where, priority=PERSON))
        tasks = [asyncio.create_task(one(f"b{number}")) for number in range(50)]
        await asyncio.sleep(10)
        rows = {row["id"]: row for row in pacer.queue()}
        await asyncio.gather(*tasks)
        assert len(rows) > 40
        assert all(row["eta_low_at"] <= gone[name] <= row["eta_high_at"] for name, row in rows.items())

    story(tell, Limit("requests", 8640, DAY, "day"), settings=TEN_MINUTES, provider="openai")


def test_what_is_said_of_a_call_that_waits_for_something_else() -> None:
    """A normal call that backs off beside a batch call waits for no end of a day, and the pool looks at that end when
    it is kept no longer, not when the other call comes back."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        await quick(pacer, call("person", where, priority=PERSON))
        assert await went(pacer, where, 17) == 17
        batch = asyncio.create_task(pacer.acquire(call("batch", where, priority=BATCH)))
        await asyncio.sleep(1)
        permit = await pacer.acquire(call("n", where))
        finding = Finding("server_error", "server", "wait", "sure", status=500, retry_after_s=20.0)
        back = permit.refused(finding)
        permit.release()
        again = asyncio.create_task(pacer.acquire(call("n", where), back))
        await asyncio.sleep(0.2)
        rows = {row["id"]: row["waits_for"].told("en") for row in pacer.queue()}
        assert "kept for persons" in rows["batch"]
        assert "kept for persons" not in rows["n"]
        assert "in 59 min" in pacer.pools()[0]["words"].told("en")
        for task in (batch, again):
            task.cancel()

    story(tell, Limit("requests", 20, DAY, "day"), settings=TWO_HOURS)


def test_a_clock_that_jumped_back_keeps_it_no_longer() -> None:
    """An hour from now at most, whatever the clock said when the person asked."""
    wall = [EPOCH]
    day = DayCount("requests", 20, "day", "k", UTC, lambda: wall[0])
    day.take(1, 1.0, 0.0, person=True)
    wall[0] -= 7200
    assert day.kept_s() == 3600
    wall[0] += 3601
    assert day.kept_s() == 0


# The counts of a day when the config is read again


def two(limit: Limit) -> tuple[Origin, Origin]:
    """An origin with LIMIT, before and after another limit was added to it."""
    return origin(limit, minute_s=60.0), origin(limit, Limit("requests", 1000, 60.0, "minute"), minute_s=60.0)


def used(pacer: Pacer) -> float:
    """What the day's limit is said to have used."""
    (day,) = [one for one in pacer.pools()[0]["dims"] if one["period"] == "day"]
    return float(day["used"])


def test_an_answer_from_before_a_reload_does_not_write_over_the_count() -> None:
    """A stream ends after the config was read again, and a restart comes after that: no call of the day is lost."""

    async def main() -> None:
        memory = Kept()
        before, after = two(Limit("requests", 100, DAY, "day"))
        pacer = new(memory)
        await quick(pacer, call("a", before))
        stream = await pacer.acquire(call("stream", before))
        stream.answered(200, (), streamed=True)
        for number in range(60):
            await asyncio.sleep(0.1)
            await quick(pacer, call(f"b{number}", after))
        stream.settle(Usage(10, 10))
        stream.release()
        await pacer.close()
        again = new(memory)
        await quick(again, call("c", after))
        assert used(again) == 63
        await again.close()

    virtual_time.run(main())


def test_what_was_reserved_before_a_reload_comes_back_after_it() -> None:
    """Four answers were under way: each gives back what it has not taken."""

    async def main() -> None:
        before, after = two(Limit("tokens", 100_000, DAY, "day"))
        pacer = new(Kept())
        running = [await pacer.acquire(call(f"a{number}", before, tokens=(500, 19_500))) for number in range(4)]
        await asyncio.sleep(1)
        await quick(pacer, call("x", after, tokens=(10, 10)), Usage(10, 10))
        for permit in running:
            permit.answered(200, (), streamed=False)
            permit.settle(Usage(500, 500))
            permit.release()
        assert used(pacer) == 4020
        await pacer.close()

    virtual_time.run(main())


def test_a_reload_may_change_how_much_a_day_allows_and_how_it_counts() -> None:
    """The count goes on under the new amount; a limit that is there no longer writes nothing any more, so that one that
    comes again begins with what was known when it went."""

    async def main() -> None:
        memory = Kept()
        pacer = new(memory)
        less, more = (origin(Limit("requests", amount, DAY, "day"), minute_s=60.0) for amount in (3, 5))
        for number in range(3):
            await quick(pacer, call(f"a{number}", less))
        with pytest.raises(DeadlineExceeded):
            await pacer.acquire(call("b", less))
        stream = await pacer.acquire(call("stream", more))
        assert used(pacer) == 4
        none = origin(minute_s=60.0)
        await quick(pacer, call("c", none))
        known = dict(memory.values)
        stream.answered(200, (), streamed=True)
        stream.release()
        assert memory.values == known
        await pacer.close()

    virtual_time.run(main())


def test_of_two_limits_for_the_same_the_smaller_one_binds() -> None:
    """Both name the model, by different patterns; they would be remembered in one place."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        for number in range(2):
            await quick(pacer, call(f"a{number}", where))
        with pytest.raises(DeadlineExceeded):
            await pacer.acquire(call("b", where))
        assert used(pacer) == 2

    limits = [Limit("requests", amount, DAY, "day", models=(name,)) for amount, name in ((9, "m*"), (2, "m"), (5, "?"))]
    story(tell, *limits, settings=TEN_MINUTES)
