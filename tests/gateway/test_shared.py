"""Identical calls: sent once, answered each in its own words, and nobody's leaving or slowness is another's."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from daemon.errors import Cancelled, QueueFull, ShuttingDown
from daemon.gateway import Rules, Wish
from daemon.model import Event, Origin, Priority, Reply
from daemon.pacing import PacingSettings
from daemon.providers import asking_for_usage
from daemon.upstream import StreamCut
from gateway.scripted import (
    DONE,
    ONE_A_MINUTE,
    SSE,
    STREAM,
    Answer,
    World,
    body_of,
    chat_answer,
    error,
    event,
    limited,
    no_credit,
    ok,
    rate_limited,
    virtual,
)

ALL = Rules(coalesce=("*",))


def world(*outcomes: Any, **more: Any) -> World:
    """A gateway that sends identical calls once."""
    return World(*outcomes, rules=more.pop("rules", ALL), **more)


def start(at: World, **more: Any) -> asyncio.Task[tuple[Reply, bytes]]:
    """A call, on its way."""
    return asyncio.create_task(at.send(**more))


async def settle(turns: int = 12) -> None:
    """Let everything that can happen now happen."""
    for _ in range(turns):
        await asyncio.sleep(0)


def ends(at: World) -> dict[str, Event]:
    """The end of each call, of which there is exactly one."""
    final = [one for one in at.events if one.final]
    assert len({one.call.id for one in final}) == len(final)
    assert {one.call.id for one in at.events} == {one.call.id for one in final}
    assert not at.gateway.running
    return {one.call.id: one for one in final}


@virtual
async def test_sent_once_and_answered_to_all() -> None:
    """One request; each has its own id, its own row with one end, and says who was sent. Usage is counted once."""
    at = world(ok())
    tasks = [start(at, ref=f"r{i}") for i in range(3)]
    replies = [await task for task in tasks]
    await settle()
    assert len(at.upstream.sent) == 1
    assert [body for _, body in replies] == [chat_answer()] * 3
    lead = at.upstream.sent[0].id
    shared = [dict(reply.headers).get("X-Sluice-Shared-With") for reply, _ in replies]
    assert shared == [None, lead, lead]
    assert len({dict(reply.headers)["X-Sluice-Call"] for reply, _ in replies}) == 3
    done = ends(at)
    assert {end.kind for end in done.values()} == {"done"}
    assert sorted(end.usage.total for end in done.values() if end.usage) == [0, 0, 11]
    mate = replies[1][0].call
    assert at.kinds(mate) == ["queued", "joined", "first_byte", "done"]
    joined = next(one for one in at.events if one.kind == "joined")
    assert joined.company is not None
    assert (joined.company.how, joined.company.call) == ("same", lead)
    assert done[mate.id].body == chat_answer()
    assert at.gateway.sharing()["same"] == 2
    assert at.in_flight() == 0


@pytest.mark.parametrize(
    "other",
    [
        {"model": "gpt-4"},
        {"headers": (("Authorization", "Bearer CANARY-other-key-0123456789"), ("Content-Type", "application/json"))},
        {"target": "/v1/chat/completions?x=1"},
        {"stream": True},
        {"deadline_s": 30.0},
        {"wish": Wish(coalesce=False)},
        {"explain": "off"},
        {"wish": Wish(fallback=False)},
    ],
)
def test_what_is_not_identical(other: dict[str, Any]) -> None:
    """Another model, key, target or body, a deadline of its own, a call that does not want it, or that nobody else may
    answer: sent by itself."""

    @virtual
    async def main() -> None:
        at = world(ok())
        await asyncio.gather(start(at), start(at, **other))
        assert len(at.upstream.sent) == 2

    main()


@virtual
async def test_who_asks_does_not_matter() -> None:
    """Another program, its tracing, its language: still the same question."""
    at = world(ok())
    key = (("Authorization", "Bearer CANARY-gateway-key-0123456789"), ("Content-Type", "application/json"))
    ours = (("User-Agent", "curl/8"), ("X-Stainless-Retry-Count", "1"), ("traceparent", "00-1-2-01"))
    await asyncio.gather(start(at), start(at, headers=(*key, *ours), language="ko", client="x"))
    assert len(at.upstream.sent) == 1


@virtual
async def test_off_unless_wanted() -> None:
    """Without the setting nothing is shared; the call may ask for it; patterns name models and hosts."""
    at = World(ok())
    await asyncio.gather(start(at), start(at))
    assert len(at.upstream.sent) == 2
    at = World(ok())
    await asyncio.gather(start(at, wish=Wish(coalesce=True)), start(at, wish=Wish(coalesce=True)), start(at))
    assert len(at.upstream.sent) == 2
    for pattern, times in (("gpt-4*", 1), ("api.openai.com", 1), ("claude-*", 2)):
        at = world(ok(), rules=Rules(coalesce=(pattern,)))
        await asyncio.gather(start(at), start(at))
        assert len(at.upstream.sent) == times, pattern


@virtual
async def test_after_the_end_it_is_a_new_question() -> None:
    """Only what is under way is shared: an answer that has ended is not given again."""
    at = world(ok(chat_answer("one")), ok(chat_answer("two")))
    first = (await at.send())[1]
    await settle()
    assert first != (await at.send())[1]


@virtual
async def test_a_stream_is_joined_in_the_middle() -> None:
    """Who comes late gets the beginning from what was kept, then the rest as it comes."""
    gate = asyncio.Event()
    at = world(ok(STREAM[0], STREAM[1], gate, *STREAM[2:], headers=SSE))
    reply = await at.gateway.send(at.call(stream=True))
    assert await anext(reply.chunks) == STREAM[0]
    late = await at.gateway.send(at.call(stream=True))
    assert await anext(late.chunks) == STREAM[0]
    assert await anext(late.chunks) == STREAM[1]
    gate.set()
    assert await body_of(late) == b"".join(STREAM[2:])
    assert await body_of(reply) == b"".join(STREAM[1:])
    assert len(at.upstream.sent) == 1
    assert {end.kind for end in ends(at).values()} == {"done"}


@pytest.mark.parametrize("when", ["queue", "wire", "stream"])
def test_the_first_one_leaves(when: str) -> None:
    """Out of the queue, before the answer, in the middle of it: the others get all of it, and its row goes on for them
    until the sending ends."""

    @virtual
    async def main() -> None:
        gate = asyncio.Event()
        pieces = (gate, *STREAM) if when == "wire" else (STREAM[0], gate, *STREAM[1:])
        at = world(ok(*pieces, headers=SSE), origin=limited(ONE_A_MINUTE))
        if when == "queue":
            await at.pacer.acquire(at.call(model="gpt-4o", body=b"{}"))
        first = asyncio.create_task(at.gateway.send(at.call(stream=True)))
        await settle()
        mate = start(at, stream=True)
        await settle()
        if when == "stream":
            reply = await first
            assert await anext(reply.chunks) == STREAM[0]
            await reply.chunks.aclose()  # type: ignore[attr-defined]
        else:
            first.cancel()
        await settle()
        gate.set()
        assert (await mate)[1] == b"".join(STREAM)
        await settle()
        lead = at.upstream.sent[0].id
        assert "left" in [one.kind for one in at.events if one.call.id == lead]
        assert {end.kind for end in ends(at).values()} == {"done"}

    main()


@virtual
async def test_the_last_one_leaving_ends_it() -> None:
    """Two leave one after the other: then the request is closed, and both rows say so."""
    gate = asyncio.Event()
    answer = ok(STREAM[0], gate, headers=SSE)
    at = world(answer)
    tasks = [asyncio.create_task(at.gateway.send(at.call(stream=True))) for _ in range(2)]
    replies = [await task for task in tasks]
    await replies[0].chunks.aclose()  # type: ignore[attr-defined]
    await settle()
    assert not answer.closed
    await replies[1].chunks.aclose()  # type: ignore[attr-defined]
    await settle()
    assert answer.closed
    assert {end.kind for end in ends(at).values()} == {"cancelled"}
    assert at.in_flight() == 0


@virtual
async def test_who_comes_while_it_is_being_stopped() -> None:
    """The last one has left in this instant: the next one begins anew and is not stopped with it."""
    at = world(ok(STREAM[0], asyncio.Event(), headers=SSE), ok(*STREAM, headers=SSE))
    first = await at.gateway.send(at.call(stream=True))
    await first.chunks.aclose()  # type: ignore[attr-defined]
    assert (await at.send(stream=True))[1] == b"".join(STREAM)
    await settle()
    assert sorted(end.kind for end in ends(at).values()) == ["cancelled", "done"]


@virtual
async def test_somebody_cancels_one_of_them() -> None:
    """By id: the first or another one, each alone is told so; the rest get their answer."""
    at = world(ok(), origin=limited(ONE_A_MINUTE))
    await at.pacer.acquire(at.call(body=b"{}"))
    tasks = [start(at, ref=f"r{i}") for i in range(3)]
    await settle()
    assert at.gateway.cancel("r0")
    assert at.gateway.cancel("r1")
    for task in tasks[:2]:
        with pytest.raises(Cancelled):
            await task
    assert (await tasks[2])[1] == chat_answer()
    await settle()
    assert sorted(end.kind for end in ends(at).values()) == ["cancelled", "done", "done"]


@virtual
async def test_somebody_cancels_the_only_one() -> None:
    """Waiting or on the wire: as without sharing."""
    at = world(asyncio.Event())
    task = start(at, ref="me")
    await settle()
    assert at.gateway.cancel("me")
    with pytest.raises(Cancelled):
        await task
    await settle()
    assert [end.reason for end in ends(at).values()] == ["the call was cancelled, as asked"]
    assert at.in_flight() == 0


@virtual
async def test_a_failure_in_each_one_s_words() -> None:
    """The same status and finding, each with its own id, language and mode; the second says that it was not sent."""
    at = world(no_credit())
    (one, body_one), (two, body_two), (three, body_three) = await asyncio.gather(
        start(at), start(at, language="ko"), start(at, explain="field")
    )
    await settle()
    assert [reply.status for reply in (one, two, three)] == [429] * 3
    first, second = (json.loads(body)["error"] for body in (body_one, body_two))
    assert first["sluice"]["subtype"] == second["sluice"]["subtype"] == "insufficient_quota"
    assert first["sluice"]["call"] != second["sluice"]["call"]
    assert (first["sluice"]["language"], second["sluice"]["language"]) == ("en", "ko")
    assert at.upstream.sent[0].id in second["sluice"]["evidence"]
    assert at.upstream.sent[0].id not in first["sluice"]["evidence"]
    assert "똑같은 요청" in second["sluice"]["evidence"]
    third = json.loads(body_three)["error"]
    assert third["message"] == third["sluice"]["original"] != first["message"]
    assert dict(two.headers)["X-Sluice-Shared-With"] == at.upstream.sent[0].id
    assert {end.kind for end in ends(at).values()} == {"failed"}
    assert len(at.upstream.sent) == 1


@virtual
async def test_a_rate_limit_is_waited_out_for_all() -> None:
    """The sending is held and sent again; nobody else is sent for it."""
    at = world(rate_limited("2"), ok())
    replies = await asyncio.gather(start(at), start(at))
    assert [body for _, body in replies] == [chat_answer()] * 2
    assert dict(replies[1][0].headers)["X-Sluice-Attempts"] == "2"
    assert len(at.upstream.sent) == 2


@virtual
async def test_a_cut_is_a_cut_for_all() -> None:
    """Nobody's part looks whole, and each row is a failure of its own."""
    at = world(ok(*STREAM[:2], "truncated", headers=SSE))
    for one in await asyncio.gather(start(at, stream=True), start(at, stream=True), return_exceptions=True):
        assert isinstance(one, StreamCut)
    await settle()
    assert [end.kind for end in ends(at).values()] == ["failed"] * 2


@virtual
async def test_an_end_that_is_none_is_a_failure_for_all() -> None:
    """A stream without its closing mark: the bytes go on as they came, both rows say that it was not whole."""
    at = world(ok(*STREAM[:2], headers=SSE))
    replies = await asyncio.gather(start(at, stream=True), start(at, stream=True))
    assert [body for _, body in replies] == [b"".join(STREAM[:2])] * 2
    await settle()
    assert [end.kind for end in ends(at).values()] == ["failed"] * 2


@virtual
async def test_our_own_refusals_are_shared() -> None:
    """A full queue, a daemon that stops: each is refused, and each refusal names its own call."""
    at = world(ok(), pacing=PacingSettings(max_waiting=0), origin=limited(ONE_A_MINUTE))
    calls = [at.call(), at.call()]
    refusals = await asyncio.gather(*(at.gateway.send(call) for call in calls), return_exceptions=True)
    assert [type(one) for one in refusals] == [QueueFull] * 2
    assert [one.facts["call"] for one in refusals] == [call.id for call in calls]  # type: ignore[union-attr]
    at = world(ok(), origin=limited(ONE_A_MINUTE))
    await at.pacer.acquire(at.call(body=b"{}"))
    tasks = [start(at), start(at)]
    await settle()
    await at.pacer.close()
    assert [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == [ShuttingDown] * 2
    await settle()
    assert [end.kind for end in ends(at).values()] == ["failed"] * 2


@virtual
async def test_a_person_who_joins_lifts_it() -> None:
    """A batch's call waits behind others; as soon as somebody waits for the same answer, it goes first, also when it
    has to be sent again."""
    at = world(rate_limited("1"), ok(), origin=limited(ONE_A_MINUTE))
    await at.pacer.acquire(at.call(body=b"{}"))
    low = start(at, priority=Priority.BATCH)
    await settle()
    assert [row["priority"] for row in at.pacer.queue()] == ["batch"]
    high = start(at, priority=Priority.INTERACTIVE)
    await settle()
    assert [row["priority"] for row in at.pacer.queue()] == ["interactive"]
    await asyncio.sleep(60.5)
    assert at.events[-1].kind == "held"
    assert [row["priority"] for row in at.pacer.queue()] == ["interactive"]
    await asyncio.gather(low, high)


@virtual
async def test_one_of_them_is_promoted() -> None:
    """By the id of any of them: it is the one that waits in the queue which moves."""
    at = world(ok(), origin=limited(ONE_A_MINUTE))
    await at.pacer.acquire(at.call(body=b"{}"))
    tasks = [start(at, ref=f"r{i}") for i in range(2)]
    await settle()
    mate = next(call for call in at.gateway.running.values() if call.ref == "r1")
    assert at.gateway.promote(mate.id, Priority.INTERACTIVE)
    assert [row["priority"] for row in at.pacer.queue()] == ["interactive"]
    assert not at.gateway.promote("nobody", Priority.BATCH)
    await asyncio.gather(*tasks)
    assert not at.gateway.promote(mate.id, Priority.BATCH)


@virtual
async def test_calls_that_share_nothing_cost_one_look() -> None:
    """The parts that share are not even touched: what is sent is the very body, and the way is the one of old."""
    at = World(ok())
    at.gateway.shared = None  # type: ignore[assignment]
    at.gateway.batches = None  # type: ignore[assignment]
    at.gateway.kept = None  # type: ignore[assignment]
    call = at.call()
    assert call.sharing is None
    reply = await at.gateway.send(call)
    assert await body_of(reply) == chat_answer()
    assert at.upstream.sent[0] is call
    assert [name for name, _ in reply.headers] == ["Content-Type", "X-Sluice-Call", "X-Sluice-Attempts"]
    assert at.kinds() == ["queued", "admitted", "sent", "answered", "first_byte", "done"]


@virtual
async def test_a_slow_reader_holds_nobody_up() -> None:
    """One client takes nothing: the other gets the whole of a long answer, and the slow one a cut."""
    long = [event("x" * 60_000) for _ in range(400)]
    at = world(ok(*long, event(finish_reason="stop"), DONE, headers=SSE))
    slow, fast = [await at.gateway.send(at.call(stream=True)) for _ in range(2)]
    assert len(await body_of(fast)) > 24_000_000
    await settle()
    with pytest.raises(StreamCut):
        await body_of(slow)
    assert slow.call.id == at.upstream.sent[0].id


@virtual
async def test_an_error_status_other_than_ours_is_the_same_for_all() -> None:
    """A 400 is given to both, and each can be looked up by its own id."""
    at = world(error(400, "bad", kind="invalid_request_error"))
    replies = await asyncio.gather(start(at), start(at))
    assert [reply.status for reply, _ in replies] == [400, 400]
    assert len(ends(at)) == 2


@virtual
async def test_lists_and_files_are_never_shared() -> None:
    """Only what asks a model is: the answer to a GET may change at any moment."""
    at = world(Answer(200, (), b"{}"))
    await asyncio.gather(*(start(at, method="GET", target="/v1/models", body=b"") for _ in range(2)))
    assert len(at.upstream.sent) == 2


@pytest.mark.parametrize("asker_first", [True, False])
@virtual
async def test_who_asked_for_usage_has_it(asker_first: bool) -> None:
    """The same bytes go out for a client that asks for the figures in the stream and for one for whom Sluice does; only
    the first one gets them, whoever came first."""
    figures = b'data: {"id":"x","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":9}}\n\n'
    answer = ok(*STREAM[:-1], figures, DONE, headers=SSE)
    at = world(answer, origin=Origin("api.openai.com", "https://api.openai.com", "openai", include_usage=True))
    silent = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}'
    bodies = [asking_for_usage(silent), silent]
    tasks = [start(at, body=body) for body in (bodies if asker_first else bodies[::-1])]
    answers = [figures in body for _, body in await asyncio.gather(*tasks)]
    assert answers == [asker_first, not asker_first]
