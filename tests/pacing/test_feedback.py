"""What the end of an attempt teaches."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest
from world import call, story

from daemon.model import Ask, Finding, Limit, Origin, Priority, Reading, TransportFault, Usage
from daemon.pacing import Pacer
from daemon.phrases import told

CREDIT = Finding("insufficient_quota", "quota", "never", "sure", status=429)


def dim(pacer: Pacer, dimension: str) -> dict[str, float]:
    found: dict[str, float] = next(d for d in pacer.pools()[0]["dims"] if d["dimension"] == dimension)
    return found


def test_headers_of_an_answer_set_limits() -> None:
    """Requests, input and output tokens each get their own ledger; concurrency is a ceiling of slots."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where, tokens=(100, 50)))
        readings = (
            Reading("requests", 50, 49, 1.0, 60.0), Reading("input_tokens", 10_000, 9_000, 6.0, 60.0),
            Reading("output_tokens", 4_000, 4_000, 0.0, 60.0), Reading("concurrency", 7, 6),
        )  # fmt: skip
        permit.answered(200, readings, streamed=True)
        permit.release()
        assert dim(pacer, "requests")["limit"] == 50
        assert dim(pacer, "input_tokens")["remaining"] == pytest.approx(9_000, abs=30)
        assert dim(pacer, "output_tokens")["limit"] == 4_000
        assert pacer.pools()[0]["in_flight_limit"] == 7

    story(tell)


def test_a_stated_limit_a_minute_lets_so_many_run_at_once() -> None:
    """Answers that take long must be under way together, or the limit is not used."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        assert pacer.pools() == []
        permit = await pacer.acquire(call("x", where))
        assert pacer.pools()[0]["in_flight_limit"] == 64
        permit.answered(200, (Reading("requests", 500, 499, 1.0, 60.0),), streamed=True)
        permit.release()
        assert pacer.pools()[0]["in_flight_limit"] == 500

    story(tell)


def test_how_long_answers_are_counts_for_those_that_wait() -> None:
    """They came when nothing was known, and a thousand tokens were reserved for each: three answers of ten tokens let
    all of them go. A call that sets its maximum keeps it."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        open_ended = [replace(call(f"c{n}", where, tokens=(100, 1024)), ask=Ask("chat", "m")) for n in range(10)]
        bound = call("bound", where, tokens=(100, 1024))
        permits = [await pacer.acquire(one) for one in open_ended[:3]]
        waiting = [asyncio.create_task(pacer.acquire(one)) for one in (*open_ended[3:], bound)]
        await asyncio.sleep(0)
        assert len(pacer.queue()) == 8
        for permit in permits:
            permit.answered(200, (), streamed=True)
            permit.settle(Usage(100, 10))
            permit.release()
        loop, wall = asyncio.get_running_loop(), 1.7e9
        assert [row["id"] for row in pacer.queue() if row["eta_at"] > wall + loop.time() + 10.0] == []
        await asyncio.sleep(5.0)
        assert all(task.done() for task in waiting)
        gone = [await task for task in waiting]
        spent = {
            permit.call.id: charge.amount for permit in gone for led, charge in permit.charges if led.ceiling == 3_600
        }
        del spent["c3"]  # it went with the first answer; three are needed
        assert spent == {**{f"c{n}": 110.0 for n in range(4, 10)}, "bound": 1124.0}
        gone[2].settle(Usage(60, 4))  # of the prompt what was charged at the door stays charged
        assert [charge.amount for led, charge in gone[2].charges if led.ceiling == 3_600] == [104.0]

    story(tell, Limit("tokens", 3_600, 60.0, "minute"))


def test_an_answer_that_is_no_success_waits_for_its_finding() -> None:
    """`answered` with 429 moves nothing: `refused` follows."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where))
        permit.answered(429, (Reading("requests", 10, 0, 6.0),), streamed=False)
        assert not pacer.pools()[0]["dims"]
        setback = permit.refused(
            Finding("requests", "rate", "wait", status=429, dimension="requests", retry_after_s=6.0),
            (Reading("requests", 10, 0, 6.0),),
        )
        assert setback is not None
        assert dim(pacer, "requests")["remaining"] == 0

    story(tell)


def test_headers_alone_are_no_success() -> None:
    """An error may hide behind a 200. What the headers say of limits counts at once; that the key works again, and that
    a row of refusals is over, only when the answer is known to be one."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        first = await pacer.acquire(call("a", where))
        first.refused(CREDIT)
        first.release()
        probe = await pacer.acquire(call("b", where, priority=Priority.INTERACTIVE))
        beside = asyncio.create_task(pacer.acquire(call("c", where, priority=Priority.INTERACTIVE)))
        probe.tally.rate = 2
        probe.answered(200, (Reading("requests", 50, 49, 1.0, 60.0),), streamed=True, sure=False)
        await asyncio.sleep(0)
        assert not beside.done()
        assert probe.tally.rate == 2
        assert dim(pacer, "requests")["limit"] == 50
        probe.answered(200, (), streamed=True)
        await asyncio.sleep(0)
        assert beside.done()
        assert probe.tally.rate == 0

    story(tell)


@pytest.mark.parametrize(
    ("fault", "sent", "resend", "again"),
    [
        ("refused", False, False, True),
        ("dns", False, False, True),
        ("offline", False, False, True),
        ("connect_timeout", False, False, True),
        ("reset", True, False, False),
        ("first_byte_timeout", True, False, False),
        ("reset", False, False, True),
        ("bad_answer", False, False, True),
        ("bad_answer", True, False, False),
        ("reset", True, True, True),
    ],
)
def test_what_may_have_been_paid_for_is_not_sent_twice(
    fault: TransportFault, sent: bool, resend: bool, again: bool
) -> None:
    """Unless the origin's setting says so; what was never sent gives its charge back."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where))
        setback = permit.lost(fault, sent)
        permit.release()
        assert (setback is not None) is again
        assert dim(pacer, "requests")["used_by_us"] == (1 if sent else 0)

    story(tell, Limit("requests", 10, 60.0, "minute"), resend_after_reset=resend)


def offline(pacer: Pacer, where: Origin, **more: object) -> Awaitable[tuple[int, float]]:
    """Lose a call for want of a network until it is given up: how often it was tried, and how long that took."""

    async def lose() -> tuple[int, float]:
        began, tries, setback = asyncio.get_running_loop().time(), 0, None
        while tries == 0 or setback is not None:
            permit = await pacer.acquire(call("x", where, **more), setback)  # type: ignore[arg-type]
            tries += 1
            setback = permit.lost("offline", False)
            permit.release()
        return tries, asyncio.get_running_loop().time() - began

    return lose()


@pytest.mark.parametrize(
    ("more", "longest"),
    [({}, 600.0), ({"priority": Priority.INTERACTIVE}, 90.0), ({"deadline_s": 40.0}, 40.0)],
    ids=["normal", "interactive", "with a deadline"],
)
def test_without_a_network_nothing_is_counted(more: dict[str, object], longest: float) -> None:
    """The call looks again from time to time, as long as it may wait: far more often than `tries`, not in a hurry."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        tries, took = await offline(pacer, where, **more)
        assert pacer.settings.tries < tries < longest
        assert took == pytest.approx(longest, abs=0.2)
        assert dim(pacer, "requests")["used_by_us"] == 0

    story(tell, Limit("requests", 10, 60.0, "minute"))


def test_the_network_comes_and_goes() -> None:
    """Each time that it is gone begins anew, and the tries of a broken provider are counted as if it had never been."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        faults: list[TransportFault] = [
            "refused",
            *["offline"] * 20,
            "refused",
            *["offline"] * 20,
            "refused",
            "refused",
        ]
        setback = None
        for number, fault in enumerate(faults, 1):
            permit = await pacer.acquire(call("x", where), setback)
            setback = permit.lost(fault, False)
            permit.release()
            assert (setback is None) is (number == len(faults)), number

    story(tell)


def test_status_says_that_there_is_no_network() -> None:
    """The row of the call and the sentence of its pool, in the language of the person."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where))
        setback = permit.lost("offline", False)
        permit.release()
        task = asyncio.create_task(pacer.acquire(call("x", where), setback))
        await asyncio.sleep(0)
        (row,), (pool,) = pacer.queue(), pacer.pools()
        assert row["waits_for"] == f"the network: there is no way to {where.host} just now"
        assert pool["words"] == f"waits for {row['waits_for']}"
        assert "네트워크" in told(pool, "ko")["words"]
        assert "网络" in told(row, "zh")["waits_for"]
        await task

    story(tell)


def test_a_refused_call_counts_as_a_request_where_the_provider_says_so() -> None:
    """OpenAI counts failed requests, others do not."""
    refusal = Finding("tokens", "rate", "wait", status=429, dimension="tokens", retry_after_s=1.0)
    for provider, used in (("openai", 1), ("anthropic", 0)):

        async def tell(pacer: Pacer, where: Origin, used: int = used) -> None:
            permit = await pacer.acquire(call("x", where, tokens=(10, 10)))
            permit.refused(refusal)
            permit.release()
            assert dim(pacer, "requests")["used_by_us"] == used

        story(tell, Limit("requests", 10, 60.0, "minute"), provider=provider)


def test_cached_input_is_free_where_the_provider_says_so() -> None:
    """Anthropic's input limit does not count what was read from the cache. Nor may more than reserved go unseen."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where, tokens=(100, 0)))
        permit.answered(200, (), streamed=False)
        permit.settle(Usage(input=5_000, output=0, cached_input=4_000))
        permit.release()
        assert dim(pacer, "input_tokens")["used_by_us"] == 1_000

    story(tell, Limit("input_tokens", 10_000, 60.0, "minute"), provider="anthropic")


def test_a_permit_without_settlement_keeps_its_charge() -> None:
    """A client that left in mid-stream has cost what was reserved."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where, tokens=(100, 50)))
        permit.release()
        assert dim(pacer, "tokens")["used_by_us"] == 150
        assert pacer.pools()[0]["in_flight"] == 0

    story(tell, Limit("tokens", 10_000, 60.0, "minute"))
