"""Calls that cannot be answered where they were sent: another key, another model, another host."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any, Literal

import pytest

from daemon.errors import Cancelled, DeadlineExceeded, OverBudget
from daemon.fallback import Fallback, Place
from daemon.gateway import Rules, Wish
from daemon.model import Call, Limit, Origin, Way
from daemon.spending import Budget
from daemon.usage import Budgets, PriceList
from gateway.scripted import (
    KEY,
    Answer,
    Upstream,
    World,
    body_of,
    chat_answer,
    error,
    event,
    incoming,
    limited,
    no_credit,
    ok,
    rate_limited,
    virtual,
)  # fmt: skip

DEEPSEEK = Origin("api.deepseek.com", "https://api.deepseek.com", "deepseek")
LOCAL = Origin("localhost:11434", "http://localhost:11434", "ollama")
HOSTS = {"api.deepseek.com": DEEPSEEK, "localhost:11434": LOCAL}
THERE = "CANARY-deepseek-0123456789"
KEYS = {"DEEPSEEK_API_KEY": THERE, "KEY_WORK": "CANARY-work-0123456789", "KEY_HOME": "CANARY-home-0123456789"}
TO = (Place("deepseek-chat", "api.deepseek.com"), Place("llama3.1", "localhost:11434"))
RULE = Fallback(TO, ("api.openai.com",), ("gpt-4o*",), ("quota", "capacity"))
WAYS = (Way("work", None, "KEY_WORK"), Way("home", None, "KEY_HOME"))
OPENAI = Origin("api.openai.com", "https://api.openai.com", "openai", ways=WAYS)
ENDPOINTS = (Way("a", "https://a.example.com"), Way("b", "https://b.example.com"))
BARE = (("Content-Type", "application/json"),)


def world(*outcomes: Any, rule: Fallback = RULE, keys: dict[str, str] = KEYS, **more: Any) -> World:
    """A gateway that may send calls to the other two."""
    return World(*outcomes, origins=HOSTS, fallback=(rule,), key_of=keys.get, **more)


def field(headers: Any, name: str) -> str | None:
    """The value of a header field."""
    return next((value for found, value in headers if found == name), None)


def hosts(found: World) -> list[str]:
    """Where calls went."""
    return [call.origin.host for call in found.upstream.sent]


def out(call: Call) -> str:
    """All that went out of CALL."""
    fields = [f"{name}: {value.reveal()}" for name, value in call.headers]
    return "\n".join([call.target.reveal(), *fields, call.body.decode()])


def reasons(found: World, kind: str = "rerouted") -> list[str]:
    """What was said of each step of that KIND."""
    return [one.reason for one in found.events if one.kind == kind]


@virtual
async def test_the_next_one_answers() -> None:
    """No credit here, and the first other place answers: its key, its model, its name on the answer, in the events and
    in the status; the first key has not left its host."""
    there = world(no_credit(), ok())
    reply, body = await there.send()
    assert (reply.status, body) == (200, chat_answer())
    assert hosts(there) == ["api.openai.com", "api.deepseek.com"]
    assert field(reply.headers, "X-Sluice-Answered-By") == "api.deepseek.com deepseek-chat"
    assert field(reply.headers, "X-Sluice-Attempts") == "2"
    first, second = map(out, there.upstream.sent)
    assert KEY in first
    assert KEY not in second
    assert THERE in second
    assert json.loads(second.rpartition("\n")[2])["model"] == "deepseek-chat"
    assert there.kinds() == [
        "queued", "admitted", "sent", "answered", "failed", "rerouted", "admitted", "sent", "answered", "first_byte",
        "done",
    ]  # fmt: skip
    assert reasons(there) == [
        "api.openai.com gpt-4o: insufficient quota. It goes to api.deepseek.com deepseek-chat instead"
    ]
    assert there.last().call.origin is DEEPSEEK
    state = there.gateway.elsewhere.state()
    assert (state["rules"], state["moved"]) == (1, 1)
    assert there.in_flight() == 0


@virtual
async def test_one_after_the_other() -> None:
    """The second place cannot either: the third one, a local server, which gets no key at all."""
    there = world(no_credit(), error(503, "overloaded", kind="overloaded"), ok())
    reply, _ = await there.send()
    assert field(reply.headers, "X-Sluice-Answered-By") == "localhost:11434 llama3.1"
    assert hosts(there) == ["api.openai.com", "api.deepseek.com", "localhost:11434"]
    assert "CANARY" not in out(there.upstream.sent[2])


@virtual
async def test_when_all_fail_the_first_failure_comes_back() -> None:
    """With what else was tried: in a field, and in the explanation. The row is the first one's again."""
    unknown = error(401, "who?", kind="auth", code="invalid_api_key")
    there = world(no_credit(), error(402, "pay", kind="billing"), unknown)
    reply, body = await there.send()
    assert reply.status == 429
    told = json.loads(body)["error"]
    assert told["sluice"]["subtype"] == "insufficient_quota"
    assert "also tried: api.deepseek.com deepseek-chat" in told["sluice"]["evidence"]
    assert "also tried: localhost:11434 llama3.1 (invalid_api_key)" in told["sluice"]["evidence"]
    also = "api.deepseek.com deepseek-chat; localhost:11434 llama3.1"
    assert field(reply.headers, "X-Sluice-Also-Tried") == also
    assert field(reply.headers, "X-Sluice-Attempts") == "3"
    assert field(reply.headers, "X-Sluice-Answered-By") is None
    assert reasons(there)[-1] == "no other place could answer it; back to api.openai.com gpt-4o"
    assert (there.last().kind, there.last().call.origin.host) == ("failed", "api.openai.com")
    assert there.in_flight() == 0


@virtual
async def test_a_place_without_its_key_is_passed_over() -> None:
    """Nothing goes there; the events say so at once, and the explanation when nobody else can."""
    there = world(no_credit(), no_credit(), keys={})
    _, body = await there.send()
    assert hosts(there) == ["api.openai.com", "localhost:11434"]
    said = "api.deepseek.com deepseek-chat is passed over, since DEEPSEEK_API_KEY is not set where the daemon runs"
    assert reasons(there)[0] == said
    evidence = json.loads(body)["error"]["sluice"]["evidence"]
    assert "passed over, since DEEPSEEK_API_KEY is not set: api.deepseek.com deepseek-chat" in evidence


@virtual
async def test_capacity_goes_elsewhere_at_once() -> None:
    """What waiting would clear is not waited for when its kind is named; virtual time has not moved."""
    there = world(error(503, "overloaded", kind="overloaded"), ok())
    before = asyncio.get_running_loop().time()
    reply, _ = await there.send()
    assert field(reply.headers, "X-Sluice-Answered-By") == "api.deepseek.com deepseek-chat"
    assert asyncio.get_running_loop().time() - before < 1


@virtual
async def test_what_is_not_named_stays() -> None:
    """A bad request is answered where it was asked; so is another model, another host, what cannot be moved, and a call
    that wants nobody else."""
    bad = error(400, "no such field", kind="invalid_request_error")
    for more in (
        {"outcome": bad},
        {"model": "o3"},
        {"host": "api.anthropic.com"},
        {"target": "/v1/embeddings"},
        {"wish": Wish(fallback=False)},
    ):
        there = world(more.pop("outcome", no_credit()))
        reply, _ = await there.send(**more)
        assert reply.status >= 400
        assert len(there.upstream.sent) == 1
        assert "rerouted" not in there.kinds()


@virtual
async def test_a_long_wait_goes_elsewhere() -> None:
    """Ten minutes for a limit are more than `wait` allows: the other place answers now. A short wait is waited for."""
    limits = (Limit("requests", 1, 600.0),)
    there = world(ok(), rule=replace(RULE, on=(), wait_s=60.0), origin=limited(*limits))
    assert field((await there.send())[0].headers, "X-Sluice-Answered-By") == "api.openai.com gpt-4o"
    before = asyncio.get_running_loop().time()
    reply, _ = await there.send()
    assert field(reply.headers, "X-Sluice-Answered-By") == "api.deepseek.com deepseek-chat"
    assert asyncio.get_running_loop().time() - before < 1
    assert "it would wait" in reasons(there)[0]
    short = world(ok(), rule=replace(RULE, on=(), wait_s=700.0), origin=limited(*limits))
    await short.send()
    reply, _ = await short.send()
    assert hosts(short) == ["api.openai.com"] * 2


@virtual
async def test_a_long_wait_for_a_slot_goes_elsewhere() -> None:
    """A server that takes one call at a time: an answer has taken twenty seconds, and another call is under way."""
    rule = replace(RULE, on=(), wait_s=3.0)
    there = world(ok(), rule=rule, origin=limited(Limit("concurrency", 1)))
    permit = await there.pacer.acquire(there.call())
    await asyncio.sleep(20.0)
    permit.answered(200, (), streamed=False)
    permit.settle(None)
    permit.release()
    await there.pacer.acquire(there.call())
    reply, _ = await there.send()
    assert field(reply.headers, "X-Sluice-Answered-By") == "api.deepseek.com deepseek-chat"
    assert "it would wait" in reasons(there)[0]


@virtual
async def test_a_wait_that_nobody_foresaw_goes_elsewhere() -> None:
    """Nobody knows how long the first answer of a model takes, so at first no wait is told: after so long the call goes
    elsewhere. The next one, for which the wait is no more known, does the same."""
    rule = replace(RULE, on=(), wait_s=3.0)
    there = world(ok(), rule=rule, origin=limited(Limit("concurrency", 1)))
    loop = asyncio.get_running_loop()
    await there.pacer.acquire(there.call())
    for _ in range(2):
        begun = loop.time()
        reply, _ = await there.send()
        assert field(reply.headers, "X-Sluice-Answered-By") == "api.deepseek.com deepseek-chat"
        assert loop.time() - begun == pytest.approx(3.0, abs=0.1)
        assert "it has waited 3.0 s for" in reasons(there)[-1]
    assert there.gateway.elsewhere.moved == 2


@virtual
async def test_who_leaves_has_used_the_place_that_was_asked_last() -> None:
    """The first place refused, the second has the question: it counts there, and not where it was sent at first."""
    there = world(no_credit(), asyncio.Event())
    task = asyncio.create_task(there.send())
    await asyncio.sleep(1.0)
    task.cancel()
    await asyncio.wait([task])
    left = there.last()
    assert (left.kind, left.call.origin.host, left.call.model) == ("cancelled", "api.deepseek.com", "deepseek-chat")
    assert left.usage is not None
    assert left.usage.input > 0


@virtual
async def test_what_has_waited_waits_on_where_nobody_else_can_answer() -> None:
    """The other places have no credit: the call goes back to the first one, and is answered there."""
    rule = replace(RULE, on=(), wait_s=3.0)
    there = world(no_credit(), no_credit(), ok(), rule=rule, origin=limited(Limit("concurrency", 1)))
    permit = await there.pacer.acquire(there.call())
    asyncio.get_running_loop().call_later(30.0, permit.release)
    reply, _ = await there.send()
    assert reply.status == 200
    assert hosts(there) == ["api.deepseek.com", "localhost:11434", "api.openai.com"]
    assert there.last().kind == "done"


@virtual
async def test_who_is_sent_in_time_is_left_alone() -> None:
    """What has been sent is not taken back when the time for waiting is over."""
    there = world(ok(), rule=replace(RULE, on=(), wait_s=3.0), origin=limited(Limit("concurrency", 1)))
    permit = await there.pacer.acquire(there.call())
    asyncio.get_running_loop().call_later(2.0, permit.release)
    reply = await there.gateway.send(there.call())
    await asyncio.sleep(10.0)
    assert await body_of(reply) == chat_answer()
    assert hosts(there) == ["api.openai.com"]
    assert not reasons(there)


@virtual
async def test_a_refusal_that_says_to_wait_long() -> None:
    """A 429 that names two minutes is such a wait, too; one of two seconds is not."""
    rule = replace(RULE, on=(), wait_s=60.0)
    there = world(rate_limited("120"), ok(), rule=rule)
    reply, _ = await there.send()
    assert hosts(there) == ["api.openai.com", "api.deepseek.com"]
    short = world(rate_limited("2"), ok(), rule=rule)
    await short.send()
    assert hosts(short) == ["api.openai.com"] * 2
    assert reply.status == 200


@virtual
async def test_what_waiting_clears_is_waited_for_when_nobody_else_can() -> None:
    """Moving must not make it worse: the call that would have been answered in two minutes is, when all others fail."""
    there = world(
        rate_limited("120"), error(402, "pay", kind="billing"), no_credit(), ok(), rule=replace(RULE, on=(), wait_s=60)
    )
    reply, _ = await there.send()
    assert hosts(there) == ["api.openai.com", "api.deepseek.com", "localhost:11434", "api.openai.com"]
    assert field(reply.headers, "X-Sluice-Answered-By") == "api.openai.com gpt-4o"
    assert there.last().kind == "done"


@virtual
async def test_a_used_up_day_goes_elsewhere() -> None:
    """Sluice would refuse it itself; with `wait` somebody else answers, and when nobody can, the refusal names whom it
    has asked."""
    limits = (Limit("requests", 1, 86400.0, "day"),)
    rule = replace(RULE, on=(), wait_s=60.0)
    there = world(ok(), rule=rule, origin=limited(*limits))
    await there.send()
    assert field((await there.send())[0].headers, "X-Sluice-Answered-By") == "api.deepseek.com deepseek-chat"
    vain = world(ok(), no_credit(), rule=rule, origin=limited(*limits))
    await vain.send()
    with pytest.raises(DeadlineExceeded, match=r"Others could not answer it either: api.deepseek.com deepseek-chat"):
        await vain.send()
    assert vain.last().kind == "failed"


@virtual
@pytest.mark.parametrize(("deadline_s", "last"), [(80.0, "api.deepseek.com"), (50.0, "api.openai.com")])
async def test_a_deadline_counts_from_the_arrival_wherever_it_goes(deadline_s: float, last: str) -> None:
    """The first place fails after forty seconds, and the other one could take it after sixty: in time, or too late, so
    that it is not waited for there."""

    class Late(asyncio.Event):
        async def wait(self) -> Literal[True]:
            await asyncio.sleep(40.0)
            return True

    busy = error(503, "The model is overloaded", kind="overloaded_error")
    busy.pieces = (Late(), *busy.pieces)
    deepseek = replace(DEEPSEEK, limits=(Limit("requests", 1, 60.0, "minute"),))
    rule = replace(RULE, to=TO[:1])
    there = World(ok(), busy, ok(), origins={"api.deepseek.com": deepseek}, fallback=(rule,), key_of=KEYS.get)
    there.origins["api.openai.com"] = replace(OPENAI, ways=())
    await there.send(host="api.deepseek.com", model="deepseek-chat", headers=(("Authorization", f"Bearer {THERE}"),))
    reply, _ = await there.send(deadline_s=deadline_s)
    assert reply.status == 200
    assert hosts(there) == ["api.deepseek.com", "api.openai.com", last]


@virtual
async def test_never_after_the_first_byte() -> None:
    """A stream that breaks behind its beginning is a broken stream; nobody else is asked."""
    there = world(ok(event("a"), "reset"), rule=replace(RULE, on=("network",)))
    reply = await there.gateway.send(there.call(stream=True))
    with pytest.raises(Exception, match="cut in a test"):
        await body_of(reply)
    assert len(there.upstream.sent) == 1


@virtual
async def test_a_key_known_to_be_refused_is_not_asked_again() -> None:
    """The second call goes to the other place without a request here: the block of the first one counts."""
    there = world(no_credit(), ok())
    await there.send()
    reply, _ = await there.send()
    assert hosts(there) == ["api.openai.com", "api.deepseek.com", "api.deepseek.com"]
    assert reply.status == 200


@virtual
async def test_each_place_has_its_own_budget() -> None:
    """One whose budget is used up is tried in words only; what is counted is who was asked and who answered."""

    def spent(*hosts: str) -> Budgets:
        rules = tuple(Budget("day", "calls", 1, host=host) for host in hosts)
        return Budgets(rules, PriceList(()), currency="USD", patience=lambda _: 0.0, alarm=lambda _: None)

    budgets = spent("api.deepseek.com", "localhost:11434", "api.openai.com")
    there = world(no_credit(), ok(), sinks=(budgets.hear,), allowance=budgets)
    await there.send()
    assert [row["spent"] for row in budgets.states()] == [1, 0, 0]
    await there.send()
    assert hosts(there) == ["api.openai.com", "api.deepseek.com", "localhost:11434"]


@virtual
async def test_calls_that_failed_everywhere_are_counted_once() -> None:
    """By the budget of the host that was asked first; nothing stays reserved."""
    rules = (Budget("day", "calls", 5, host="api.openai.com"), Budget("day", "calls", 5, host="localhost:*"))
    budgets = Budgets(rules, PriceList(()), currency="USD", patience=lambda _: 0.0, alarm=lambda _: None)
    there = world(no_credit(), sinks=(budgets.hear,), allowance=budgets)
    await there.send()
    assert [(row["spent"], row["pending"]) for row in budgets.states()] == [(1, 0), (0, 0)]


@virtual
async def test_a_budget_of_one_s_own_is_no_failure() -> None:
    """Who has set himself a limit does not want to spend elsewhere instead."""
    budgets = Budgets(
        (Budget("day", "calls", 1),), PriceList(()), currency="USD", patience=lambda _: 0.0, alarm=lambda _: None
    )
    there = world(ok(), sinks=(budgets.hear,), allowance=budgets)
    await there.send()
    with pytest.raises(OverBudget):
        await there.send()


@virtual
async def test_a_model_s_name_begins_no_header_field() -> None:
    """It comes from the client; with a line end in it, the answer's header has none."""
    there = world(ok(), rule=replace(RULE, models=("*",)))
    reply, _ = await there.send(model="gpt\r\nX-Evil: 1")
    assert field(reply.headers, "X-Sluice-Answered-By") == "api.openai.com gpt??X-Evil: 1"


@virtual
async def test_identical_calls_are_moved_as_one() -> None:
    """Both get the answer of the other place, and both are told whose it is; it is not kept as the first one's."""
    there = world(no_credit(), ok(), rules=Rules(coalesce=("*",), cache=True))
    (one, first), (two, second) = await asyncio.gather(there.send(), there.send())
    assert hosts(there) == ["api.openai.com", "api.deepseek.com"]
    assert first == second == chat_answer()
    name = "api.deepseek.com deepseek-chat"
    assert [field(reply.headers, "X-Sluice-Answered-By") for reply in (one, two)] == [name] * 2
    assert there.gateway.kept.hits == 0
    assert not there.gateway.running


@virtual
async def test_who_wants_nobody_else_s_answer_gets_none_by_way_of_another() -> None:
    """Of two identical calls one may be moved and the other may not: each meets what it would have met alone."""
    there = world(no_credit(), no_credit(), ok(), rules=Rules(coalesce=("*",)))
    moved, stays = await asyncio.gather(there.send(), there.send(wish=Wish(fallback=False)))
    assert (moved[0].status, stays[0].status) == (200, 429)
    assert field(stays[0].headers, "X-Sluice-Answered-By") is None


@virtual
async def test_a_waiting_call_is_cancelled_wherever_it_waits() -> None:
    """Also in the line of the other place: it ends as cancelled, and nothing is left behind."""
    waits = replace(DEEPSEEK, limits=(Limit("requests", 1, 600.0),))
    there = world(no_credit(), ok())
    there.origins = {**HOSTS, DEEPSEEK.host: waits}
    there.gateway.elsewhere.rules = (replace(RULE, to=TO[:1]),)
    await there.send()
    call = there.call()
    task = asyncio.create_task(there.gateway.send(call))
    await asyncio.sleep(5)
    assert there.pacer.queue()[0]["host"] == "api.deepseek.com"
    assert there.gateway.cancel(call.id)
    with pytest.raises(Cancelled):
        await task
    assert there.last().kind == "cancelled"
    assert there.in_flight() == 0


# --- several keys


@virtual
async def test_the_next_key_answers() -> None:
    """One without credit is set aside, told by its name, and the call goes on with the other one."""
    there = World(no_credit(), ok(), origin=OPENAI, key_of=KEYS.get)
    reply, _ = await there.send(headers=BARE)
    first, second = map(out, there.upstream.sent)
    assert KEYS["KEY_WORK"] in first
    assert KEYS["KEY_HOME"] in second
    assert (reply.status, field(reply.headers, "X-Sluice-Answered-By")) == (200, None)
    assert reasons(there, "keyed") == [
        "goes with work",
        "goes on with home, since work did not answer it: insufficient quota",
    ]
    failed = next(one for one in there.events if one.kind == "failed")
    assert failed.explanation is not None
    assert "sent with the key or endpoint work" in failed.explanation.evidence
    assert "CANARY" not in str(there.gateway.elsewhere.state())
    await there.send(headers=BARE)
    assert KEYS["KEY_HOME"] in out(there.upstream.sent[2])
    assert len(there.upstream.sent) == 3


@virtual
async def test_a_key_set_aside_is_tried_again() -> None:
    """After half a minute one call looks whether it works again; if not, that call goes on with the other one."""
    there = World(no_credit(), ok(), no_credit(), ok(), ok(), origin=OPENAI, key_of=KEYS.get)
    await there.send(headers=BARE)
    await asyncio.sleep(31)
    reply, _ = await there.send(headers=BARE)
    assert reply.status == 200
    used = ["work" if KEYS["KEY_WORK"] in out(call) else "home" for call in there.upstream.sent]
    assert used == ["work", "home", "work", "home"]
    await asyncio.sleep(31)
    await there.send(headers=BARE)
    assert KEYS["KEY_WORK"] in out(there.upstream.sent[4])
    assert [row["state"] for row in there.gateway.elsewhere.keyring.states()] == ["idle", "idle"]


@virtual
async def test_another_key_does_not_knock_at_a_door_that_a_guard_has_shut() -> None:
    """The guard looks at the address, not at the key: only another endpoint is asked."""
    guarded = Answer(429, (("Retry-After", "7200"),), b"error code: 1015")
    there = World(guarded, origin=OPENAI, key_of=KEYS.get)
    reply, _ = await there.send(headers=BARE)
    assert (reply.status, len(there.upstream.sent)) == (429, 1)
    nodes = World(guarded, ok(), origin=replace(OPENAI, ways=ENDPOINTS), key_of=KEYS.get)
    reply, _ = await nodes.send()
    assert (reply.status, len(nodes.upstream.sent)) == (200, 2)


@virtual
async def test_two_keys_carry_twice_as_much() -> None:
    """Two limits of one a minute: two calls go at once, the third one waits."""
    limits = (Limit("requests", 1, 60.0, "minute"),)
    there = World(ok(), origin=replace(OPENAI, limits=limits), key_of=KEYS.get)
    clock = asyncio.get_running_loop().time
    before = clock()
    await there.send(headers=BARE)
    await there.send(headers=BARE)
    assert clock() - before < 5
    await there.send(headers=BARE)
    assert clock() - before > 50


@virtual
async def test_a_rate_refusal_goes_on_with_the_key_that_is_free() -> None:
    """Nobody waits for one key while another one has room."""
    there = World(rate_limited("30"), ok(), origin=OPENAI, key_of=KEYS.get)
    before = asyncio.get_running_loop().time()
    await there.send(headers=BARE)
    assert asyncio.get_running_loop().time() - before < 5
    assert KEYS["KEY_HOME"] in out(there.upstream.sent[1])


@virtual
async def test_when_both_keys_are_refused() -> None:
    """The answer says so, with the name of the key; then the other host of a fallback is asked, without these keys."""
    there = World(no_credit(), origin=OPENAI, key_of=KEYS.get)
    reply, body = await there.send(headers=BARE)
    assert (reply.status, len(there.upstream.sent)) == (429, 2)
    assert "sent with the key or endpoint home" in json.loads(body)["error"]["sluice"]["evidence"]
    three = {**HOSTS, OPENAI.host: OPENAI}
    both = World(no_credit(), no_credit(), ok(), origins=three, fallback=(RULE,), key_of=KEYS.get)
    reply, _ = await both.send(headers=BARE)
    assert reply.status == 200
    assert out(both.upstream.sent[2]).count("CANARY") == 1
    assert THERE in out(both.upstream.sent[2])


@virtual
async def test_a_client_s_own_key_is_left_alone() -> None:
    """It goes out as it came, and when it is refused, none of ours takes its place."""
    there = World(no_credit(), origin=OPENAI, key_of=KEYS.get)
    reply, _ = await there.send()
    assert (reply.status, len(there.upstream.sent)) == (429, 1)
    assert KEY in out(there.upstream.sent[0])
    assert "keyed" not in there.kinds()


@virtual
async def test_endpoints_share_the_work() -> None:
    """One that cannot be reached: the call goes to the other one."""
    there = World("refused", ok(), origin=replace(OPENAI, ways=ENDPOINTS), key_of=KEYS.get)
    reply, _ = await there.send()
    assert reply.status == 200
    assert {call.origin.url for call in there.upstream.sent} == {"https://a.example.com", "https://b.example.com"}


class OneBroken(Upstream):
    """Endpoint `a` fails so, after as long as it takes to fail; the other one answers."""

    def __init__(self, outcome: Any) -> None:
        super().__init__(ok())
        self.outcome = outcome

    async def send(self, call: Call, *told: Any) -> Any:
        """Play what its endpoint plays."""
        self.outcomes = [self.outcome if call.origin.url == ENDPOINTS[0].url else ok()]
        answer = await super().send(call, *told)
        await asyncio.sleep(0.1)
        return answer


@pytest.mark.parametrize("broken", [error(503, "overloaded", kind="server_error"), "refused", "dns"])
@virtual
async def test_an_endpoint_that_breaks_loses_no_call(broken: Any) -> None:
    """More calls are there than it may be asked again for: they go on with the other endpoint, none is lost."""
    there = World(origin=replace(OPENAI, ways=ENDPOINTS))
    there.gateway._attempts._upstream = OneBroken(broken)  # type: ignore[assignment]
    replies = await asyncio.gather(*[there.send() for _ in range(60)])
    assert {reply.status for reply, _ in replies} == {200}
    assert there.in_flight() == 0


@virtual
async def test_what_an_endpoint_was_sent_and_lost() -> None:
    """It may have been paid for: the other endpoint does not get it."""
    there = World("reset", ok(), origin=replace(OPENAI, ways=ENDPOINTS))
    reply, _ = await there.send()
    assert (reply.status, len(there.upstream.sent)) == (502, 1)


# --- both off


@virtual
async def test_off_is_as_before() -> None:
    """Without rules and ways the same bytes go out, at the same time, with the same events and fields of the answer,
    success or failure; nothing of this file is asked."""

    def plain(outcome: Answer, **more: Any) -> World:
        return World(outcome, **more)

    for outcome, more in ((ok, {}), (no_credit, {}), (ok, {"key_of": KEYS.get})):
        off, on = plain(outcome(), **more), world(outcome(), rule=replace(RULE, hosts=("elsewhere",)))
        off.gateway.elsewhere.concerns = None  # type: ignore[method-assign,assignment]  # asking it would break
        body = incoming().body
        (reply, answer), (other, same) = await off.send(), await on.send()
        assert out(off.upstream.sent[0]) == out(on.upstream.sent[0])
        assert off.upstream.sent[0].body == body
        assert off.kinds() == on.kinds()
        assert [name for name, _ in reply.headers] == [name for name, _ in other.headers]
        assert len(answer) == len(same)
        assert off.last().at == off.events[0].at
        assert "X-Sluice-Answered-By" not in dict(reply.headers)


@virtual
@pytest.mark.parametrize(
    ("answer", "on"),
    [
        (error(503, "The server is overloaded", kind="server_error"), ("capacity", "server")),
        (error(429, "Too many requests", kind="requests", headers=(("Retry-After", "7200"),)), ("rate",)),
    ],
)
async def test_who_may_go_elsewhere_does_not_wait_for_a_place_that_is_away(answer: Answer, on: tuple[str, ...]) -> None:
    """Others wait there for its return, or are told that it lets nobody through for hours; a call that another place
    takes finds out by itself, and goes there at once."""
    rule = replace(RULE, on=on, to=(Place("deepseek-chat", "api.deepseek.com"),))
    there = world(rule=rule)
    played = there.upstream.send

    async def send(call: Call, *more: Any) -> Any:
        there.upstream.outcomes = [answer if call.origin.host == "api.openai.com" else ok()]
        return await played(call, *more)

    there.upstream.send = send  # type: ignore[method-assign]
    began = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(there.send() for _ in range(30)))
    assert {reply.status for reply, _ in answers} == {200}
    assert asyncio.get_running_loop().time() - began < 30
