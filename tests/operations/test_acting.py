"""Operations that change something."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from daemon.cache import Answer, AnswerCache
from daemon.errors import Cancelled, InvalidCall, NotFound
from daemon.model import Limit
from daemon.operations.hub import TOPICS
from gateway.scripted import limited, ok
from operations.office import Make

ONE = limited(Limit("requests", 1, 60.0, "minute"))


async def test_cancel(office: Make) -> None:
    """A waiting call is cancelled by its id or the client's own; for one that has ended, and for one that never was,
    the refusal says which it is."""
    here = office(ok(), origin=ONE)
    await here.world.send()
    waiting = asyncio.create_task(here.world.send(ref="mine"))
    await asyncio.sleep(0)
    told = await here.run("cancel", call="mine")
    assert told["cancelled"]
    with pytest.raises(Cancelled):
        await waiting
    for name in ("mine", told["call"], told["call"][:5]):
        with pytest.raises(NotFound, match=r"has ended already \((failed|cancelled)\)"):
            await here.run("cancel", call=name)
    with pytest.raises(NotFound, match="no call that waits or runs is called 'nobody'"):
        await here.run("cancel", call="nobody")
    with pytest.raises(InvalidCall, match="call is missing"):
        await here.run("cancel")


async def test_promote(office: Make) -> None:
    """A waiting call gets another priority, also as `last`; one that has ended, or is nobody's, gets a refusal."""
    here = office(ok(), origin=ONE)
    await here.world.send()
    call = here.world.call()
    waiting = asyncio.create_task(here.world.gateway.send(call))
    await asyncio.sleep(0)
    assert await here.run("promote", call=call.id) == {"promoted": True, "call": call.id, "priority": "interactive"}
    assert here.world.pacer.queue()[0]["priority"] == "interactive"
    assert (await here.run("promote", call="last", priority="batch"))["call"] == call.id
    with pytest.raises(NotFound, match="no call that waits or runs"):
        await here.run("promote", call="c0")
    with pytest.raises(NotFound, match=r"has ended already \(done\)"):
        await here.run("promote", call=(await here.run("calls"))["calls"][1]["id"])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_promote_a_call_that_runs(office: Make) -> None:
    """It cannot go earlier than now, and that is said."""
    here = office(asyncio.Event())
    call = here.world.call()
    running = asyncio.create_task(here.world.gateway.send(call))
    await here.world.upstream.asked.wait()
    with pytest.raises(NotFound, match="it runs already"):
        await here.run("promote", call=call.id)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_subscribe(office: Make) -> None:
    """Topics are checked; all without a word; the connection's end is the subscription's."""
    here = office(ok())
    assert await here.run("subscribe", topics=["errors"]) == {"subscribed": ["errors"]}
    assert set((await here.run("subscribe"))["subscribed"]) == set(TOPICS)
    for topics in ("queue", ["weather"], [["queue"]], [{}], 1):
        with pytest.raises(InvalidCall, match="topics"):
            await here.run("subscribe", topics=topics)
    for closer in here.session.closers:
        closer()
    here.hub.changed()
    assert here.hub._timer is None
    await here.run("subscribe")
    assert await here.run("unsubscribe") == {"subscribed": []}
    here.hub.changed()
    assert here.hub._timer is None


async def test_reload_and_shutdown(office: Make) -> None:
    """Both are handed to the app."""
    here = office(ok())
    assert await here.run("reload") == {"reloaded": "read it"}
    assert await here.run("shutdown") == {"stopping": True}
    assert here.told == ["stop"]


async def test_hand_over(office: Make) -> None:
    """Without a word the locks are asked for; `done` says that the other stands there."""
    here = office(ok())
    assert await here.run("hand_over") == {"pid": 7}
    assert await here.run("hand_over", done=True) == {"pid": 7}
    assert here.told == ["free", "gone"]


async def test_the_cache(office: Make, tmp_path: Path) -> None:
    """How much is kept; cleared on demand, and only then; without one it is said so."""
    kept = AnswerCache(tmp_path, max_age_s=60, max_bytes=1000, max_body=1000)
    here = office(ok(), cache=kept)
    kept.put("0" * 32, Answer("c1", 0.0, 200, "", (), False, b"x"))
    told = await here.run("cache")
    assert (told["answers"], told["max_bytes"], told["enabled"]) == (1, 1000, False)
    assert "cleared" not in told
    cleared = await here.run("cache", clear=True)
    assert (cleared["cleared"], cleared["answers"], cleared["bytes"]) == (1, 0, 0)
    with pytest.raises(NotFound):
        await office(ok()).run("cache")
