"""The operation that deletes calls."""

from __future__ import annotations

import time

import pytest

from daemon.errors import InvalidCall, NotFound
from gateway.scripted import no_credit, ok
from operations.office import Make


async def test_asked_first_and_then_done(office: Make) -> None:
    """A dry run counts and deletes nothing; then the call goes, by the client's own id, too; the other one stays."""
    here = office(ok(), no_credit())
    await here.world.send(ref="mine")
    bad, _ = await here.world.send()
    asked = await here.run("forget", calls=["mine"], dry_run=True)
    assert asked["calls"] == 1
    assert "This deletes 1 call for good" in asked["text"]
    done = await here.run("forget", calls=["mine"])
    assert (done["calls"], done["copies"], done["clean"], done["text"]) == (1, 0, True, "1 call is gone for good.")
    assert [row["id"] for row in (await here.run("calls"))["calls"]] == [bad.call.id]


async def test_only_bodies_and_by_time(office: Make) -> None:
    """The failed call stays in the list and cannot be repeated any more; a time in the past matches nothing."""
    here = office(no_credit())
    bad, _ = await here.world.send()
    assert (await here.run("forget", before=time.time() - 3600))["calls"] == 0
    assert await here.run("curl", call="last")
    told = await here.run("forget", all=True, bodies=True, language="ko")
    assert (told["calls"], "본문" in told["text"]) == (1, True)
    assert [row["id"] for row in (await here.run("calls"))["calls"]] == [bad.call.id]
    with pytest.raises(NotFound, match="cannot be repeated"):
        await here.run("curl", call="last")


async def test_nothing_is_not_all(office: Make) -> None:
    """Who names no call, all and some at once, a wrong list or a call that is not there deletes nothing."""
    here = office(ok())
    await here.world.send()
    for params in ({}, {"calls": []}, {"bodies": True}, {"all": True, "calls": ["last"]}, {"all": True, "before": 1}):
        with pytest.raises(InvalidCall, match="nothing was deleted"):
            await here.run("forget", **params)
    with pytest.raises(InvalidCall, match="list of strings"):
        await here.run("forget", calls="last")
    with pytest.raises(NotFound, match="no call"):
        await here.run("forget", calls=["last", "nobody"])
    assert len((await here.run("calls"))["calls"]) == 1
