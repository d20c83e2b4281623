"""One attempt: what is learned of its answer and when, errors behind a success, and who leaves in the middle of it."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from daemon.model import Call, Limit
from daemon.pacing import PacingSettings
from gateway.scripted import (
    EPOCH,
    HIDDEN,
    SSE,
    STREAM,
    Answer,
    World,
    body_of,
    chat_answer,
    error,
    error_in,
    limited,
    ok,
    virtual,
)


@virtual
async def test_a_success_is_learned_from_behind_its_first_bytes() -> None:
    """The client has them while the readers and the pacer have heard nothing; when it asks for more they have, in
    order, with the time at which the head came."""
    world = World(ok(b"data: {}\n\n", *STREAM, headers=SSE))
    reply = await world.gateway.send(world.call(stream=True))
    assert await anext(reply.chunks) == b"data: {}\n\n"
    assert world.kinds() == ["queued", "admitted", "sent"]
    came = EPOCH + asyncio.get_running_loop().time()
    assert await anext(reply.chunks) == STREAM[0]
    assert world.kinds() == ["queued", "admitted", "sent", "answered", "first_byte"]
    assert [event.at for event in world.events[-2:]] == [came, came]
    assert await body_of(reply) == b"".join(STREAM[1:])
    assert world.kinds() == ["queued", "admitted", "sent", "answered", "first_byte", "done"]


@virtual
async def test_a_success_is_learned_from_while_its_body_is_waited_for() -> None:
    """A plain body is held until it is whole; whoever waits for the same limit does not wait for that."""
    more = asyncio.Event()
    body = chat_answer()
    world = World(ok(body[:9], more, body[9:]))
    task = asyncio.create_task(world.send())
    await world.upstream.asked.wait()
    await asyncio.sleep(0)
    assert world.kinds() == ["queued", "admitted", "sent", "answered"]
    more.set()
    assert (await task)[1] == body


@virtual
async def test_whoever_wants_to_know_sooner_does() -> None:
    """`catch_up` tells at once, and nothing is told twice."""
    world = World(ok())
    reply = await world.gateway.send(world.call())
    assert reply.catch_up is not None
    reply.catch_up()
    assert world.kinds() == ["queued", "admitted", "sent", "answered", "first_byte"]
    await body_of(reply)
    await asyncio.sleep(0)
    assert world.kinds() == ["queued", "admitted", "sent", "answered", "first_byte", "done"]


@virtual
async def test_a_client_that_leaves_before_the_first_byte() -> None:
    """The pacer has learned before the call is over, and what was taken is given back."""
    world = World(ok())
    reply = await world.gateway.send(world.call())
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    assert world.kinds() == ["queued", "admitted", "sent", "answered", "first_byte", "cancelled"]
    await asyncio.sleep(0)
    assert world.kinds()[-1] == "cancelled"


@virtual
async def test_a_pacer_that_breaks_loses_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client gets its answer, the call ends, and its permit is given back."""

    def broken(*given: Any, **more: Any) -> None:
        raise ZeroDivisionError

    world = World(ok(), ok())
    monkeypatch.setattr("daemon.pacing.permit.Permit.answered", broken)
    reply, body = await world.send()
    assert body == chat_answer()
    assert world.kinds()[-1] == "done"
    left = await world.gateway.send(world.call())
    await left.chunks.aclose()  # type: ignore[attr-defined]
    assert not world.gateway.running
    assert world.pacer.queue() == []
    assert reply.status == 200


@virtual
@pytest.mark.parametrize("status", [429, 503, 529])
@pytest.mark.parametrize(("said", "sent"), [("false", 1), ("False ", 1), ("true", 2), ("", 2)])
async def test_what_the_provider_says_not_to_send_again_is_not(status: int, said: str, sent: int) -> None:
    """Its own clients obey `x-should-retry: false`; the explanation says why it was not sent again."""
    fields = (("x-should-retry", said), ("Retry-After", "1")) if said else (("Retry-After", "1"),)
    world = World(error(status, "Too much", kind="server_error", headers=fields), ok())
    reply, body = await world.send()
    assert len(world.upstream.sent) == sent
    assert reply.status == (200 if sent == 2 else status)
    assert (b"x-should-retry" in body) == (sent == 1)


@virtual
async def test_an_answer_cut_in_its_first_bytes_is_a_failure() -> None:
    """A success that breaks before anything went to the client becomes an honest 502."""
    world = World(ok(chat_answer()[:20], "truncated"))
    reply, body = await world.send()
    assert reply.status == 502
    assert error_in(body)["sluice"]["subtype"] == "truncated"
    assert world.last().kind == "failed"


@virtual
async def test_an_error_body_that_is_cut_is_explained_by_its_status() -> None:
    """What there is of the answer counts."""
    world = World(Answer(401, (), b'{"error"', "truncated"))
    reply, body = await world.send()
    assert reply.status == 401
    assert error_in(body)["message"]


@virtual
async def test_an_error_in_a_plain_200() -> None:
    """It becomes the error that it is."""
    world = World(ok(HIDDEN))
    reply, body = await world.send()
    assert reply.status == 429
    assert error_in(body)["sluice"]["subtype"] == "insufficient_quota"
    assert error_in(body)["code"] == "insufficient_quota"


@virtual
async def test_an_error_as_the_first_event() -> None:
    """A stream that begins with an error is no stream: status, JSON, and the explanation."""
    world = World(ok(b"data: " + HIDDEN + b"\n\n", headers=SSE))
    reply, body = await world.send(stream=True)
    assert reply.status == 429
    assert dict(reply.headers)["Content-Type"] == "application/json"
    assert error_in(body)["sluice"]["subtype"] == "insufficient_quota"


@virtual
async def test_a_rate_error_behind_a_200_is_waited_out() -> None:
    """What hides is treated as what does not."""
    hidden = b'{"error":{"message":"Too fast","code":429,"type":"rate_limit_exceeded"}}'
    world = World(ok(b"data: " + hidden + b"\n\n", headers=SSE), ok(*STREAM, headers=SSE))
    reply, body = await world.send(stream=True)
    assert (reply.status, body) == (200, b"".join(STREAM))


@pytest.mark.parametrize("early", [False, True])
@virtual
async def test_rate_errors_behind_200s_are_given_up_like_open_ones(early: bool) -> None:
    """None of them is a success, also when the pacer hears of the headers before the error has come: the row of
    refusals grows, and ends."""

    class Late(asyncio.Event):
        async def wait(self) -> Literal[True]:
            await asyncio.sleep(0.1)
            return True

    hidden = b'{"error":{"message":"Too fast. Try again in 1s.","code":429,"type":"rate_limit_exceeded"}}'
    pieces = (Late(), b"data: " + hidden + b"\n\n") if early else (b"data: " + hidden + b"\n\n",)
    world = World(ok(*pieces, headers=SSE))
    async with asyncio.timeout(600):
        reply, body = await world.send(stream=True)
    assert reply.status == 429
    assert error_in(body)["sluice"]["family"] == "rate"
    assert len(world.upstream.sent) == PacingSettings().rate_tries
    assert world.last().kind == "failed"


@virtual
async def test_leaving_before_the_first_byte() -> None:
    """The sending is taken off the wire and the permit given back."""
    world = World(asyncio.Event())
    task = asyncio.create_task(world.send())
    await world.upstream.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.last().kind == "cancelled"
    assert world.in_flight() == 0


@virtual
async def test_leaving_before_the_first_event() -> None:
    """An answer whose beginning is still being read is closed."""
    answer = ok(b"data:", asyncio.Event(), headers=SSE)
    world = World(answer)
    task = asyncio.create_task(world.send(stream=True))
    await world.upstream.asked.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answer.closed == 1
    assert (world.last().kind, world.in_flight()) == ("cancelled", 0)


@virtual
async def test_who_leaves_while_a_connection_is_made_has_used_up_nothing() -> None:
    """The provider has seen nothing of it, so it counts for no limit: neither of a minute nor of a month."""

    class Connecting:
        async def send(self, call: Call, left: object, waits: Any) -> None:
            waits()
            await asyncio.Event().wait()

    limits = Limit("requests", 3, 30 * 86_400.0, "month"), Limit("requests", 100, 60.0, "minute")
    world = World(ok(), origin=limited(*limits))
    connected, world.gateway._attempts._upstream = world.gateway._attempts._upstream, Connecting()  # type: ignore[assignment]
    for _ in range(3):
        task = asyncio.create_task(world.send())
        await asyncio.sleep(5)
        task.cancel()
        await asyncio.wait([task])
    used = {dim["period"]: dim["used_by_us"] for dim in world.pacer.pools()[0]["dims"]}
    assert used == {"minute": 0, "month": 0}
    assert world.in_flight() == 0
    world.gateway._attempts._upstream = connected
    assert (await world.send())[0].status == 200


@virtual
async def test_an_upstream_that_raises() -> None:
    """A fault of ours ends the call once, gives the permit back, and comes through to the door."""
    world = World(ok())
    world.upstream.outcomes = []
    with pytest.raises(IndexError):
        await world.send()
    assert (world.last().kind, world.in_flight()) == ("cancelled", 0)
    assert "IndexError" in world.last().reason
