"""Which calls run."""

from __future__ import annotations

import asyncio

import pytest

from daemon.gateway import Wish
from daemon.gateway.under_way import UnderWay
from daemon.model import Event
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
    """It is known that somebody asked; what has ended cannot be stopped."""
    calls, call = UnderWay(lambda event: None), World().call()

    async def run() -> None:
        calls.begin(call)
        await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    assert calls.stop(call.id)
    assert calls.is_asked_to_stop(call.id)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not calls.stop(call.id)
    calls.end(Event("cancelled", call, 0.0, final=True))
    assert not calls.is_asked_to_stop(call.id)
