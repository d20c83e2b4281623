"""Which calls run."""

from __future__ import annotations

import asyncio

import pytest

from daemon.gateway import Wish
from daemon.gateway.under_way import UnderWay, as_asked, unread
from daemon.model import Event
from daemon.phrases import phrase
from gateway.scripted import World, virtual


@virtual
async def test_each_ends_once() -> None:
    """The second end is not told, and whoever waits for all to end is woken by the last."""
    told: list[Event] = []
    calls = UnderWay(told.append)
    one, two = World().call(ref="r"), World().call()
    calls.begin(one)
    calls.begin(two)
    assert calls.named("r") == calls.named(one.id) == [one]
    idle = asyncio.create_task(calls.drained())
    for call in (one, one, two):
        await asyncio.sleep(0)
        assert not idle.done()
        calls.end(Event("done", call, 0.0, final=True))
    await idle
    assert [event.call for event in told] == [one, two]


@virtual
async def test_only_those_that_share_are_told_of_besides() -> None:
    """Calls as they always were cost nothing more."""
    calls, heard = UnderWay(lambda event: None), []
    calls.ended = heard.append
    for call in (World().call(), World().call(wish=Wish(coalesce=True))):
        calls.begin(call)
        calls.end(Event("done", call, 0.0, final=True))
    assert [event.call.sharing is not None for event in heard] == [True]


@virtual
async def test_stopping() -> None:
    """It is known why; what has ended cannot be stopped, and what broke did not end for that."""
    calls, call, stop, cut = UnderWay(lambda event: None), World().call(), as_asked(), asyncio.CancelledError()

    async def run() -> None:
        calls.begin(call)
        await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    assert calls.stop(call.id, stop)
    assert calls.stopped(call.id, cut) is stop
    assert calls.why(call.id, cut) == stop.reason
    assert calls.stopped(call.id, ValueError()) is None
    assert calls.why(call.id, ValueError()) == phrase("ended.broke", error="ValueError")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not calls.stop(call.id, stop)
    calls.end(Event("cancelled", call, 0.0, final=True))
    assert calls.why(call.id, cut) == phrase("ended.client_left")


@virtual
async def test_a_reason_noted_before_others_end_it() -> None:
    """It counts for a call that runs, and for no other."""
    calls, call = UnderWay(lambda event: None), World().call()
    calls.note(call.id, unread(600))
    assert calls.why(call.id, GeneratorExit()) == phrase("ended.client_left")
    calls.begin(call)
    calls.note(call.id, unread(600))
    assert "timeouts.client" in calls.why(call.id, GeneratorExit())
