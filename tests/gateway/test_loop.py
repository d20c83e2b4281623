"""The story of one call, with the real pacer and catalogue and an upstream that plays a script, in virtual time."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from daemon.errors import Cancelled, DeadlineExceeded, OverBudget, QueueFull, ShuttingDown, UnknownHost
from daemon.gateway import Stop
from daemon.model import Call, Event, Limit, Priority, Usage
from daemon.pacing import PacingSettings
from daemon.phrases import phrase
from daemon.spending import Budget
from daemon.usage import Budgets
from gateway.scripted import (
    EPOCH,
    HIDDEN,
    JSON,
    KEY,
    ONE_A_MINUTE,
    SSE,
    STREAM,
    Answer,
    World,
    body_of,
    chat_answer,
    error,
    error_in,
    event,
    limited,
    no_credit,
    ok,
    rate_limited,
    virtual,
)

# ---- success


@virtual
async def test_success() -> None:
    """The answer as it came, our two fields, the events in order, the real usage, and the permit given back."""
    world = World(ok(headers=(("Content-Type", "application/json"), ("X-Request-Id", "r"), ("Connection", "close"))))
    reply, body = await world.send()
    assert (reply.status, body, reply.explanation) == (200, chat_answer(), None)
    fields = dict(reply.headers)
    assert fields == {
        "Content-Type": "application/json",
        "X-Request-Id": "r",
        "X-Sluice-Call": reply.call.id,
        "X-Sluice-Attempts": "1",
    }
    assert world.kinds() == ["queued", "admitted", "sent", "answered", "first_byte", "done"]
    done = world.last()
    assert done.usage is not None
    assert (done.usage.input, done.usage.output, done.bytes_out, done.status) == (9, 2, len(body), 200)
    assert done.body == body
    assert world.in_flight() == 0


@virtual
async def test_redirects() -> None:
    """A redirect of a GET goes to the client as it is; that of a POST is no success."""
    there = (("Location", "https://elsewhere.example/"),)
    reply, _ = await World(Answer(302, there)).send(method="GET", target="/v1/models", body=b"")
    assert (reply.status, dict(reply.headers)["Location"]) == (302, "https://elsewhere.example/")
    reply, _ = await World(Answer(302, there)).send()
    assert reply.status == 502
    assert "Location" not in dict(reply.headers)


# ---- sent again


@virtual
async def test_a_rate_429_is_waited_out() -> None:
    """One reply, sent twice; each step is told; the time is what the provider said."""
    world = World(rate_limited("2"), ok())
    began = asyncio.get_running_loop().time()
    reply, body = await world.send()
    assert 1.9 < asyncio.get_running_loop().time() - began < 6
    assert (reply.status, body) == (200, chat_answer())
    assert dict(reply.headers)["X-Sluice-Attempts"] == "2"
    first, second = ["admitted", "sent", "answered", "failed", "held"], ["admitted", "sent", "answered", "first_byte"]
    assert world.kinds() == ["queued", *first, *second, "done"]
    failed = world.events[4]
    assert not failed.final
    assert failed.explanation is not None
    assert failed.explanation.finding.family == "rate"
    assert failed.explanation.now
    held = world.events[5]
    assert (held.attempt, bool(held.reason)) == (1, True)
    assert held.wait_s is not None
    assert 1.9 < held.wait_s < 6
    assert [answer.closed for answer in world.upstream.outcomes] == [1, 1]  # type: ignore[union-attr]
    assert world.in_flight() == 0


@pytest.mark.parametrize(("limit", "said"), [(3, "2s"), (500, "120ms")])
@virtual
async def test_the_wait_that_a_refusal_names_is_believed(limit: int, said: str) -> None:
    """Limit and use in the text do not make the wait a whole window when the same text says when it fits."""
    text = f"Rate limit reached for gpt-4o on requests per min (RPM): Limit {limit}, Used {limit}, Requested 1. "
    again = error(429, f"{text}Please try again in {said}.", kind="requests", code="rate_limit_exceeded")
    world = World(again, ok())
    began = asyncio.get_running_loop().time()
    assert (await world.send())[0].status == 200
    assert asyncio.get_running_loop().time() - began < 6


@virtual
async def test_rate_429s_without_end_are_given_up() -> None:
    """After a number of them the client gets the last one, explained."""
    world = World(rate_limited("1"))
    reply, body = await world.send()
    assert reply.status == 429
    assert error_in(body)["sluice"]["family"] == "rate"
    assert error_in(body)["code"] == "rate_limit_exceeded"
    assert len(world.upstream.sent) == PacingSettings().rate_tries
    assert world.last().kind == "failed"


@virtual
async def test_nothing_sent_is_sent_again() -> None:
    """A refused connection costs nothing, so another try follows."""
    world = World("refused", "dns", ok())
    reply, _ = await world.send()
    assert (reply.status, dict(reply.headers)["X-Sluice-Attempts"]) == (200, "3")


@virtual
async def test_an_unreachable_provider_is_given_up() -> None:
    """A 502 that says what is not reachable."""
    world = World("refused")
    reply, body = await world.send()
    assert reply.status == 502
    assert "nothing listens" in error_in(body)["message"]
    assert error_in(body)["sluice"]["family"] == "network"
    assert world.last().kind == "failed"


@pytest.mark.parametrize("fault", ["reset", "first_byte_timeout"])
@virtual
async def test_what_was_sent_and_lost_is_not_sent_again(fault: Any) -> None:
    """It may have been paid for: 502 at once, and the client decides. Its question counts as used."""
    world = World(fault, ok())
    reply, _ = await world.send()
    assert reply.status == 502
    assert len(world.upstream.sent) == 1
    assert world.last().usage == Usage(input=round(reply.call.estimate.input), reported=False)


@virtual
async def test_unless_the_user_wants_it() -> None:
    """The setting resend_after_reset says that paying twice is better."""
    world = World("reset", ok(), origin=limited(resend_after_reset=True))
    assert (await world.send())[0].status == 200


@virtual
async def test_an_overloaded_provider_is_tried_again() -> None:
    """503 and 529 clear by themselves."""
    world = World(error(503, "The server is overloaded", kind="server_error"), ok())
    assert (await world.send())[0].status == 200


# ---- not sent again


@virtual
async def test_no_credit_comes_back_at_once() -> None:
    """Sent once, no time passes, status and code stay, and the line says what it is."""
    world = World(no_credit())
    began = asyncio.get_running_loop().time()
    reply, body = await world.send()
    assert asyncio.get_running_loop().time() == began
    assert (reply.status, len(world.upstream.sent)) == (429, 1)
    assert error_in(body)["code"] == "insufficient_quota"
    assert error_in(body)["sluice"]["subtype"] == "insufficient_quota"
    assert error_in(body)["sluice"]["call"] == reply.call.id
    assert reply.explanation is not None
    assert reply.explanation.finding.retry == "never"
    final = world.last()
    assert (final.kind, final.final, final.status) == ("failed", True, 429)
    assert final.failure is not None


@virtual
async def test_no_credit_for_all_who_wait() -> None:
    """Those who wait for the same key get the same answer at once, without being sent."""
    world = World(no_credit(), origin=limited(ONE_A_MINUTE))
    replies = await asyncio.gather(*[world.send() for _ in range(5)])
    assert [reply.status for reply, _ in replies] == [429] * 5
    assert {error_in(body)["code"] for _, body in replies} == {"insufficient_quota"}
    assert len(world.upstream.sent) == 1
    assert not world.gateway.running
    assert sum(event.final for event in world.events) == 5


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "invalid_request_error"), (401, "authentication_error"), (404, "not_found_error")]
)
@virtual
async def test_other_errors_come_back_at_once(status: int, kind: str) -> None:
    """Status and type stay."""
    world = World(error(status, "No.", kind=kind))
    reply, body = await world.send()
    assert (reply.status, error_in(body)["type"], len(world.upstream.sent)) == (status, kind, 1)


@virtual
async def test_a_compressed_error_is_explained() -> None:
    """The packed body is understood, and the client gets a plain one."""
    packed = gzip.compress(b"".join(piece for piece in no_credit().pieces if isinstance(piece, bytes)))
    world = World(Answer(429, (("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))), packed))
    reply, body = await world.send()
    assert error_in(body)["sluice"]["subtype"] == "insufficient_quota"
    assert "Content-Encoding" not in dict(reply.headers)


@virtual
async def test_a_call_that_can_never_fit() -> None:
    """A prompt larger than the whole window is refused as the provider would, without being sent."""
    world = World(ok(), origin=limited(Limit("tokens", 100, 60.0, "minute")))
    text = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "word " * 5000}]}).encode()
    reply, body = await world.send(body=text)
    assert reply.status == 429
    assert error_in(body)["sluice"]["subtype"] == "request_too_large"
    assert world.upstream.sent == []
    assert world.last().kind == "failed"


@virtual
async def test_a_call_that_can_never_fit_after_another_refusal() -> None:
    """What was said to an earlier call about its credit is not said to a call that is too large."""
    world = World(no_credit(), ok(), origin=limited(Limit("tokens", 100, 60.0, "minute")))
    await world.send()
    await asyncio.sleep(100)
    await world.send()
    text = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "word " * 5000}]}).encode()
    for explain in ("inline", "off"):
        _, body = await world.send(body=text, explain=explain)
        assert error_in(body)["sluice"]["subtype"] == "request_too_large"
        assert b"credit" not in body


# ---- how errors are explained


@virtual
async def test_explain_modes() -> None:
    """inline: our line; field: the provider's; off: the provider's bytes."""
    original = next(piece for piece in no_credit().pieces if isinstance(piece, bytes))
    _, inline = await World(no_credit()).send()
    _, field = await World(no_credit(), explain="field").send()
    _, off = await World(no_credit()).send(explain="off")
    said = json.loads(original)["error"]["message"]
    assert error_in(inline)["message"] != said
    assert error_in(inline)["sluice"]["original"] == said
    assert error_in(field)["message"] == said
    assert error_in(field)["sluice"]["subtype"] == "insufficient_quota"
    assert off == original


@virtual
async def test_off_leaves_a_hidden_error_where_it_is() -> None:
    """No byte and no status changes; the journal knows all the same."""
    world = World(ok(HIDDEN))
    reply, body = await world.send(explain="off")
    assert (reply.status, body) == (200, HIDDEN)
    assert world.last().kind == "failed"


@virtual
async def test_no_key_in_what_is_said() -> None:
    """A provider that repeats the key in its error: no event's explanation has it."""
    text = f"Incorrect API key provided: {KEY}. You can find your API key at the platform."
    world = World(error(401, text, kind="invalid_request_error", code="invalid_api_key"))
    reply, _ = await world.send()
    assert reply.explanation is not None
    assert KEY not in json.dumps(reply.explanation.as_json())
    assert KEY not in repr([event.explanation for event in world.events])


# ---- clients that leave, and cancelling


@virtual
async def test_leaving_while_queued() -> None:
    """Nothing is sent, and nothing is charged."""
    world = World(ok(), origin=limited(ONE_A_MINUTE))
    await world.send()
    call = world.call()
    task = asyncio.create_task(world.gateway.send(call))
    await asyncio.sleep(0)
    assert world.kinds(call) == ["queued"]
    assert world.events[-1].reason
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.kinds(call) == ["queued", "cancelled"]
    assert world.last().reason == "the client left"
    assert len(world.upstream.sent) == 1


@virtual
async def test_cancelling_a_queued_call() -> None:
    """By its own id or the client's: the client is told, nothing is sent."""
    world = World(ok(), origin=limited(ONE_A_MINUTE))
    await world.send()
    call = world.call(ref="mine")
    task = asyncio.create_task(world.gateway.send(call))
    await asyncio.sleep(0)
    assert not world.gateway.cancel("other")
    assert world.gateway.cancel("mine")
    with pytest.raises(Cancelled) as refusal:
        await task
    assert refusal.value.facts["call"] == call.id
    assert world.last().kind == "cancelled"
    assert not world.gateway.cancel(call.id)
    assert len(world.upstream.sent) == 1


@virtual
async def test_cancelling_a_call_on_the_wire() -> None:
    """The client, who is still there, gets a refusal and not just a closed connection."""
    world = World(asyncio.Event())
    call = world.call()
    task = asyncio.create_task(world.gateway.send(call))
    await world.upstream.asked.wait()
    assert world.gateway.cancel(call.id)
    with pytest.raises(Cancelled, match="as asked"):
        await task
    assert (world.last().kind, world.last().reason) == ("cancelled", "the call was cancelled, as asked")
    assert world.in_flight() == 0


def ended() -> Stop:
    """The daemon ends, and its time for that is over."""
    reason = phrase("ended.drained", seconds=20, setting="drain")
    told = phrase("refused.drained", seconds=20, setting="drain")
    return Stop(reason, told, phrase("refused.drained_unsent", seconds=20, setting="drain"), ShuttingDown)


@virtual
async def test_cut_for_a_reason() -> None:
    """Who is on the wire and who waits are both told why, and what to do; the journal says it, too."""
    world = World(asyncio.Event(), origin=limited(Limit("concurrency", 1)))
    calls = [world.call(), world.call()]
    tasks = [asyncio.create_task(world.gateway.send(call)) for call in calls]
    await world.upstream.asked.wait()
    assert world.gateway.cancel(calls[1].id, ended())
    assert world.gateway.cancel(calls[0].id, ended())
    said = (r"20 s \(setting drain\); .*may have begun to answer", r"still waited after 20 s \(setting drain\)")
    for task, words in zip(tasks, said, strict=True):
        with pytest.raises(ShuttingDown, match=rf"{words}; send it again"):
            await task
    reasons = [event.reason for event in world.events if event.final]
    assert ["setting drain" in reason for reason in reasons] == [True, True]
    assert world.in_flight() == 0


@virtual
async def test_a_client_that_takes_nothing() -> None:
    """The journal does not say that it left: it is there, and has not read for the time of the setting."""
    world = World(ok(event("Hel"), asyncio.Event(), headers=SSE))
    call = world.call(stream=True)
    reply = await world.gateway.send(call)
    await anext(reply.chunks)
    world.gateway.unread(call.id, 600.0)
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    assert world.last().kind == "cancelled"
    assert world.last().reason == "the client has not taken its answer for 600 s (setting timeouts.client)"
    world.gateway.unread(call.id, 600.0)
    assert not world.gateway.running


@virtual
async def test_cancelling_in_mid_stream() -> None:
    """Whoever reads the body is stopped, and the reason is not that the client left."""
    world = World(ok(event("Hel"), asyncio.Event(), headers=SSE))
    call = world.call(stream=True)

    async def read() -> None:
        await body_of(await world.gateway.send(call))

    task = asyncio.create_task(read())
    await world.upstream.asked.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.kinds()[-1] == "first_byte"
    assert world.gateway.cancel(call.id)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.last().reason == "the call was cancelled, as asked"


@virtual
async def test_without_a_network_a_call_waits() -> None:
    """More often than `tries`; when the network is back the client gets its answer, and was told what it waited for."""
    world = World(*["offline"] * 9, ok())
    reply, _ = await world.send()
    assert (reply.status, len(world.upstream.sent)) == (200, 10)
    held = [event.reason for event in world.events if event.kind == "held"]
    assert held == ["the network: there is no way to api.openai.com just now"] * 9


@virtual
async def test_a_network_that_does_not_come_back() -> None:
    """The failure is told as any that cannot be reached, with the setting that says how long it was waited for."""
    world = World("offline")
    for more, longest, setting in (
        ({}, 600, "queue.max_wait"),
        ({"priority": Priority.INTERACTIVE}, 90, "queue.max_wait_interactive"),
        ({"deadline_s": 30.0}, 30, "X-Sluice-Deadline"),
    ):
        began = asyncio.get_running_loop().time()
        reply, body = await world.send(**more)
        assert reply.status == 502
        assert asyncio.get_running_loop().time() - began == pytest.approx(longest, abs=0.2)
        told = error_in(body)["sluice"]
        assert (told["subtype"], told["family"]) == ("unreachable", "network")
        assert f"(setting {setting})" in told["evidence"]


# ---- refusals of ours


@virtual
async def test_an_unknown_host() -> None:
    """Nothing begins."""
    world = World(ok())
    with pytest.raises(UnknownHost):
        world.call(host="evil.example")
    assert world.events == []


@virtual
async def test_a_deadline() -> None:
    """A call that could not go in time is refused at once, with when it could."""
    world = World(ok(), origin=limited(ONE_A_MINUTE))
    await world.send()
    with pytest.raises(DeadlineExceeded) as refusal:
        await world.send(deadline_s=1.0)
    assert float(str(refusal.value.facts["retry_after_s"])) > 1
    assert refusal.value.facts["call"] == world.events[-1].call.id
    assert (world.last().kind, bool(world.last().reason)) == ("failed", True)


@virtual
async def test_a_full_queue() -> None:
    """One more than may wait is refused; the others are answered."""
    world = World(ok(), origin=limited(Limit("requests", 1, 1.0, "second")), pacing=PacingSettings(max_waiting=2))
    outcomes = await asyncio.gather(*[world.send() for _ in range(5)], return_exceptions=True)
    assert sum(isinstance(outcome, QueueFull) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 3
    assert sum(event.final for event in world.events) == 5


@virtual
async def test_stopping() -> None:
    """What waits is told, and what runs is waited for."""
    go_on = asyncio.Event()
    world = World(ok(event("Hel"), go_on, *STREAM[1:], headers=SSE), origin=limited(Limit("concurrency", 1)))
    running = asyncio.create_task(world.send(stream=True))
    await world.upstream.asked.wait()
    waiting = asyncio.create_task(world.send())
    await asyncio.sleep(0)
    await world.pacer.close()
    with pytest.raises(ShuttingDown):
        await waiting
    drained = asyncio.create_task(world.gateway.drained())
    await asyncio.sleep(0)
    assert not drained.done()
    go_on.set()
    await drained
    assert (await running)[0].status == 200


# ---- when something of ours breaks


@virtual
async def test_a_broken_reader_loses_no_call() -> None:
    """A journal or log that raises is not heard by the client, and the other readers go on."""

    def broken(event: Event) -> None:
        raise OSError("disk full")

    events: list[Event] = []
    world = World(ok(), sinks=(broken, events.append))
    reply, _ = await world.send()
    assert reply.status == 200
    assert events[-1].kind == "done"


@virtual
async def test_every_call_ends_once() -> None:
    """A mixed crowd: each call has exactly one final event, at the end, and nothing is left."""
    world = World(
        rate_limited("1"), ok(), error(500, "Oops", kind="server_error"), ok(*STREAM, headers=SSE), "reset", ok()
    )
    tasks = [asyncio.create_task(world.send(stream=n % 2 == 0)) for n in range(30)]
    await asyncio.sleep(0.01)
    for task in tasks[::7]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    by_call: dict[str, list[Event]] = {}
    for one in world.events:
        by_call.setdefault(one.call.id, []).append(one)
    assert len(by_call) >= 25
    assert all([e.final for e in events].count(True) == 1 and events[-1].final for events in by_call.values())
    assert not world.gateway.running
    assert world.in_flight() == 0


# ---- budgets


class Purse:
    """An allowance that plays a script; the last word again and again."""

    def __init__(self, *words: tuple[float, str] | OverBudget | None) -> None:
        self.words = list(words)
        self.asked = 0

    def holds(self, call: Call) -> tuple[float, str] | None:
        """The next word."""
        self.asked += 1
        word = self.words[min(self.asked, len(self.words)) - 1]
        if isinstance(word, OverBudget):
            raise word
        return word


@virtual
async def test_over_budget_before_it_lines_up() -> None:
    """Nothing is sent, and the call ends once, with the words."""
    world = World(ok(), allowance=Purse(OverBudget("used up")))
    with pytest.raises(OverBudget):
        await world.send()
    assert not world.upstream.sent
    assert world.kinds() == ["queued", "failed"]
    assert world.last().reason == "used up"


@virtual
async def test_over_budget_while_it_waited() -> None:
    """A budget that was used up meanwhile is noticed when the call may go; its permit is given back uncharged."""
    origin = limited(ONE_A_MINUTE)
    world = World(ok(), origin=origin, allowance=Purse(None, OverBudget("used up"), None))
    start = asyncio.get_running_loop().time()
    with pytest.raises(OverBudget):
        await world.send()
    assert not world.upstream.sent
    await world.send()
    assert asyncio.get_running_loop().time() < start + 1.0


@virtual
async def test_held_for_a_new_day() -> None:
    """A held call waits so long, says for what, and goes."""
    world, start = World(ok(), allowance=Purse((300.0, "a new day"), None)), asyncio.get_running_loop().time()
    task = asyncio.create_task(world.send())
    await asyncio.sleep(1)
    [row] = world.pacer.queue()
    assert row["waits_for"] == "a new day"
    assert row["eta_at"] == pytest.approx(EPOCH + start + 300, abs=2)
    reply, _ = await task
    assert reply.status == 200
    assert asyncio.get_running_loop().time() >= start + 300.0


@virtual
async def test_what_is_on_its_way_is_waited_for() -> None:
    """A call whose estimate fills the budget holds the next one up, and no longer than it runs itself: it took less."""
    go_on, clock = asyncio.Event(), asyncio.get_running_loop().time
    purse = Budgets([Budget("day", "tokens", 60)], patience=lambda call: 600.0, clock=lambda: EPOCH + clock())
    events, start = list[Event](), clock()
    sinks = (purse.hear, events.append)
    world = World(ok(event("Hi"), go_on, *STREAM, headers=SSE), ok(), allowance=purse, sinks=sinks)
    first = asyncio.create_task(world.send(stream=True))
    await world.upstream.asked.wait()
    await asyncio.sleep(0.1)
    second = asyncio.create_task(world.send())
    await asyncio.sleep(29.9)
    [row] = world.pacer.queue()
    assert "60 tokens a day (0 used" in row["waits_for"]
    assert len(world.upstream.sent) == 1
    go_on.set()
    await first
    assert (await second)[0].status == 200
    assert clock() - start < 32.0
    [admitted] = [one for one in events if one.kind == "admitted" and not one.call.stream]
    assert admitted.wait_s is not None
    assert admitted.wait_s > 29.0


@virtual
async def test_a_hold_does_not_give_a_deadline_more_time() -> None:
    """Seconds count from the call's arrival, however often it lines up."""
    hold = (30.0, "a new day")
    world, start = World(ok(), allowance=Purse(hold, hold)), asyncio.get_running_loop().time()
    with pytest.raises(DeadlineExceeded):
        async with asyncio.timeout(600):
            await world.send(deadline_s=45.0)
    assert asyncio.get_running_loop().time() == pytest.approx(start + 30.0, abs=1)
    assert not world.upstream.sent
    assert world.in_flight() == 0


# ---- another model


@virtual
async def test_another_model_has_room() -> None:
    """Where one model's limit is in the way, the explanation and the refusal name one that was used and has room."""
    room = (("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59"))
    full = error(429, "Rate limit", kind="requests", code="rate_limit_exceeded", headers=(("Retry-After", "3000"),))
    world = World(ok(headers=(*JSON, *room)), full)
    await world.send(model="gpt-4o-mini")
    reply, _ = await world.send()
    assert reply.explanation is not None
    assert any("gpt-4o-mini" in action.text for action in reply.explanation.actions)
    with pytest.raises(DeadlineExceeded, match="gpt-4o-mini could take it now"):
        await world.send(deadline_s=1.0)
