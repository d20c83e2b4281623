"""Refusals that are worth another try."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import virtual_time
from world import call, origin

from daemon.errors import DeadlineExceeded
from daemon.model import Call, Finding, Limit, Origin, Priority, Reading
from daemon.pacing import Pacer, Permit
from daemon.pacing.limits import own_limits, shared_limits
from daemon.pacing.pool import Limits, Pool
from daemon.pacing.refusals import Refusals
from daemon.pacing.settings import PacingSettings

RATE = Finding(
    "requests", "rate", "wait", "sure", status=429, dimension="requests", window="minute", retry_after_s=20.0
)
BARE = Finding("unknown", "unknown", "unknown", status=429)


def story(tell: Callable[[Pacer, Origin], Awaitable[None]], *limits: Limit, **more: object) -> None:
    """Run one story in virtual time, in a world of true minutes."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        await tell(pacer, origin(*limits, minute_s=60.0, **more))  # type: ignore[arg-type]
        await pacer.close()

    virtual_time.run(main())


def test_a_rate_refusal_waits_as_told_and_comes_back_first() -> None:
    """Nobody goes meanwhile; the refused call goes before those that came after it, at the told time."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        loop, order = asyncio.get_running_loop(), []
        permit = await pacer.acquire(call("first", where))
        setback = permit.refused(RATE)
        permit.release()
        assert setback is not None
        assert setback.kind == "rate"
        assert 20 <= setback.wait_s <= 21.1

        async def go(name: str, back: object = None) -> None:
            await pacer.acquire(call(name, where), back)  # type: ignore[arg-type]
            order.append((name, loop.time() - 1000))

        await asyncio.gather(go("second"), go("third"), go("first", setback))
        assert [name for name, _ in order] == ["first", "second", "third"]
        assert all(20 <= at < 22 for _, at in order)

    story(tell, Limit("requests", 60, 60.0, "minute"))


def test_attempts_count_up_and_waiting_counts_from_the_beginning() -> None:
    """For people and for the journal."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where))
        setback = permit.refused(RATE)
        permit.release()
        again = await pacer.acquire(call("x", where), setback)
        assert (permit.attempt, again.attempt) == (1, 2)
        assert again.waited_s >= 20

    story(tell)


async def until_given_up(pacer: Pacer, where: Origin, finding: Finding, **more: object) -> tuple[int, float]:
    """Refuse one call again and again; return the attempts and the time until it is given up."""
    loop, setback, attempts = asyncio.get_running_loop(), None, 0
    began = loop.time()
    while True:
        permit: Permit = await pacer.acquire(call("x", where, **more), setback)  # type: ignore[arg-type]
        attempts += 1
        setback = permit.refused(finding)
        permit.release()
        if setback is None:
            return attempts, loop.time() - began


def test_rate_refusals_are_borne_longer_than_a_period_and_not_for_ever() -> None:
    """A minute's limit that does not open within a minute and a quarter is something else."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        attempts, lasted = await until_given_up(pacer, where, RATE)
        assert 5 <= attempts <= 8
        assert lasted > 75

    story(tell)


def test_refusals_that_say_nothing_are_tried_with_growing_pauses() -> None:
    """Polite: a handful of tries in more than a minute."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        attempts, lasted = await until_given_up(pacer, where, BARE)
        assert 4 <= attempts <= 10
        assert lasted > 60

    story(tell)


@pytest.mark.parametrize(
    "finding",
    [
        Finding("insufficient_quota", "quota", "never", status=429),
        Finding("request_too_large", "request", "change", status=429),
        Finding("invalid_api_key", "access", "never", status=401),
        Finding("requests", "rate", "wait", status=429, dimension="requests", window="day", retry_after_s=40_000.0),
        Finding("requests", "rate", "wait", status=429, dimension="requests", window="minute", retry_after_s=4_000.0),
        Finding("rate_unspecified", "rate", "wait", status=429, retry_after_s=208_800.0),
        Finding("unknown", "unknown", "unknown", status=429, retry_after_s=208_800.0),
        Finding("unknown", "unknown", "change", status=400),
    ],
)
def test_what_waiting_does_not_clear_is_never_sent_again(finding: Finding) -> None:
    """One attempt, and the provider's own error."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        assert (await until_given_up(pacer, where, finding))[0] == 1

    story(tell)


def test_a_wait_beyond_the_deadline_is_given_up_at_once() -> None:
    """The caller learns the truth now, not at its deadline."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        assert (await until_given_up(pacer, where, RATE, deadline_s=10.0)) == (1, 0.0)

    story(tell)


def test_an_interactive_call_is_not_held_as_long_as_a_batch() -> None:
    """A hint of two minutes: an editor gets the error, a batch waits."""
    slow = Finding("requests", "rate", "wait", status=429, dimension="requests", retry_after_s=120.0)

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("i", where, priority=Priority.INTERACTIVE))
        assert permit.refused(slow) is None
        permit.release()
        permit = await pacer.acquire(call("b", where, priority=Priority.BATCH, key="key:b"))
        assert permit.refused(slow) is not None
        permit.release()

    story(tell)


def test_overload_backs_off_and_ends_after_three_resends() -> None:
    """Full jitter, within the budget; other calls are not held."""
    busy = Finding("overloaded", "capacity", "wait", status=529)

    async def tell(pacer: Pacer, where: Origin) -> None:
        attempts, lasted = await until_given_up(pacer, where, busy)
        assert attempts == 4
        assert lasted <= 1 + 2 + 4 + 1
        permit = await pacer.acquire(call("other", where))
        assert permit.waited_s <= 0.2

    story(tell)


@pytest.mark.parametrize("tries", [1, 2, 5])
@pytest.mark.parametrize("lost", [False, True])
def test_a_call_is_sent_as_often_as_the_setting_says(tries: int, lost: bool) -> None:
    """And not once more: with 1 nothing is sent again, be the provider overloaded or not reached."""
    busy = Finding("overloaded", "capacity", "wait", status=529)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(PacingSettings(tries=tries), clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        setback, attempts = None, 0
        while attempts == 0 or setback is not None:
            permit = await pacer.acquire(call("x", origin()), setback)
            attempts += 1
            setback = permit.lost("refused", False) if lost else permit.refused(busy)
            permit.release()
        assert attempts == tries
        await pacer.close()

    virtual_time.run(main())


def resent(share: float, sent: int, later_s: float) -> int:
    """How many of 40 calls that fail are sent again, LATER_S seconds after SENT others have gone. Each has failed once
    before, and between any two of them one is let through: it is no outage."""

    async def main() -> int:
        loop = asyncio.get_running_loop()
        pacer = Pacer(PacingSettings(budget_share=share), clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        where = origin(minute_s=60.0)
        permits = [await pacer.acquire(call(f"c{i}", where)) for i in range(sent)]
        for permit in permits:
            permit.release()
        await asyncio.sleep(later_s)
        permits = [await pacer.acquire(call(f"d{i}", where)) for i in range(40)]
        again = 0
        for permit in permits:
            permit.tally.network = 1
            again += permit.lost("refused", False) is not None
            permit.place[1].outage.passed(loop.time() + 1)
            permit.release()
        await pacer.close()
        return again

    return virtual_time.run(main())


def test_resends_are_a_part_of_the_calls_of_two_minutes() -> None:
    """Half of what went within two minutes may be sent again; what went before that counts no more. A share of 0 allows
    none at all."""
    assert resent(0.5, 20, 0.0) == 30
    assert resent(0.5, 20, 100.0) == 30
    assert resent(0.5, 20, 130.0) == 20
    assert resent(0.0, 20, 0.0) == 0


@pytest.mark.parametrize(("share", "again"), [(0.2, 40), (0.0, 0)])
def test_the_first_failure_of_a_call_that_did_not_arrive_is_not_its_last(share: float, again: int) -> None:
    """Forty calls are under way when a server restarts: nobody has had work with them, so all go again, one
    at a time at first. A share of 0 allows none at all."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(PacingSettings(budget_share=share), clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        permits = [await pacer.acquire(call(f"c{i}", origin(minute_s=60.0))) for i in range(40)]
        assert sum(permit.lost("refused", False) is not None for permit in permits) == again
        for permit in permits:
            permit.release()
        await pacer.close()

    virtual_time.run(main())


def test_too_many_at_once_lowers_the_number_in_flight() -> None:
    """Once per round trip, however many calls were refused."""
    many = Finding("concurrency", "rate", "wait", status=429)

    async def tell(pacer: Pacer, where: Origin) -> None:
        permits = [await pacer.acquire(call(f"c{i}", where)) for i in range(4)]
        for permit in permits:
            assert permit.refused(many) is not None
            permit.release()
        assert pacer.pools()[0]["in_flight_limit"] in (2, 3)

    story(tell)


@pytest.mark.parametrize(("priority", "most_s"), [(Priority.BATCH, 600.0), (Priority.INTERACTIVE, 90.0)])
def test_too_many_at_once_without_end_is_given_up_in_the_end(priority: Priority, most_s: float) -> None:
    """A provider that says so to every call is not asked for ever: after `queue.max_wait` its own error is told."""
    many = Finding("concurrency", "rate", "wait", status=429)

    async def tell(pacer: Pacer, where: Origin) -> None:
        attempts, lasted = await until_given_up(pacer, where, many, priority=priority)
        assert 0.8 * most_s <= lasted <= most_s
        assert attempts <= most_s

    story(tell)


KNOWN = (Reading("requests", 500, 450, 6.0),)


@pytest.mark.parametrize("readings", [KNOWN, ()])
def test_a_wait_that_is_longer_than_anybody_s_is_found_out_by_one_call(readings: tuple[Reading, ...]) -> None:
    """Whether the limit is known or not: the provider says `in two hours` once, and who waits or comes later is told
    so. (With a known limit each was sent; with an unknown one each hung for two hours.) After ten minutes one call
    looks, and when that is let through, so are all."""
    long = Finding("rate_unspecified", "rate", "wait", "sure", status=429, retry_after_s=7200.0)

    async def tell(pacer: Pacer, where: Origin) -> None:
        loop, sent = asyncio.get_running_loop(), 0
        open_again = False

        async def go(name: str, priority: Priority = Priority.NORMAL) -> str:
            nonlocal sent
            setback = None
            while True:
                try:
                    permit = await pacer.acquire(call(name, where, priority=priority), setback)
                except DeadlineExceeded as late:
                    return "told" if late.facts["retry_after_s"] > 3600 else "told wrongly"
                sent += 1
                await asyncio.sleep(0.05)
                if open_again:
                    permit.answered(200, readings, streamed=False)
                else:
                    setback = permit.refused(long, readings)
                permit.release()
                if setback is None:
                    return "answered" if open_again else "refused"

        first = await pacer.acquire(call("first", where))
        first.answered(200, readings, streamed=False)
        first.release()
        ends = await asyncio.gather(*(go(f"c{i}") for i in range(100)))
        assert set(ends) == {"refused", "told"}
        assert sent <= 8, "those that were under way together"
        assert {await go("later"), await go("person", Priority.INTERACTIVE)} == {"told"}
        sent = 0
        await asyncio.sleep(600)
        ends = await asyncio.gather(*(go(f"d{i}") for i in range(20)))
        assert sent == 1
        assert sorted(set(ends)) == ["refused", "told"]
        open_again = True
        await asyncio.sleep(601)
        assert await go("look") == "answered"
        assert await asyncio.gather(*(go(f"e{i}") for i in range(2))) == ["answered"] * 2
        assert loop.time() - 1000 < 1400

    story(tell)


def test_what_a_look_is_told_counts_be_it_less() -> None:
    """First two hours, ten minutes later half a minute: who comes then waits so long."""
    long = Finding("rate_unspecified", "rate", "wait", "sure", status=429, retry_after_s=7200.0)

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where))
        assert permit.refused(long) is None
        permit.release()
        await asyncio.sleep(601)
        permit = await pacer.acquire(call("look", where))
        setback = permit.refused(replace(long, retry_after_s=30.0))
        permit.release()
        assert setback is not None
        assert 30 <= setback.wait_s <= 32
        assert (await pacer.acquire(call("look", where), setback)).waited_s <= 32

    story(tell)


DAY = Finding("requests", "rate", "wait", "sure", status=429, dimension="requests", window="day")
HERE_S = (1.7e9 + 1000) % 86_400
"""So long the day has lasted when a story begins."""


async def fate(pacer: Pacer, one: Call, finding: Finding | None = None) -> str:
    """What becomes of ONE call: `ok`, or refused by the provider with FINDING, or told so without being sent."""
    try:
        permit = await pacer.acquire(one)
    except DeadlineExceeded:
        return "told"
    if finding is None:
        permit.answered(200, (), streamed=False)
        permit.release()
        return "ok"
    assert permit.refused(finding) is None
    permit.release()
    return "refused"


def test_a_used_up_day_is_found_out_by_one_call() -> None:
    """Nobody has configured it, and no header says it: one refusal is enough for all that wait and come. Every ten
    minutes one call looks; when the provider's day ends, all may go. Another model is not concerned."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        loop = asyncio.get_running_loop()
        assert await fate(pacer, call("first", where), DAY) == "refused"
        assert {await fate(pacer, call(f"c{i}", where), DAY) for i in range(20)} == {"told"}
        assert await fate(pacer, call("other", where, model="n")) == "ok"
        await asyncio.sleep(601)
        assert [await fate(pacer, call(f"d{i}", where), DAY) for i in range(3)] == ["refused", "told", "told"]
        await asyncio.sleep(86_400 - HERE_S - (loop.time() - 1000) - 1000)
        assert await fate(pacer, call("look", where), DAY) == "refused"
        await asyncio.sleep(0.05 * 86_400)
        assert [await fate(pacer, call(f"e{i}", where)) for i in range(3)] == ["ok"] * 3

    story(tell)


def test_a_day_that_is_not_used_up_after_all_is_found_out_by_a_look() -> None:
    """The provider was asked for more, or counts otherwise: the first call that is let through opens it for all."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        await fate(pacer, call("first", where), DAY)
        await asyncio.sleep(601)
        assert [await fate(pacer, call(f"d{i}", where)) for i in range(3)] == ["ok"] * 3

    story(tell)
    story(tell, Limit("requests", 100, 86_400.0, "day"))


def test_those_in_line_are_told_when_the_day_is_used_up() -> None:
    """They do not wait for tomorrow, and are not sent."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permits = [await pacer.acquire(call(f"c{i}", where)) for i in range(2)]
        line = [asyncio.create_task(fate(pacer, call(f"d{i}", where), DAY)) for i in range(20)]
        await asyncio.sleep(1)
        permits[0].refused(DAY)
        permits[0].release()
        permits[1].release()
        assert set(await asyncio.gather(*line)) == {"told"}

    story(tell, Limit("concurrency", 2))


@pytest.mark.parametrize(
    "limit", [Limit("requests", 10_000, 30 * 86_400.0, "month"), Limit("tokens", 5e6, 86_400.0, "day")]
)
def test_a_day_s_refusal_shuts_no_counter_of_something_else(limit: Limit) -> None:
    """Nor one of another size that all models share: tomorrow all may go, and today another model."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        finding = replace(DAY, limit=200.0)
        assert await fate(pacer, call("first", where, tokens=(10, 10)), finding) == "refused"
        assert await fate(pacer, call("more", where, tokens=(10, 10))) == "told"
        assert await fate(pacer, call("other", where, tokens=(10, 10), model="n")) == "ok"
        await asyncio.sleep(1.1 * 86_400)
        assert await fate(pacer, call("late", where, tokens=(10, 10))) == "ok"

    story(tell, limit, Limit("requests", 500, 86_400.0, "day"))


@pytest.mark.parametrize("provider", ["openai", "openai-compatible"])
def test_a_short_wait_that_is_named_for_a_day_is_all_that_is_waited(provider: str) -> None:
    """Its day ends sooner than ours, or flows back: the user's counter is not shut until midnight."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where))
        setback = permit.refused(replace(DAY, retry_after_s=30.0))
        permit.release()
        assert setback is not None
        assert 30 <= (await pacer.acquire(call("x", where), setback)).waited_s <= 33
        assert (await pacer.acquire(call("y", where))).waited_s <= 1

    story(tell, Limit("requests", 500, 86_400.0, "day"), provider=provider)


def test_when_a_day_opens_of_which_no_wait_is_named() -> None:
    """At the instant that is named, or by how the provider counts."""
    where = origin(provider="openai")
    pool = Pool(call("x", where).scope, where, shared_limits(where, "k", lambda: 0.0, None), Limits(), PacingSettings())
    refusals = Refusals(PacingSettings(), random.Random(1), lambda: 86_400.0 * 3 - 100)
    assert refusals._resets_in_s(pool, replace(DAY, reset_at=86_400.0 * 3), "day") == 100
    assert refusals._resets_in_s(pool, replace(DAY, limit=10_000.0), "day") == 8.64
    assert refusals._resets_in_s(pool, DAY, "day") == 100
    assert refusals._resets_in_s(pool, DAY, "month") == 100 + 28 * 86_400


def test_a_call_is_not_given_up_while_others_come_through() -> None:
    """Unlucky is not hopeless: who is refused for minutes beside calls that are let through, waits on."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        setback = None
        for attempt in range(12):
            permit = await pacer.acquire(call("unlucky", where), setback)
            setback = permit.refused(RATE)
            permit.release()
            assert setback is not None, f"attempt {attempt}"
            other = await pacer.acquire(call(f"lucky{attempt}", where))
            other.answered(200, (), streamed=False)
            other.release()

    story(tell)


def test_the_wait_that_google_prints_beside_a_day_limit_is_not_believed() -> None:
    """Seconds are named, but the quota comes back at midnight: the call is answered instead of being sent for nothing.
    Another provider's short wait for a day limit is a bucket's, and is waited out."""
    told = {"status": 429, "dimension": "requests", "window": "day", "retry_after_s": 8.0}

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where))
        assert permit.refused(Finding("requests", "rate", "wait", provider="gemini", **told)) is None  # type: ignore[arg-type]
        permit.release()
        permit = await pacer.acquire(call("y", where, key="key:b"))
        assert permit.refused(Finding("requests", "rate", "wait", provider="openai", **told)) is not None  # type: ignore[arg-type]

    story(tell)


def test_a_message_with_figures_teaches_the_limit() -> None:
    """Limit, Used, Requested: the limit binds from now on, and our estimate moves towards what was requested."""
    told = Finding(
        "tokens", "rate", "wait", status=429, dimension="tokens", window="minute", limit=1000, used=900, requested=300,
        retry_after_s=12.0,
    )  # fmt: skip

    async def tell(pacer: Pacer, where: Origin) -> None:
        permit = await pacer.acquire(call("x", where, tokens=(100, 50)))
        assert permit.refused(told) is not None
        permit.release()
        tokens = next(d for d in pacer.pools()[0]["dims"] if d["dimension"] == "tokens")
        assert tokens["limit"] == 1000
        assert tokens["remaining"] == pytest.approx(100)

    story(tell)


@pytest.mark.parametrize("hint", [20.0, None])
def test_a_limit_of_which_the_call_takes_nothing_by_our_count(hint: float | None) -> None:
    """A refusal for tokens of a call whose tokens we cannot see: the limit's hold would let it go at once, again and
    again. It waits all the same."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        loop, setback, start = asyncio.get_running_loop(), None, 1000.0
        tokens = replace(RATE, subtype="tokens", dimension="tokens", retry_after_s=hint)
        for _ in range(4):
            permit = await pacer.acquire(call("x", where), setback)
            setback = permit.refused(tokens)
            permit.release()
            if setback is None:
                break
            assert setback.ready_at >= loop.time() + (hint or 0.001)
        assert loop.time() - start >= (60.0 if hint else 1.0)

    story(tell)


def test_a_guess_belongs_to_its_limit() -> None:
    """One of the key is guessed once for all its models, one of a model for that alone; both go with their limits."""
    where = origin(Limit("requests", 100, 60.0, "minute"))
    one = call("x", where)
    shared = shared_limits(where, "k", lambda: 0.0, None)
    own = [own_limits(where, one.scope, model, lambda: 0.0, None) for model in "ab"]
    pools = [Pool(one.scope, where, shared, mine, PacingSettings()) for mine in own]
    refusals = Refusals(PacingSettings(), random.Random(1))
    (common,) = shared.ledgers.values()
    alone = pools[0].ledger_for(Reading("requests"))
    permit = Permit(one, 1, 0.0, None)  # type: ignore[arg-type]
    for ledger in (common, alone):
        refusals._unknown_wait(pools[0], ledger, permit, 1.0, None, 1.0)
    assert [pool.guess_of(common) is shared.guesses[common] for pool in pools] == [True, True]
    assert [pool.guess_of(alone) is not None for pool in pools] == [True, False]


def test_who_comes_again_at_the_told_time_is_not_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """By our own sum a minute passes; a person who does not wait for that is told 20 s, and comes again then: he lines
    up, as for any limit of a minute."""
    monkeypatch.setattr(Refusals, "_wait_s", lambda *given, **more: 61.0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(PacingSettings(max_wait_interactive_s=5.0), clock=loop.time, wall=lambda: 1.7e9 + loop.time())
        where = origin(minute_s=60.0)
        permit = await pacer.acquire(call("c1", where, priority=Priority.INTERACTIVE))
        assert permit.refused(replace(RATE, limit=2.0, used=2.0, requested=1.0)) is None
        permit.release()
        await asyncio.sleep(20.05)
        again = await pacer.acquire(call("c2", where, priority=Priority.INTERACTIVE))
        again.release()
        await pacer.close()

    virtual_time.run(main())
