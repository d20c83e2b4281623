"""What is refused before it waits."""

import asyncio

import pytest
import virtual_time
from world import MINUTE, Job, Provider, World, call, origin, story

from daemon.errors import DeadlineExceeded, QueueFull, TooLarge
from daemon.model import Limit, Origin, Priority, Reading, Usage
from daemon.pacing import Pacer, PacingSettings

TEN_MINUTES = PacingSettings(max_wait_s=600.0)


def acquire(where: Origin, *, used: int = 0, settings: PacingSettings | None = None, **more: object) -> None:
    """Ask for one call after USED others have gone."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(settings, clock=loop.time, wall=lambda: 1.7e9)
        for i in range(used):
            (await pacer.acquire(call(f"u{i}", where))).answered(200, (), streamed=False)
        (await pacer.acquire(call("x", where, **more))).release()  # type: ignore[arg-type]
        await pacer.close()

    virtual_time.run(main())


def test_a_prompt_larger_than_its_limit_is_refused_with_its_figures() -> None:
    """It can never fit: what it needs and what the limit is, at once."""
    where = origin(Limit("tokens", 30_000, 60.0, "minute"))
    with pytest.raises(TooLarge, match=r"about 43.5k tokens, and the limit is 30k: waiting cannot help") as refusal:
        acquire(where, tokens=(50_000, 10))
    assert refusal.value.facts == {"dimension": "tokens", "requested": 43478, "limit": 30_000}


def test_a_large_maximum_alone_is_let_through() -> None:
    """The provider decides; a prompt near the limit too, since ours is an estimate."""
    where = origin(Limit("tokens", 30_000, 60.0, "minute"))
    acquire(where, tokens=(10, 100_000))
    acquire(where, tokens=(33_000, 0))


def test_a_deadline_that_cannot_be_met_is_refused_at_once_with_the_time() -> None:
    """The editor can choose; nothing is held to its death. Whose deadline it is, is said."""
    where = origin(Limit("requests", 2, 60.0, "minute"), minute_s=60.0)
    said = r"deadline of 10 s \(X-Sluice-Deadline, or deadline_s.*requests per minute"
    with pytest.raises(DeadlineExceeded, match=said) as refusal:
        acquire(where, used=2, deadline_s=10.0)
    assert 59 < float(str(refusal.value.facts["retry_after_s"])) < 61
    acquire(where, used=2, deadline_s=90.0)


def test_a_deadline_before_a_slot_can_be_free_is_refused_at_once() -> None:
    """One at a time, twenty seconds each, and three wait: not even half of that time is left. Where it may be enough,
    and where no answer has ended yet, the call waits; when it waited in vain, nothing is made up."""
    where = origin(Limit("concurrency", 1))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time, wall=lambda: 1.7e9)

        async def one(name: str, deadline_s: float | None = None) -> None:
            permit = await pacer.acquire(call(name, where, deadline_s=deadline_s))
            await asyncio.sleep(20.0)
            permit.answered(200, (), streamed=False)
            permit.settle(None)
            permit.release()

        tasks = [asyncio.create_task(one(f"c{i}")) for i in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(DeadlineExceeded, match=r"waited 10 s.*free slot.*how long answers take is not") as unknown:
            await one("early", 10.0)
        assert unknown.value.facts == {}
        assert all(unknown.value.told(language) for language in ("ko", "zh"))
        await asyncio.sleep(15.0)
        asked = loop.time()
        with pytest.raises(DeadlineExceeded, match=r"deadline of 30 s.*free slot.*could go in 1 min 15 s") as refusal:
            await one("late", 30.0)
        assert loop.time() == asked
        assert refusal.value.facts == {"retry_after_s": pytest.approx(75.0)}
        with pytest.raises(DeadlineExceeded, match=r"waited 40 s.*could go in 35 s"):
            await one("perhaps", 40.0)
        await asyncio.gather(*tasks)
        await pacer.close()

    virtual_time.run(main())


def test_who_waits_while_the_day_is_used_up_hears_it_too() -> None:
    """Sixty calls come at once and forty are let in today: the others stood in line when the fortieth went, and would
    have waited for tomorrow."""
    where = origin(Limit("requests", 40, 86_400.0, "day"), Limit("requests", 10, 60.0, "minute"))
    world = World(Provider({}, headers=False), seed=1).run([Job(call(f"c{i}", where)) for i in range(60)])
    late = [e for e in world.ended if e.error is not None]
    assert len(late) == 20
    assert {type(e.error) for e in late} == {DeadlineExceeded}
    assert all("today's 40 requests are used up" in str(e.error) for e in late)
    assert world.makespan < 10 * MINUTE


def test_half_a_call_in_doubt_is_no_reason_to_wait_for_tomorrow() -> None:
    """After a crash some calls may not have been counted, and may be tried; but not a part of one."""
    where = origin(Limit("requests", 3, 86_400.0, "day"))

    async def main(doubt: float) -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(None, clock=loop.time, wall=lambda: 1.7e9)
        for i in range(3):
            permit = await pacer.acquire(call(f"u{i}", where))
            permit.answered(200, (), streamed=False)
            permit.release()
        next(iter(permit.place[1].days)).uncertain = doubt
        (await pacer.acquire(call("x", where))).release()
        await pacer.close()

    with pytest.raises(DeadlineExceeded, match="today's 3 requests are used up"):
        virtual_time.run(main(0.5))
    virtual_time.run(main(1.0))


@pytest.mark.parametrize("window", ["day", "month"])
def test_a_maximum_above_a_days_limit_is_let_through_and_then_told_as_what_it_is(window: str) -> None:
    """Nothing is used up: it goes. Later the limit is not used up either, and nobody is told so: how much is left, how
    much it may need, and what to do."""
    where = origin(Limit("tokens", 100_000, 86_400.0 * (1 if window == "day" else 30), window))

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time, wall=lambda: 1.7e9)
        permit = await pacer.acquire(call("first", where, tokens=(10, 128_000)))
        permit.answered(200, (), streamed=False)
        permit.settle(Usage(10, 40_000))
        permit.release()
        (await pacer.acquire(call("small", where, tokens=(10, 1000)))).release()
        with pytest.raises(
            DeadlineExceeded, match=r"^59k of t.* 100k tokens are left.*need 128k.*max_tokens"
        ) as refusal:
            await pacer.acquire(call("again", where, tokens=(10, 128_000)))
        assert all("max_tokens" in refusal.value.told(language) for language in ("ko", "zh"))
        with pytest.raises(DeadlineExceeded, match="100k tokens are used up"):
            await pacer.acquire(call("prompt", where, tokens=(90_000, 10)))
        await pacer.close()

    virtual_time.run(main())


def test_a_used_up_day_is_not_waited_for_through_the_night() -> None:
    """It says what is used up and when it opens again."""
    where = origin(Limit("requests", 3, 86_400.0, "day"))
    with pytest.raises(DeadlineExceeded, match="today's 3 requests are used up") as refusal:
        acquire(where, used=3)
    assert float(str(refusal.value.facts["retry_after_s"])) > 600


@pytest.mark.parametrize(("priority", "setting"), [
    (Priority.INTERACTIVE, "queue.max_wait_interactive"), (Priority.NORMAL, "queue.max_wait"),
])  # fmt: skip
def test_a_limit_that_opens_late_is_not_waited_for(priority: Priority, setting: str) -> None:
    """An hour's limit that is used up: the call is answered at once, with the time and the setting. A minute's is
    waited for, whatever the setting says."""
    where = origin(Limit("requests", 2, 3600.0, "hour"), minute_s=60.0)
    with pytest.raises(DeadlineExceeded, match=rf"requests per hour.* 1 h 0 min.*{setting} ") as refusal:
        acquire(where, used=2, priority=priority)
    assert refusal.value.facts == {"retry_after_s": pytest.approx(3600, abs=2), "dimension": "requests"}
    short = PacingSettings(max_wait_s=0.1, max_wait_interactive_s=0.1)
    acquire(origin(Limit("requests", 2, 60.0, "minute"), minute_s=60.0), used=2, priority=priority, settings=short)


def test_what_an_answer_says_of_an_hour_is_not_waited_for_either() -> None:
    """Also where only the provider's headers tell of the limit."""
    where = origin(minute_s=60.0)

    async def main() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)
        permit = await pacer.acquire(call("a", where))
        permit.answered(200, (Reading("requests", 100, 0, 3000.0, 3600.0),), streamed=False)
        permit.release()
        with pytest.raises(DeadlineExceeded) as refusal:
            await pacer.acquire(call("b", where))
        assert 2900 < float(str(refusal.value.facts["retry_after_s"])) < 3700
        await pacer.close()

    virtual_time.run(main())


def test_a_long_line_is_waited_for() -> None:
    """Each call's own limit opens within a minute; that others stand before it is another matter."""
    where = origin(Limit("requests", 1, 60.0, "minute"), minute_s=60.0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer, began = Pacer(clock=loop.time), loop.time()
        waiting = (pacer.acquire(call(f"c{i}", where, priority=Priority.INTERACTIVE)) for i in range(5))
        assert len(await asyncio.gather(*waiting)) == 5
        assert 239 < loop.time() - began < 243
        await pacer.close()

    virtual_time.run(main())


@pytest.mark.parametrize("window", ["day", "month"])
@pytest.mark.parametrize(
    ("priority", "setting"),
    [(Priority.INTERACTIVE, "queue.max_wait_interactive"), (Priority.NORMAL, "queue.max_wait"),
     (Priority.BATCH, "queue.max_wait")],
)  # fmt: skip
def test_the_setting_that_says_how_long_is_named(window: str, priority: Priority, setting: str) -> None:
    """In each language: which setting keeps a call from waiting for a new day or month, and how long it allows."""
    where = origin(Limit("requests", 3, 86_400.0 * (1 if window == "day" else 30), window))
    settings = PacingSettings(max_wait_s=600.0, max_wait_interactive_s=90.0)
    with pytest.raises(DeadlineExceeded, match="today" if window == "day" else "this month") as refusal:
        acquire(where, used=3, settings=settings, priority=priority)
    most = "1 min 30 s" if priority == Priority.INTERACTIVE else "10 min"
    assert f"no call waits longer than {most} (setting {setting})" in str(refusal.value)
    assert all(setting in refusal.value.told(language) for language in ("ko", "zh"))


def test_a_full_line_takes_no_more() -> None:
    """The message says which setting it is, and how to look."""
    where = origin(Limit("concurrency", 1))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(PacingSettings(max_waiting=2), clock=loop.time)
        await pacer.acquire(call("a", where))
        tasks = [asyncio.create_task(pacer.acquire(call(n, where))) for n in ("b", "c")]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match=r"queue\.max_waiting"):
            await pacer.acquire(call("d", where))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pacer.close()

    virtual_time.run(main())


def test_what_is_refused_is_told_in_each_language() -> None:
    """The figures, the reason and what to do next, also in Korean and Chinese."""
    where = origin(Limit("tokens", 30_000, 60.0, "minute"))
    with pytest.raises(TooLarge) as refusal:
        acquire(where, tokens=(50_000, 10))
    assert refusal.value.told("ko").startswith("이 요청 하나만으로도 한도를 넘어요(토큰 약 43.5k, 한도 30k).")
    with pytest.raises(DeadlineExceeded) as late:
        acquire(origin(Limit("requests", 2, 60.0, "minute"), minute_s=60.0), used=2, deadline_s=10.0)
    assert late.value.told("zh").startswith(
        "这个请求没法在 10 秒的期限（X-Sluice-Deadline，JSON-RPC 里是 deadline_s）之前发出去："
    )
    assert late.value.facts == {"retry_after_s": pytest.approx(60, abs=1)}


@pytest.mark.parametrize("window", ["day", "month"])
def test_the_end_of_a_day_is_kept_for_persons_and_batch_is_told(window: str) -> None:
    """Within an hour of a person's call the last tenth is theirs: a batch call is told at once when it could go, and
    not left to wait for an hour; others take it, and after that hour batch may, too."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        (await pacer.acquire(call("person", where, priority=Priority.INTERACTIVE))).release()
        for number in range(17):
            await asyncio.sleep(1)
            (await pacer.acquire(call(f"b{number}", where, priority=Priority.BATCH))).release()
        with pytest.raises(DeadlineExceeded, match="is kept for persons") as refusal:
            await pacer.acquire(call("late", where, priority=Priority.BATCH))
        assert refusal.value.facts == {"retry_after_s": pytest.approx(3583, abs=1)}
        assert all("queue.max_wait" in refusal.value.told(language) for language in ("en", "ko", "zh"))
        (await pacer.acquire(call("normal", where))).release()
        await asyncio.sleep(3590)
        (await pacer.acquire(call("later", where, priority=Priority.BATCH))).release()

    story(tell, Limit("requests", 20, 86_400.0 * (1 if window == "day" else 30), window), settings=TEN_MINUTES)


def test_who_may_wait_so_long_is_told_when_the_end_of_a_day_is_free() -> None:
    """Where calls wait for more than an hour, a batch call that waits for what is kept shows for what and until when,
    and goes then; the day is not said to be used up."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        loop = asyncio.get_running_loop()
        (await pacer.acquire(call("person", where, priority=Priority.INTERACTIVE))).release()
        began = loop.time()
        for number in range(17):
            (await pacer.acquire(call(f"b{number}", where, priority=Priority.BATCH))).release()
            await asyncio.sleep(1)
        waits = asyncio.create_task(pacer.acquire(call("late", where, priority=Priority.BATCH)))
        await asyncio.sleep(1)
        (row,) = pacer.queue()
        assert row["eta_at"] - 1.7e9 - loop.time() == pytest.approx(3600 - 18, abs=2)
        assert "kept for persons" in row["waits_for"].told("en")
        assert "kept for persons" in pacer.pools()[0]["words"].told("en")
        assert "used up" not in pacer.pools()[0]["words"].told("en")
        (await waits).release()
        assert loop.time() - began == pytest.approx(3600, abs=6)

    story(tell, Limit("requests", 20, 86_400.0, "day"), settings=PacingSettings(max_wait_s=7200.0))


def test_answers_under_way_may_give_back_what_is_kept() -> None:
    """What was reserved for long answers counts as used until they are there: a batch call that lacks only that waits
    for them, and is not told to come back in an hour; nor is a time said that nobody knows."""

    async def tell(pacer: Pacer, where: Origin) -> None:
        person = await pacer.acquire(call("person", where, tokens=(50, 50), priority=Priority.INTERACTIVE))
        person.answered(200, (), streamed=False)
        person.settle(Usage(50, 50))
        person.release()
        await asyncio.sleep(60)
        running = []
        for number in range(4):
            one = call(f"b{number}", where, tokens=(500, 19_500), priority=Priority.BATCH)
            running.append(await pacer.acquire(one))
            await asyncio.sleep(1)
        fifth = call("b4", where, tokens=(500, 14_500), priority=Priority.BATCH)
        waits = asyncio.create_task(pacer.acquire(fifth))
        await asyncio.sleep(2)
        assert pacer.queue()[0]["eta_at"] is None
        for permit in running:
            permit.answered(200, (), streamed=False)
            permit.settle(Usage(500, 500))
            permit.release()
        await asyncio.sleep(1)
        assert waits.done()
        waits.result().release()

    story(tell, Limit("tokens", 100_000, 86_400.0, "day"), settings=TEN_MINUTES)


def test_who_waits_when_the_end_becomes_kept_is_told() -> None:
    """Batch calls in line behind a limit of a minute are told when those before them have left only what is kept."""

    async def tell(pacer: Pacer, where: Origin) -> None:

        async def send(name: str, priority: Priority) -> str:
            try:
                permit = await pacer.acquire(call(name, where, priority=priority))
            except DeadlineExceeded as late:
                return str(late)
            permit.answered(200, (), streamed=False)
            permit.release()
            return ""

        assert await send("person", Priority.INTERACTIVE) == ""
        said = await asyncio.gather(*[send(f"b{number}", Priority.BATCH) for number in range(25)])
        assert [said.count(""), sum("is kept for persons" in words for words in said)] == [17, 8]

    story(tell, Limit("requests", 20, 86_400.0, "day"), Limit("requests", 10, 60.0, "minute"), settings=TEN_MINUTES)
