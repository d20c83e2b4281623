"""What is put off for a moment, in virtual time: for several calls at once, in order, never where somebody waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from daemon.gateway.spare import Spare
from daemon.model import Event, Finding, Limit
from daemon.spending import Budget
from daemon.usage import Budgets
from gateway.scripted import DONE, EPOCH, JSON, SSE, World, body_of, error, event, limited, ok, virtual

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
    world = World(ok(), spare_s=SPARE_S, readers=(reader,))
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
