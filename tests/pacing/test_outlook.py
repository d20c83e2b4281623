"""How a call would fare with one of several keys."""

from __future__ import annotations

import asyncio
from typing import Any

from daemon.pacing.outlook import INFINITE, Outlook
from gateway.scripted import World, no_credit, ok, virtual


def test_who_goes_first() -> None:
    """One that is due for a look, then the shortest wait, the shortest line, the most room; what is blocked is last."""
    due, free, full = Outlook(due=True), Outlook(left=0.9, running=3), Outlook(left=0.2)
    line, waits, never, shut = Outlook(waiting=2), Outlook(wait_s=5.0), Outlook(wait_s=INFINITE), Outlook(blocked=True)
    ordered = [due, free, full, line, waits, never, shut]
    assert sorted([never, line, shut, free, due, waits, full], key=lambda one: one.rank) == ordered
    assert [one.has_room for one in (free, Outlook(wait_s=0.1), waits, shut)] == [True, True, False, False]


@virtual
async def test_what_the_pacer_knows() -> None:
    """A fresh key may go at once; one without credit is blocked, and after half a minute it is due for a look."""
    world = World(no_credit(), ok())
    call: Any = world.call()
    assert world.pacer.outlook(call).has_room
    await world.send()
    assert world.pacer.outlook(call).blocked
    await asyncio.sleep(31)
    look = world.pacer.outlook(call)
    assert look.due
    assert not look.blocked
    await world.send()
    assert world.pacer.outlook(call).has_room
