"""What permits report, and who moves by it."""

import asyncio

import pytest
import virtual_time
from kept import Kept
from world import call, origin

from daemon.model import Dimension, Finding, Limit, Reading
from daemon.pacing import Blocked, Pacer, Permit

TWO = origin(Limit("requests", 2, 60.0, "minute"), minute_s=60.0)
ONE_AT_A_TIME = origin(Limit("concurrency", 1))
NO_CREDIT = Finding(
    subtype="insufficient_quota", family="quota", retry="never", confidence="sure", provider="openai", status=429,
    model=None, rule="test", evidence=(), original="",
)  # fmt: skip


async def one_waits() -> tuple[Pacer, Permit, asyncio.Task[Permit]]:
    """A pacer, the permit of a call that is under way, and another call that waits for its slot."""
    pacer = Pacer(clock=asyncio.get_running_loop().time)
    first = await pacer.acquire(call("first", ONE_AT_A_TIME))
    waits = asyncio.create_task(pacer.acquire(call("waits", ONE_AT_A_TIME)))
    await asyncio.sleep(0)
    return pacer, first, waits


def test_charges_are_dated_by_when_the_bytes_have_gone() -> None:
    """A connection took five seconds to be made: the limit is full until a minute after that."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        begun = loop.time()
        for name in ("a", "b"):
            permit = await pacer.acquire(call(name, TWO))
            await asyncio.sleep(5 if name == "a" else 0.001)
            permit.left()
            permit.left()
            permit.answered(200, (), streamed=False)
            permit.left()
            permit.release()
        await pacer.acquire(call("c", TWO))
        assert 65 <= loop.time() - begun < 67
        await pacer.close()

    virtual_time.run(main())


def test_a_call_whose_client_left_holds_up_no_uncertain_ones() -> None:
    """After a crash it is not known whether half a day was counted, and that is tried one at a time. The first of these
    ends without an answer: the next one goes all the same."""

    async def main() -> None:
        loop, memory = asyncio.get_running_loop(), Kept()
        where = origin(Limit("requests", 20, 86_400.0, "day"), minute_s=60.0)
        for count in (20, 3):
            pacer = Pacer(clock=loop.time, wall=lambda: 1.7e9 + loop.time(), memory=memory)
            for i in range(count):
                permit = await pacer.acquire(call(f"{count} {i}", where))
                if count == 3:
                    permit.release()
        assert loop.time() - 1000 < 60
        await pacer.close()

    virtual_time.run(main())


def test_whoever_waits_goes_when_a_slot_comes_back() -> None:
    """The end of a call is reported once, and the next one has its permit in the same instant."""

    async def main() -> None:
        pacer, first, waits = await one_waits()
        first.answered(200, (), streamed=False)
        assert len(pacer.queue()) == 1
        first.release()
        first.release()
        assert pacer.queue() == []
        assert pacer.pools()[0]["in_flight"] == 1
        (await waits).release()
        assert pacer.pools()[0]["in_flight"] == 0
        await pacer.close()

    virtual_time.run(main())


def test_a_refusal_that_a_person_must_mend_turns_away_all_who_wait() -> None:
    """No credit: whoever waits for the key is told so with what was found, instead of waiting for nothing."""

    async def main() -> None:
        pacer, first, waits = await one_waits()
        assert first.refused(NO_CREDIT) is None
        found = (await asyncio.gather(waits, return_exceptions=True))[0]
        assert isinstance(found, Blocked)
        assert found.finding is NO_CREDIT
        first.release()
        await pacer.close()

    virtual_time.run(main())


@pytest.mark.parametrize(
    ("readings", "after_s", "limits", "little"),
    [
        ([("requests", 10_000, 9_990), ("tokens", 1_000_000, 999_000)], 0.05, (), True),
        ([("requests", 10_000, 9_990)], 0.05, (), True),
        ([], 0.05, (), False),  # nothing is known: an answer may say that nothing is left
        ([("requests", 10_000, 9_990)], 1.0, (), False),  # said too long ago
        ([("requests", 10_000, 5_000)], 0.05, (), False),
        ([("requests", 60, 60)], 0.05, (), False),
        ([("requests", 10_000, 9_990), ("tokens", 30_000, 30_000)], 0.05, (), False),  # one answer may take it all
        ([("requests", 10_000, 9_990)], 0.05, (Limit("tokens", 1_000_000, 60.0, "minute"),), False),  # only stated
        ([("requests", 10_000, 9_990)], 0.05, (Limit("requests", 10_000, None, "day"),), False),
    ],
)
def test_when_an_answer_teaches_little(
    readings: list[tuple[Dimension, int, int]], after_s: float, limits: tuple[Limit, ...], little: bool
) -> None:
    """Only where of all that is known of limits so much was left a moment ago that one answer does not matter: then
    what it says and gives back can be booked a moment later."""

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)
        permit = await pacer.acquire(call("first", origin(*limits, minute_s=60.0)))
        permit.answered(200, [Reading(*said, 1.0) for said in readings], streamed=False)
        await asyncio.sleep(after_s)
        assert permit.quiet() == little
        permit.release()
        await pacer.close()

    virtual_time.run(main())
