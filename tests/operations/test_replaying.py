"""Sending a journalled call again, with the real gateway and journal."""

from __future__ import annotations

import pytest

from daemon.errors import InvalidCall, NotFound
from daemon.model import Origin
from daemon.operations.replaying import again
from gateway.scripted import KEY, no_credit, ok
from operations.office import Make


async def test_the_same_call_goes_again(office: Make) -> None:
    """Method, target, header fields with the key given, and body are those of the first; it is a call of its own."""
    here = office(no_credit(), ok())
    first, _ = await here.world.send()
    told = await here.run("replay", call="last-failed", key=KEY)
    mine, theirs = here.world.upstream.sent
    assert (told["of"], told["status"]) == (first.call.id, 200)
    assert told["call"] == theirs.id != mine.id
    assert (theirs.method, str(theirs.target), theirs.body) == (mine.method, str(mine.target), mine.body)
    assert theirs.headers == mine.headers
    assert theirs.client == "replay"
    assert (await here.run("show", call=told["call"]))["state"] == "done"


async def test_the_daemons_own_key_will_do(office: Make) -> None:
    """Without a key it takes the one of its environment; without that it names the variable and sends nothing."""
    here = office(no_credit(), ok(), keys={"OPENAI_API_KEY": KEY})
    await here.world.send()
    await here.run("replay", call="last")
    assert here.world.upstream.sent[0].headers == here.world.upstream.sent[1].headers
    bare = office(no_credit())
    await bare.world.send()
    with pytest.raises(InvalidCall, match="OPENAI_API_KEY"):
        await bare.run("replay", call="last")
    assert len(bare.world.upstream.sent) == 1


async def test_values_that_were_not_kept(office: Make) -> None:
    """Those that the daemon's environment knows by their variable go again; the others are left out, and named."""
    fields = (("X-Pass", "CANARY-pass"), ("X-Session", "CANARY-session"), ("Authorization", f"Bearer {KEY}"))
    here = office(no_credit(), ok(), keys={"OPENAI_API_KEY": KEY, "HEADER_X_SESSION": "CANARY-session"})
    await here.world.send(headers=fields)
    told = await here.run("replay", call="last")
    assert [(name, value.reveal()) for name, value in here.world.upstream.sent[1].headers] == [*fields[1:]]
    (said,) = told["left_out"]
    assert "X-Pass" in said
    assert "HEADER_X_PASS" in said
    assert "CANARY" not in said


async def test_failing_again_and_cut_streams_are_results(office: Make) -> None:
    """They are told by the journal, not by an exception."""
    here = office(no_credit(), no_credit(), ok(b"{", "truncated"))
    await here.world.send()
    told = await here.run("replay", call="last-failed", key=KEY)
    assert (await here.run("show", call=told["call"]))["subtype"] == "insufficient_quota"
    told = await here.run("replay", call="last-failed", key=KEY)
    assert (await here.run("show", call=told["call"]))["state"] == "failed"


async def test_what_cannot_be_repeated(office: Make) -> None:
    """A body that was not kept, and a signature that is too old, are said, with what to do."""
    here = office(ok())
    await here.world.send()
    with pytest.raises(NotFound, match=r"journal\.bodies"):
        await here.run("replay", call="last", key=KEY)
    signed = here.world.call(headers=(("X-Amz-Date", "20260101T000000Z"), ("Authorization", "AWS4-HMAC-SHA256 x")))
    with pytest.raises(InvalidCall, match="aws-sigv4"):
        again(signed, None)


async def test_a_call_of_a_sandbox_that_has_ended(office: Make) -> None:
    """It must not go to a real provider, where it would cost money; the curl command says where it went."""
    here = office(no_credit(), origin=Origin("api.openai.com", "http://127.0.0.1:99", "openai"))
    await here.world.send()
    await here.journal.flush()
    here.world.origin = Origin("api.openai.com", "https://api.openai.com", "openai")
    with pytest.raises(InvalidCall, match="a sandbox that has ended"):
        await here.run("replay", call="last", key=KEY)
    assert len(here.world.upstream.sent) == 1
    assert "a sandbox that has ended" in (await here.run("curl", call="last"))["command"]
