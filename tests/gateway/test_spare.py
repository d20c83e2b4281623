"""What is put off for a moment, in virtual time: for several calls at once, in order, never where somebody waits."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from daemon.gateway import Rules
from daemon.gateway.spare import Spare
from daemon.model import Call, Event, Finding, Limit, Way
from daemon.spending import Budget
from daemon.upstream import failure_of
from daemon.usage import Budgets
from gateway.scripted import (
    DONE,
    EPOCH,
    JSON,
    SSE,
    Answer,
    World,
    body_of,
    chat_answer,
    error,
    event,
    limited,
    no_credit,
    ok,
    virtual,
)
from pacing.kept import Kept

SPARE_S = 0.005
STEPS = ["queued", "admitted", "sent", "answered", "first_byte", "done"]


class Reader:
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.handed: list[list[Event]] = []

    def __call__(self, events: Sequence[Event]) -> None:
        self.handed.append(list(events))

    def kinds(self) -> list[str]:
        """Of all events so far."""
        return [event.kind for events in self.handed for event in events]


@virtual
async def test_steps_wait_for_the_first_ones_time() -> None:
    """All are done together, in order, once; what a step adds is done with them, and after that time begins anew."""
    done: list[str] = []
    spare = Spare(SPARE_S)
    spare.add(lambda: done.append("a"))
    await asyncio.sleep(0.004)
    spare.add(lambda: spare.add(lambda: done.append("c")))
    spare.add(lambda: done.append("b"))
    assert spare
    assert done == []
    await asyncio.sleep(0.002)
    assert done == ["a", "b", "c"]
    assert not spare
    spare.add(lambda: done.append("d"))
    await asyncio.sleep(0.006)
    assert done == ["a", "b", "c", "d"]


@virtual
async def test_whoever_needs_them_has_them_done() -> None:
    """`run` does them now, and no timer is left; without a time nothing is put off."""
    done: list[int] = []
    spare = Spare(SPARE_S)
    spare.add(lambda: done.append(1))
    spare.run()
    assert done == [1]
    await asyncio.sleep(1)
    assert done == [1]
    Spare().add(lambda: done.append(2))
    assert done == [1, 2]


@virtual
async def test_an_end_is_settled_a_moment_later() -> None:
    """The client has its answer; the permit comes back and the readers hear within five milliseconds, at the times at
    which it happened, all in order, and a sink hears at once what has happened so far."""
    reader = Reader()
    world = World(told(1_000_000, 999_999), spare_s=SPARE_S, readers=(reader,))
    await busy(world)
    world.events.clear()
    reader.handed.clear()
    _, body = await world.send()
    assert json.loads(body)["choices"]
    ended = EPOCH + asyncio.get_running_loop().time()
    assert world.kinds() == STEPS[:3]
    assert (reader.kinds(), world.in_flight(), list(world.gateway.running)) == ([], 1, [world.events[0].call.id])
    await asyncio.sleep(0.006)
    assert (world.kinds(), reader.kinds()) == (STEPS, STEPS)
    assert (world.in_flight(), list(world.gateway.running)) == (0, [])
    assert world.last().at == ended
    assert len(reader.handed) <= 2


@virtual
async def test_ten_calls_are_told_together() -> None:
    """The readers are handed the events of all calls of a moment at once, those of each call in their order."""
    reader = Reader()
    plenty = (("x-ratelimit-limit-requests", "1000000"), ("x-ratelimit-remaining-requests", "999999"))
    world = World(ok(headers=(*JSON, *plenty)), spare_s=SPARE_S, readers=(reader,))
    for _ in range(80):  # the first ones of a key keep a distance
        await world.send()
        await asyncio.sleep(0.01)
    reader.handed.clear()
    for _ in range(10):
        await world.send()
        await asyncio.sleep(0.0003)
    await asyncio.sleep(0.006)
    assert len(reader.handed) == 2
    told = [one for events in reader.handed for one in events]
    for call_id in {one.call.id for one in told}:
        assert [one.kind for one in told if one.call.id == call_id] == STEPS


@virtual
async def test_the_next_call_does_not_wait_for_what_was_put_off() -> None:
    """With one call at a time, the second one goes in the instant in which the first has been answered."""
    world = World(ok(), spare_s=SPARE_S, origin=limited(Limit("concurrency", 1)))
    await world.send()
    began = asyncio.get_running_loop().time()
    await world.send()
    assert asyncio.get_running_loop().time() == began
    [_, second] = [event for event in world.events if event.kind == "queued"]
    assert (second.reason, second.wait_s) == ("", None)


@virtual
async def test_nothing_is_put_off_where_somebody_waits() -> None:
    """Whoever waits for the slot has it as soon as the answer before is whole."""
    go_on = asyncio.Event()
    stream = ok(event("Hi"), go_on, event(finish_reason="stop"), DONE, headers=SSE)
    world = World(stream, ok(), spare_s=60.0, origin=limited(Limit("concurrency", 1)))
    first = asyncio.create_task(world.send(stream=True))
    await world.upstream.asked.wait()
    second = asyncio.create_task(world.send())
    await asyncio.sleep(1)
    assert len(world.upstream.sent) == 1
    go_on.set()
    await first
    await asyncio.sleep(1)
    assert second.done()


@virtual
async def test_a_key_that_works_again_is_known_at_once() -> None:
    """A call that was let through to see whether the key is let in again teaches before the next one asks."""
    world = World(ok(), spare_s=60.0)
    [refused] = [world.call()]
    permit = await world.pacer.acquire(refused)
    account, _ = permit.place
    permit.refused(Finding("insufficient_quota", "credit", "never", "sure"))
    permit.release()
    assert account.block is not None
    await asyncio.sleep(world.pacer.settings.block_s + 1)
    await world.send()
    assert account.block is None


@virtual
async def test_budgets_know_each_call_before_the_next() -> None:
    """What a call has cost counts when its answer is whole."""
    purse = Budgets([Budget("day", "tokens", 1000)], clock=lambda: EPOCH)
    world = World(ok(), spare_s=60.0, allowance=purse, sinks=(purse.hear,))
    await world.send()
    assert purse.states()[0]["spent"] == 11


@virtual
async def test_a_call_that_failed_is_over_at_once() -> None:
    """Only what nobody waits for is put off: the pacer has learned, the readers hear of it in a moment."""
    reader = Reader()
    world = World(error(400, "No.", kind="invalid_request_error"), spare_s=SPARE_S, readers=(reader,))
    reply, _ = await world.send()
    assert reply.status == 400
    assert (world.in_flight(), list(world.gateway.running)) == (0, [])
    await asyncio.sleep(0.006)
    assert reader.kinds()[-1] == "failed"


@virtual
async def test_a_client_that_leaves_is_settled_at_once() -> None:
    """Its slot is free when its connection is."""
    world = World(ok(), spare_s=60.0)
    reply = await world.gateway.send(world.call())
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    assert (world.kinds()[-1], world.in_flight()) == ("cancelled", 0)


@virtual
async def test_a_reader_that_breaks() -> None:
    """The others are handed the same, and the next calls go on."""

    def broken(events: Sequence[Event]) -> None:
        raise ZeroDivisionError

    reader = Reader()
    world = World(ok(), spare_s=SPARE_S, readers=(broken, reader))
    await world.send()
    world.gateway.catch_up()
    assert reader.kinds() == STEPS
    reply, _ = await world.send()
    world.gateway.catch_up()
    assert reply.status == 200
    assert reader.kinds() == STEPS * 2


@virtual
async def test_the_end_of_all_calls_is_waited_for() -> None:
    """`drained` comes back when the last one is settled."""
    world = World(ok(), spare_s=SPARE_S)
    reply = await world.gateway.send(world.call())
    await body_of(reply)
    await world.gateway.drained()
    assert world.kinds() == STEPS


@virtual
async def test_figures_that_cannot_be_read_keep_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is over and its permit is back, whatever breaks on the way there."""

    def broken(*given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("daemon.gateway.copy.Copy.usage", broken)
    world = World(ok(), spare_s=SPARE_S)
    await world.send()
    world.gateway.catch_up()
    assert (world.kinds(), world.in_flight(), list(world.gateway.running)) == (STEPS, 0, [])


def told(limit: int, remaining: int, **usage: int) -> Answer:
    """A success whose headers say what is left of a limit of requests, and for how long."""
    headers = (
        *JSON, ("x-ratelimit-limit-requests", str(limit)), ("x-ratelimit-remaining-requests", str(remaining)),
        ("x-ratelimit-reset-requests", "50s"),
    )  # fmt: skip
    body = json.loads(chat_answer())
    body["usage"].update(usage)
    return ok(json.dumps(body).encode(), headers=headers)


async def busy(world: World, calls: int = 100, gap_s: float = 0.02) -> None:
    """A client that sends one call after the other, beyond the careful beginning."""
    for _ in range(calls):
        await world.send()
        await asyncio.sleep(gap_s)


async def two_in_a_row(world: World) -> float:
    """How many seconds two calls take of which the second comes when the first is answered."""
    began = asyncio.get_running_loop().time()
    await world.send()
    await world.send()
    return asyncio.get_running_loop().time() - began


def lasting(world: World, first_s: float, *more_s: float) -> None:
    """The next answers take so long, the last one's time again and again."""
    real, times = world.upstream.send, itertools.chain([first_s], itertools.chain(more_s, itertools.repeat(0.0)))

    async def send(call: Call, left: Callable[[], object] = lambda: None, *more: object) -> Any:
        left()
        await asyncio.sleep(next(times))
        return await real(call, lambda: None, *more)

    world.upstream.send = send  # type: ignore[method-assign]


@virtual
async def test_where_nothing_is_left_the_next_call_knows() -> None:
    """An answer that says so holds the call that comes in the same instant."""
    world = World(told(600, 599), spare_s=SPARE_S)
    await busy(world, gap_s=2.0)
    await asyncio.sleep(120)
    world.upstream.outcomes = [told(600, 0)]
    assert await two_in_a_row(world) > 10


@virtual
async def test_what_an_answer_has_cost_counts_for_the_next_call() -> None:
    """One that is as long as a whole limit holds the call that comes in the same instant."""
    world = World(told(1_000_000, 999_999), spare_s=SPARE_S, origin=limited(Limit("tokens", 10_000, 60.0, "minute")))
    await busy(world)
    await asyncio.sleep(120)
    world.upstream.outcomes = [told(1_000_000, 999_999, completion_tokens=9_990, total_tokens=9_999)]
    assert await two_in_a_row(world) > 10


@virtual
async def test_a_wide_limit_is_not_asked_each_time() -> None:
    """Where an answer has just said that nearly all of a wide limit is left, the next one's end can wait."""
    world = World(told(1_000_000, 999_999), spare_s=SPARE_S)
    await busy(world)
    await world.send()
    assert world.in_flight() == 1
    await asyncio.sleep(0.2)  # that is long ago now
    await world.send()
    assert world.in_flight() == 0


@virtual
async def test_a_refusal_is_booked_behind_what_went_well_before() -> None:
    """The block of a key without credit is not lifted by the call that was answered just before."""
    world = World(told(1_000_000, 999_999), spare_s=SPARE_S)
    await busy(world)
    done = len(world.upstream.sent)
    world.upstream.outcomes = [told(1_000_000, 999_999)] * (done + 1) + [no_credit()] * 3
    lasting(world, 0.010, 0.0005)
    first = asyncio.create_task(world.send())
    await asyncio.sleep(0.0100)
    second = asyncio.create_task(world.send())
    await asyncio.gather(first, second)
    await asyncio.sleep(0.1)
    await world.send()
    assert len(world.upstream.sent) == done + 2


@virtual
async def test_a_place_is_chosen_with_the_slots_that_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent's next turn goes with the key that the last one had, since the provider has its beginning in its cache:
    what was put off is settled before each choice."""
    ways = (Way("work", variable="WORK"), Way("home", variable="HOME_KEY"))
    keys = {"WORK": "CANARY-work-1", "HOME_KEY": "CANARY-home-1"}
    origin = limited(Limit("concurrency", 1), ways=ways)
    world = World(told(1_000_000, 999_999), spare_s=SPARE_S, origin=origin, key_of=keys.get)
    bare = (("Content-Type", "application/json"),)
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "x " * 1500}]}).encode()
    for _ in range(100):
        await world.send(headers=bare, body=body)
        await asyncio.sleep(0.02)
    world.upstream.sent.clear()
    looks, catch_up = list[bool](), world.gateway.catch_up
    monkeypatch.setattr(world.gateway, "catch_up", lambda: (looks.append(True), catch_up()))
    for _ in range(4):
        await world.send(headers=bare, body=body)
    assert len({call.way.name for call in world.upstream.sent if call.way}) == 1
    assert len(looks) == 4


@pytest.mark.parametrize("apart_s", [0.0, 0.002])
@virtual
async def test_calls_of_one_instant_do_not_all_take_the_last_of_a_budget(apart_s: float) -> None:
    """A budget counts a call as soon as its bytes have gone."""
    clock = asyncio.get_running_loop().time
    purse = Budgets([Budget("day", "calls", 1)], patience=lambda call: 600.0, clock=lambda: EPOCH + clock())
    world = World(ok(), spare_s=SPARE_S, allowance=purse, sinks=(purse.hear,))
    lasting(world, 1.0)
    tasks = []
    for _ in range(3):
        tasks.append(asyncio.create_task(world.send()))
        await asyncio.sleep(apart_s)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(world.upstream.sent) == 1
    assert purse.states()[0]["spent"] == 1


@virtual
async def test_a_day_is_written_down_before_the_call_goes() -> None:
    """A kill at any instant loses none of what was sent: a day's limit is spent whether we remember it or not."""
    disk = Kept()
    world = World(ok(), spare_s=SPARE_S, origin=limited(Limit("requests", 5, None, "day")))
    world.pacer._memory = disk
    on_disk, real = list[float](), world.upstream.send

    async def send(call: Call, left: Callable[[], object], *more: object) -> Any:
        on_disk.append(sum(json.loads(value)["written"] for value in disk.recall("pacing.days").values()))
        return await real(call, left, *more)

    world.upstream.send = send  # type: ignore[method-assign,assignment]
    for _ in range(3):
        await world.send()
        await asyncio.sleep(5)
    assert on_disk == pytest.approx([1, 2, 3], abs=0.01)


@virtual
async def test_that_a_client_has_left_is_told_after_its_call_was_sent() -> None:
    """Also in the same moment, where others get its answer: what one sink hears of a call is in order."""
    world = World(ok(), rules=Rules(coalesce=("*",)), spare_s=SPARE_S)
    lasting(world, 1.0)
    lead = asyncio.create_task(world.send())
    await asyncio.sleep(0)
    mate = asyncio.create_task(world.send())
    await asyncio.sleep(0.001)
    lead.cancel()
    await asyncio.gather(lead, mate, return_exceptions=True)
    await asyncio.sleep(1)
    mine = [one for one in world.events if one.call.id == world.events[0].call.id]
    assert [one.kind for one in mine] == [*STEPS[:3], "left", *STEPS[3:]]
    assert [one.at for one in mine] == sorted(one.at for one in mine)


@pytest.mark.parametrize("first", ["left", "meanwhile"])
@virtual
async def test_a_call_under_way_counts_for_the_next_one(first: str) -> None:
    """It is charged when its bytes have gone, or when it waits for a connection: of two that come in one instant, the
    second one waits for the only slot."""
    world = World(ok(), spare_s=SPARE_S, origin=limited(Limit("concurrency", 1)))
    real, running, most = world.upstream.send, set[str](), list[int]()

    async def send(call: Call, left: Callable[[], object], meanwhile: Callable[[], object]) -> Any:
        running.add(call.id)
        most.append(len(running))
        (left if first == "left" else meanwhile)()
        await asyncio.sleep(1)
        running.remove(call.id)
        return await real(call, left)

    world.upstream.send = send  # type: ignore[method-assign,assignment]
    await asyncio.gather(*[world.send() for _ in range(3)])
    assert most == [1, 1, 1]
    assert world.in_flight() == 0


@virtual
async def test_a_call_that_cannot_be_sent_gives_back_what_it_took() -> None:
    """One that fails before a byte has gone is charged and uncharged: nothing of it stays under way."""
    world = World("refused", spare_s=SPARE_S)

    async def send(call: Call, *told: object) -> Any:
        return failure_of(call, "bad_answer", "a field with the end of a line in it", sent=True)

    world.upstream.send = send  # type: ignore[method-assign]
    reply, _ = await world.send()
    assert (reply.status, world.in_flight()) == (502, 0)
    assert world.kinds()[:3] == STEPS[:3]


@virtual
async def test_nothing_is_put_off_when_the_end_has_come() -> None:
    """What is told after `close` is read at once: no timer rings any more."""
    reader = Reader()
    world = World(ok(), spare_s=60.0, readers=(reader,))
    world.gateway.close()
    await world.send()
    assert reader.kinds() == STEPS


@virtual
async def test_an_empty_body_ends_once() -> None:
    """Who asks again after the end is told again that it is the end, also when the connection was given back."""
    world = World(ok(b""), spare_s=SPARE_S)
    reply = await world.gateway.send(world.call())
    assert await anext(reply.chunks, b"") == b""
    assert [chunk async for chunk in reply.chunks] == []
