"""Small calls that wait together go as one request: who goes with whom, and what each gets, whatever happens to it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import struct
from collections.abc import Callable
from typing import Any

import pytest

from daemon.errors import Cancelled, OverBudget, ShuttingDown
from daemon.gateway import Rules, Wish
from daemon.model import Call, Event, Limit, Priority, Reply
from daemon.phrases import phrase
from daemon.spending import Budget
from daemon.usage import Budgets
from gateway.scripted import EPOCH, JSON, KEY, Answer, World, body_of, error, limited, no_credit, rate_limited, virtual

BOTH = Rules(embeddings=True, completions=True)
SLOW = (Limit("requests", 1, 60.0, "minute"),)
EMBED, COMPLETE = "/v1/embeddings", "/v1/completions"


def vector(text: Any, packed: bool) -> str:
    """An embedding that tells which input it is of, in a notation that no JSON writer would choose."""
    number = float(len(str(text))) + sum(str(text).encode()) / 1000
    return f'"{base64.b64encode(struct.pack("<f", number)).decode()}"' if packed else f"[{number:.6f}, 1e-05]"


def embeddings(call: Call) -> Answer:
    """What a provider answers: rows in reverse order, since `index` and not their place counts."""
    ask = json.loads(call.body)
    given = ask["input"] if isinstance(ask["input"], list) and not isinstance(ask["input"][0], int) else [ask["input"]]
    if any("refuse me" in str(one) for one in given):
        answer = error(400, "input is not valid", kind="invalid_request_error")
    else:
        packed = ask.get("encoding_format") == "base64"
        rows = [
            f'{{"object": "embedding", "index": {i}, "embedding": {vector(t, packed)}}}' for i, t in enumerate(given)
        ]
        usage = sum(len(str(one)) for one in given)
        text = (
            '{\n  "object": "list",\n  "data": [\n    ' + ",\n    ".join(rows[::-1]) + "\n  ],\n"
            f'  "model": "{ask["model"]}-0001",\n  "usage": {{"prompt_tokens": {usage}, "total_tokens": {usage}}}\n}}\n'
        )
        answer = Answer(200, (*JSON, ("Content-Length", str(len(text))), ("X-Request-Id", "r1")), text.encode())
    answer.call = call
    return answer


def completions(call: Call) -> Answer:
    """The same for completions: one choice for each prompt."""
    ask = json.loads(call.body)
    given = ask["prompt"] if isinstance(ask["prompt"], list) else [ask["prompt"]]
    choices = [{"text": f"re {t}", "index": i, "logprobs": None, "finish_reason": "stop"} for i, t in enumerate(given)]
    read, written = sum(map(len, given)), sum(len(one["text"]) for one in choices)
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    body = {"id": "cmpl-1", "object": "text_completion", "model": "m", "choices": choices, "usage": usage}
    answer = Answer(200, JSON, json.dumps(body).encode())
    answer.call = call
    return answer


class Provider:
    """An upstream that reads what it is sent. `first` plays once before it begins."""

    def __init__(self, answer: Callable[[Call], Answer] = embeddings, *first: Any) -> None:
        self.answer = answer
        self.first = list(first)
        self.sent: list[Call] = []
        self.gate: asyncio.Event | None = None

    async def send(self, call: Call, left: Callable[[], object] = lambda: None, *meanwhile: object) -> Any:
        """Answer CALL."""
        left()
        self.sent.append(call)
        if self.gate is not None:
            await self.gate.wait()
        if not self.first:
            return self.answer(call)
        answer = self.first.pop(0)
        answer.call = call
        return answer

    @property
    def sizes(self) -> list[int]:
        """How many inputs each request had."""
        asked = [json.loads(call.body) for call in self.sent]
        given = [ask.get("input", ask.get("prompt")) for ask in asked]
        return [len(one) if isinstance(one, list) else 1 for one in given]


def world(provider: Provider, *limits: Limit, rules: Rules = BOTH) -> World:
    """A gateway that has just one request a minute, and batches."""
    at = World(rules=rules, origin=limited(*(limits or SLOW)))
    at.gateway._attempts._upstream = provider  # type: ignore[assignment]
    return at


def ask(at: World, text: Any, target: str = EMBED, **more: Any) -> Call:
    """One small call."""
    name = "input" if target == EMBED else "prompt"
    fields = {"model": "m", name: text, **more.pop("fields", {})}
    return at.call(target=target, body=json.dumps(fields).encode(), **more)


async def answered(at: World, call: Call) -> tuple[Reply, bytes]:
    """Send it and read its answer."""
    reply = await at.gateway.send(call)
    return reply, await body_of(reply)


def start(at: World, *calls: Call) -> list[asyncio.Task[tuple[Reply, bytes]]]:
    """Send them all."""
    return [asyncio.create_task(answered(at, call)) for call in calls]


async def used_up(at: World) -> None:
    """The minute's one request is gone: what comes now waits."""
    permit = await at.pacer.acquire(ask(at, "first"))
    permit.answered(200, (), streamed=False)
    permit.release()


async def settle(turns: int = 15) -> None:
    """Let everything that can happen now happen."""
    for _ in range(turns):
        await asyncio.sleep(0)


def ends(at: World) -> dict[str, Event]:
    """The end of each call, of which there is exactly one; nothing is left behind."""
    final = [one for one in at.events if one.final]
    assert len({one.call.id for one in final}) == len(final)
    assert {one.call.id for one in at.events} == {one.call.id for one in final}
    assert not at.gateway.running
    assert not at.gateway.batches._lines
    assert not at.gateway.batches._leads
    assert not at.gateway.shared._by_lead
    return {one.call.id: one for one in final}


def alone(call: Call, like: Callable[[Call], Answer] = embeddings) -> bytes:
    """The body that CALL would have got by itself, but for how many tokens it was."""
    return uncounted(like(call).pieces[0])  # type: ignore[arg-type]


def uncounted(body: bytes) -> bytes:
    """BODY without its figures of usage: what each of several inputs cost the provider does not tell."""
    return re.sub(rb'(_tokens": )\d+', rb"\1?", body)


@virtual
async def test_those_that_wait_go_as_one() -> None:
    """One request for all; each gets the very bytes that it would have got alone, its own row, and its own tokens."""
    provider = Provider()
    at = world(provider)
    await used_up(at)
    calls = [ask(at, text) for text in ("a", "bcd", ["x", "yy"], "é")]
    replies = await asyncio.gather(*start(at, *calls))
    await settle()
    assert provider.sizes == [5]
    done = ends(at)
    for call, (reply, body) in zip(calls, replies, strict=True):
        mine = json.loads(body)
        assert [row["embedding"] for row in mine["data"]] == [
            row["embedding"]
            for row in sorted(json.loads(embeddings(call).pieces[0])["data"], key=lambda row: row["index"])
        ]
        assert [row["index"] for row in mine["data"]] == list(range(len(mine["data"])))
        fields = dict(reply.headers)
        assert (fields["Content-Length"], fields["X-Request-Id"]) == (str(len(body)), "r1")
        assert (fields["X-Sluice-Call"], fields["X-Sluice-Batch"]) == (call.id, "4")
        assert fields.get("X-Sluice-Shared-With") == (None if call is calls[0] else calls[0].id)
        usage = done[call.id].usage
        assert usage is not None
        assert mine["usage"] == {"prompt_tokens": usage.input, "total_tokens": usage.input}
        assert mine["model"] == "m-0001"
    assert sum(one.usage.input for one in done.values() if one.usage) == len("abcdxyyé")
    assert uncounted(replies[0][1]) == alone(calls[0]), "one input: not a byte is different"
    assert at.kinds(calls[0]) == ["queued", "admitted", "sent", "answered", "first_byte", "done"]
    assert at.kinds(calls[1]) == ["queued", "joined", "first_byte", "done"]
    joined = next(one for one in at.events if one.kind == "joined")
    assert joined.company is not None
    assert (joined.company.how, joined.company.call) == ("batch", calls[0].id)
    assert at.gateway.sharing() == {"same": 0, "batched": 3, "batches": 1, "cached": 0}
    assert at.in_flight() == 0


@virtual
async def test_who_need_not_wait_goes_alone() -> None:
    """Nobody lingers for company: a call that may go is sent at once, as it is, byte for byte."""
    provider = Provider()
    at = world(provider)
    call = ask(at, "a", headers=(("Authorization", f"Bearer {KEY}"), ("Accept-Encoding", "gzip")))
    reply, body = await answered(at, call)
    assert provider.sent[0] is call
    assert uncounted(body) == alone(call)
    assert "X-Sluice-Batch" not in dict(reply.headers)


@pytest.mark.parametrize("form", [{"encoding_format": "base64"}, {"dimensions": 8}])
def test_the_form_stays(form: dict[str, Any]) -> None:
    """base64 and parameters: what all have in common is asked for, what differs goes apart."""

    @virtual
    async def main() -> None:
        provider = Provider()
        at = world(provider)
        await used_up(at)
        same = [ask(at, "a", fields=form), ask(at, "b", fields=form)]
        other = ask(at, "c")
        replies = await asyncio.gather(*start(at, *same, other))
        assert sorted(provider.sizes) == [1, 2]
        assert [uncounted(body) for _, body in replies] == [alone(call) for call in (*same, other)]

    main()


@virtual
async def test_completions() -> None:
    """Each prompt's choice comes back with index 0; texts and tokens of all add up."""
    provider = Provider(completions)
    at = world(provider)
    await used_up(at)
    calls = [ask(at, text, COMPLETE, fields={"max_tokens": 5}) for text in ("one", "three", "five5")]
    replies = await asyncio.gather(*start(at, *calls))
    assert provider.sizes == [3]
    bodies = [json.loads(body) for _, body in replies]
    assert [one["choices"] for one in bodies] == [json.loads(completions(call).pieces[0])["choices"] for call in calls]
    assert sum(one["usage"]["completion_tokens"] for one in bodies) == len("re onere threere five5")


@virtual
async def test_who_never_goes_with_others() -> None:
    """Chats, streams, n > 1, another key, another model, and a call that does not want it."""
    provider = Provider()
    at = world(provider, rules=BOTH)
    await used_up(at)
    other_key = (("Authorization", "Bearer CANARY-other-key-0123456789"),)
    calls = [
        ask(at, "a"), ask(at, "b", headers=other_key), ask(at, "c", fields={"model": "n"}),
        ask(at, "d", wish=Wish(batch=False)), ask(at, "e", fields={"stream": True}),
    ]  # fmt: skip
    await asyncio.gather(*start(at, *calls))
    assert provider.sizes == [1] * 5
    chat = at.call(wish=Wish(batch=True))
    assert chat.sharing is None


@pytest.mark.parametrize("late", [0, 2])
@virtual
async def test_a_deadline_decides_for_nobody_else(late: int) -> None:
    """A call with a deadline goes alone: what lasts too long for it ends it in time, and the others wait, whoever came
    first."""
    provider = Provider(embeddings, rate_limited("50"), rate_limited("50"))
    at = world(provider, Limit("concurrency", 1))
    permit = await at.pacer.acquire(ask(at, "first"))
    calls = [ask(at, text, deadline_s=10.0 if i == late else None) for i, text in enumerate("abc")]
    began, tasks = asyncio.get_running_loop().time(), start(at, *calls)
    await asyncio.sleep(4)
    permit.release()
    await asyncio.wait([tasks[late]])
    assert asyncio.get_running_loop().time() - began <= 10
    await asyncio.gather(*tasks, return_exceptions=True)
    await settle()
    assert [ends(at)[call.id].kind for call in calls] == ["failed" if i == late else "done" for i in range(3)]
    assert provider.sizes[-1] == 2


@virtual
async def test_off_unless_wanted() -> None:
    """Without the settings each goes alone; a call may ask for it."""
    provider = Provider()
    at = world(provider, rules=Rules())
    await used_up(at)
    await asyncio.gather(*start(at, ask(at, "a"), ask(at, "b")))
    assert provider.sizes == [1, 1]
    wish = Wish(batch=True)
    await used_up(at)
    await asyncio.gather(*start(at, ask(at, "a", wish=wish), ask(at, "b", wish=wish)))
    assert provider.sizes == [1, 1, 2]


@virtual
async def test_what_fits_into_one_request() -> None:
    """The settings' inputs and tokens bound it; the provider's own bounds, too; a large one goes alone."""
    provider = Provider()
    at = world(provider, rules=Rules(embeddings=True, max_items=4, max_tokens=100))
    await used_up(at)
    await asyncio.gather(*start(at, *(ask(at, f"t{i}") for i in range(10))))
    assert sorted(provider.sizes) == [2, 4, 4]
    provider.sent.clear()
    await used_up(at)
    await asyncio.gather(*start(at, *(ask(at, f"{i} " + "word " * 28) for i in range(4))))
    assert max(provider.sizes) == 2
    provider.sent.clear()
    await used_up(at)
    await asyncio.gather(*start(at, ask(at, "a"), ask(at, ["b"] * 4), ask(at, "c")))
    assert sorted(provider.sizes) == [2, 4]


@virtual
async def test_no_more_tokens_than_the_limit_leaves() -> None:
    """Those whose tokens do not fit now stay in the line and go later: no limit is passed."""
    provider = Provider()
    at = world(provider, Limit("requests", 1, 60.0, "minute"), Limit("tokens", 300, 60.0, "minute"))
    await used_up(at)
    calls = [ask(at, f"{i} " + "word " * 80) for i in range(4)]
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*start(at, *calls))
    assert max(provider.sizes) <= 3
    assert asyncio.get_running_loop().time() - began > 60


@virtual
async def test_who_is_over_budget_is_not_taken_along() -> None:
    """The person's own budget for one client: its call stays, and is refused by itself; the others go."""

    class Allowance:
        """Lets everybody line up once, and then no call of `notes`."""

        looks = 0

        def holds(self, call: Call) -> tuple[float, str] | None:
            """Say no to a second look."""
            if call.client == "notes":
                self.looks += 1
                if self.looks > 1:
                    raise OverBudget(phrase("refused.cancelled"), retry_after_s=60.0)
            return None

        def expect(self, call: Call, *, goes: bool = True) -> None:
            """It counts looks alone."""

    provider = Provider()
    at = world(provider)
    at.gateway._allowance = Allowance()
    await used_up(at)
    calls = [ask(at, "a"), ask(at, "b", client="notes"), ask(at, "c")]
    replies = await asyncio.gather(*start(at, *calls), return_exceptions=True)
    assert provider.sizes == [2]
    assert isinstance(replies[1], OverBudget)
    await settle()
    assert [ends(at)[call.id].kind for call in calls] == ["done", "failed", "done"]


@virtual
async def test_together_they_stay_within_a_budget() -> None:
    """Each alone would be within it: only as many go as all together may, and the others are refused."""
    budgets = Budgets((Budget("day", "calls", 3),), clock=lambda: EPOCH)
    provider = Provider()
    at = World(rules=BOTH, origin=limited(*SLOW), sinks=(budgets.hear,), allowance=budgets)
    at.gateway._attempts._upstream = provider  # type: ignore[assignment]
    await used_up(at)
    replies = await asyncio.gather(*start(at, *(ask(at, f"t{i}") for i in range(10))), return_exceptions=True)
    assert provider.sizes == [3]
    assert [type(one) for one in replies].count(OverBudget) == 7
    assert [(row["spent"], row["pending"]) for row in budgets.states()] == [(3, 0)]


@virtual
async def test_who_does_not_fit_counts_for_no_budget() -> None:
    """Those whom a limit keeps in the line are not on their way: with the next request they go."""
    budgets = Budgets((Budget("day", "calls", 4),), clock=lambda: EPOCH, patience=lambda call: 600.0)
    provider = Provider()
    limits = (Limit("requests", 1, 60.0, "minute"), Limit("tokens", 300, 60.0, "minute"))
    at = World(rules=BOTH, origin=limited(*limits), sinks=(budgets.hear,), allowance=budgets)
    at.gateway._attempts._upstream = provider  # type: ignore[assignment]
    await used_up(at)
    replies = await asyncio.gather(*start(at, *(ask(at, f"{i} " + "word " * 80) for i in range(4))))
    assert {reply.status for reply, _ in replies} == {200}
    assert max(provider.sizes) <= 3


@virtual
async def test_a_rate_limit_holds_them_together() -> None:
    """One refusal, one wait, one more request; each row tells of it."""
    provider = Provider(embeddings, rate_limited("2"))
    at = world(provider)
    await used_up(at)
    calls = [ask(at, text) for text in ("a", "b", "c")]
    replies = await asyncio.gather(*start(at, *calls))
    assert provider.sizes == [3, 3]
    assert [uncounted(body) for _, body in replies] == [alone(call) for call in calls]
    assert dict(replies[2][0].headers)["X-Sluice-Attempts"] == "2"
    for call in calls:
        assert "held" in at.kinds(call)


@virtual
async def test_only_the_bad_one_gets_the_error() -> None:
    """The request is sent again in halves until it is found; all others get their answers, and nothing of it."""
    provider = Provider()
    at = world(provider, Limit("requests", 60, 60.0, "minute"), Limit("concurrency", 1))
    provider.gate = asyncio.Event()
    first = start(at, ask(at, "first"))
    await settle()
    calls = [ask(at, "refuse me" if i == 5 else f"t{i}", language="ko") for i in range(9)]
    tasks = start(at, *calls)
    await settle()
    provider.gate.set()
    replies = await asyncio.gather(*tasks)
    await asyncio.gather(*first)
    await settle()
    assert [reply.status for reply, _ in replies] == [400 if i == 5 else 200 for i in range(9)]
    assert [uncounted(body) for _, body in replies[:5]] == [alone(call) for call in calls[:5]]
    failed = json.loads(replies[5][1])["error"]["sluice"]
    assert (failed["call"], failed["language"]) == (calls[5].id, "ko")
    assert provider.sizes[:3] == [1, 9, 5]
    assert len(provider.sizes) <= 10
    done = ends(at)
    assert [done[call.id].kind for call in calls] == ["failed" if i == 5 else "done" for i in range(9)]


@virtual
async def test_an_error_about_what_all_have_in_common() -> None:
    """The provider names a parameter: all of them have it, so nobody is looked for."""
    bad = error(400, "no such size", kind="invalid_request_error")
    body = {"error": {"message": "no", "type": "invalid_request_error", "param": "dimensions", "code": None}}
    bad.pieces = (json.dumps(body).encode(),)
    provider = Provider(embeddings, bad)
    at = world(provider)
    await used_up(at)
    replies = await asyncio.gather(*start(at, *(ask(at, text) for text in ("a", "b", "c"))))
    assert [reply.status for reply, _ in replies] == [400] * 3
    assert provider.sizes == [3]


@virtual
async def test_the_lead_is_stopped_by_force() -> None:
    """Whatever ends its task, the others go on without it."""
    provider = Provider()
    at = world(provider)
    await used_up(at)
    provider.gate = asyncio.Event()
    calls = [ask(at, text) for text in ("a", "b", "c")]
    tasks = start(at, *calls)
    await asyncio.sleep(61)
    lead = at.gateway.shared._by_lead[calls[0].id]
    assert lead.task is not None
    lead.task.cancel()
    provider.gate.set()
    replies = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(replies[0], BaseException)
    assert [uncounted(one[1]) for one in replies if isinstance(one, tuple)] == [alone(call) for call in calls[1:]]
    await settle()
    assert len(ends(at)) == 3


@virtual
async def test_what_concerns_all_is_told_to_all() -> None:
    """No credit: one request, and each hears it in its own words, with whom it went. Nothing is sent in halves."""
    provider = Provider(embeddings, no_credit())
    at = world(provider)
    await used_up(at)
    calls = [ask(at, "a", language="en"), ask(at, "b", language="zh")]
    replies = await asyncio.gather(*start(at, *calls))
    assert provider.sizes == [2]
    told = [json.loads(body)["error"]["sluice"] for _, body in replies]
    assert [one["subtype"] for one in told] == ["insufficient_quota"] * 2
    assert [one["call"] for one in told] == [call.id for call in calls]
    assert [one["language"] for one in told] == ["en", "zh"]
    assert [calls[0].id in one["evidence"] for one in told] == [False, True]
    assert dict(replies[1][0].headers)["X-Sluice-Shared-With"] == calls[0].id
    assert {one.kind for one in ends(at).values()} == {"failed"}


@pytest.mark.parametrize(
    "broken",
    [
        Answer(200, JSON, b'{"object": "list", "data": [{"index": 0, "embedding": [1]}], "model": "m"}'),
        Answer(200, JSON, b"[]"),
        Answer(200, (*JSON, ("Content-Encoding", "gzip")), b"\x1f\x8b not really"),
    ],
    ids=["too few", "no object", "packed"],
)
def test_an_answer_that_cannot_be_taken_apart(broken: Answer) -> None:
    """Then each asks by itself: nobody gets another one's numbers, or none."""

    @virtual
    async def main() -> None:
        provider = Provider(embeddings, broken)
        at = world(provider)
        await used_up(at)
        calls = [ask(at, text) for text in ("a", "b")]
        replies = await asyncio.gather(*start(at, *calls))
        assert provider.sizes == [2, 1, 1]
        assert [uncounted(body) for _, body in replies] == [alone(call) for call in calls]
        assert len(ends(at)) == 2

    main()


@virtual
async def test_a_cut_answer_is_a_failure_of_each() -> None:
    """It may have been paid for, so it is not sent again; nobody gets a part."""
    provider = Provider(embeddings, Answer(200, JSON, b'{"data": [', "truncated"))
    at = world(provider)
    await used_up(at)
    replies = await asyncio.gather(*start(at, ask(at, "a"), ask(at, "b")))
    assert [reply.status for reply, _ in replies] == [502, 502]
    assert provider.sizes == [2]
    assert {one.kind for one in ends(at).values()} == {"failed"}
    assert at.in_flight() == 0


@pytest.mark.parametrize("who", [0, 1])
def test_one_of_them_leaves(who: int) -> None:
    """While the request is out: the others get their answers, whether it was the one that leads or another."""

    @virtual
    async def main() -> None:
        provider = Provider()
        at = world(provider)
        await used_up(at)
        provider.gate = asyncio.Event()
        calls = [ask(at, text) for text in ("a", "b", "c")]
        tasks = start(at, *calls)
        await asyncio.sleep(61)
        tasks[who].cancel()
        await settle()
        provider.gate.set()
        replies = await asyncio.gather(*tasks, return_exceptions=True)
        await settle()
        assert isinstance(replies[who], asyncio.CancelledError)
        assert [uncounted(one[1]) for one in replies if isinstance(one, tuple)] == [
            alone(call) for i, call in enumerate(calls) if i != who
        ]
        done = ends(at)
        assert done[calls[who].id].kind == ("done" if who == 0 else "cancelled")

    main()


@virtual
async def test_all_of_them_leave() -> None:
    """Then the request is closed, whoever went last."""
    provider = Provider()
    at = world(provider)
    await used_up(at)
    provider.gate = asyncio.Event()
    tasks = start(at, *(ask(at, text) for text in ("a", "b", "c")))
    await asyncio.sleep(61)
    for task in tasks:
        task.cancel()
        await settle()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert {one.kind for one in ends(at).values()} == {"cancelled"}
    assert at.in_flight() == 0


@virtual
async def test_who_has_left_is_not_asked_for_again() -> None:
    """A held request goes without the input of one that has gone meanwhile."""
    provider = Provider(embeddings, rate_limited("5"))
    at = world(provider)
    await used_up(at)
    calls = [ask(at, text) for text in ("a", "b", "c")]
    tasks = start(at, *calls)
    await asyncio.sleep(61)
    assert at.events[-1].kind == "held"
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert provider.sizes == [3, 2]


@virtual
async def test_somebody_cancels_one() -> None:
    """By id: the one that leads, another, one that still waits."""
    provider = Provider()
    at = world(provider)
    await used_up(at)
    waiting = ask(at, "w", ref="w")
    task = start(at, waiting)[0]
    await settle()
    assert at.gateway.cancel("w")
    with pytest.raises(Cancelled):
        await task
    provider.gate = asyncio.Event()
    calls = [ask(at, text, ref=text) for text in ("a", "b", "c")]
    tasks = start(at, *calls)
    await asyncio.sleep(61)
    assert at.gateway.cancel("a")
    assert at.gateway.cancel("b")
    for task in tasks[:2]:
        with pytest.raises(Cancelled):
            await task
    provider.gate.set()
    assert uncounted((await tasks[2])[1]) == alone(calls[2])


def cancelling(at: World, provider: Provider, mate: Call) -> None:
    """Somebody cancels MATE in the instant in which another call has taken it along and is sent."""
    send = provider.send

    async def sending(call: Call, *how: Any) -> Any:
        if not provider.sent:
            assert at.gateway.cancel(mate.id)
        return await send(call, *how)

    provider.send = sending  # type: ignore[method-assign]


@virtual
async def test_who_is_cancelled_in_the_instant_in_which_it_is_taken_along() -> None:
    """It is in no further request, and what its budget has set aside for it is free again."""
    budgets = Budgets((Budget("day", "calls", 100),), clock=lambda: EPOCH, patience=lambda call: 600.0)
    provider = Provider(embeddings, rate_limited("2"))
    at = World(rules=BOTH, origin=limited(*SLOW), sinks=(budgets.hear,), allowance=budgets)
    at.gateway._attempts._upstream = provider  # type: ignore[assignment]
    await used_up(at)
    calls = [ask(at, text) for text in ("lead", "mate", "third")]
    cancelling(at, provider, calls[1])
    await asyncio.gather(*start(at, *calls), return_exceptions=True)
    assert [b"mate" in call.body for call in provider.sent] == [True, False]
    assert [row["pending"] for row in budgets.states()] == [0]


@virtual
async def test_it_keeps_nothing_going_for_which_nobody_waits() -> None:
    """The lead's client leaves after it: then the request is given up."""
    provider = Provider()
    provider.gate = asyncio.Event()
    at = world(provider)
    await used_up(at)
    lead, mate = ask(at, "lead"), ask(at, "mate")
    cancelling(at, provider, mate)
    tasks = start(at, lead, mate)
    await asyncio.sleep(70)
    assert len(provider.sent) == 1
    tasks[0].cancel()
    await asyncio.sleep(5)
    assert not at.gateway.running
    await asyncio.gather(*tasks, return_exceptions=True)


@virtual
async def test_calls_that_break_the_merging_keep_no_slot_and_no_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leads is told that we broke; the others go on, each by itself, and every slot is free again."""

    def broken(parts: Any) -> bytes:
        raise RecursionError

    monkeypatch.setattr("daemon.gateway.party.merged", broken)
    provider = Provider()
    at = world(provider)
    await used_up(at)
    calls = [ask(at, text) for text in ("a", "b", "c")]
    ended = await asyncio.gather(*start(at, *calls), return_exceptions=True)
    assert isinstance(ended[0], RecursionError)
    assert [uncounted(one[1]) for one in ended[1:] if isinstance(one, tuple)] == [alone(call) for call in calls[1:]]
    assert (at.in_flight(), dict(at.gateway.running)) == (0, {})


@virtual
async def test_the_daemon_stops() -> None:
    """Those that are held together are each told so, by their own names."""
    provider = Provider(embeddings, rate_limited("30"))
    at = world(provider)
    await used_up(at)
    calls = [ask(at, text) for text in ("a", "b")]
    tasks = start(at, *calls)
    await asyncio.sleep(61)
    assert at.events[-1].kind == "held"
    await at.pacer.close()
    refusals = await asyncio.gather(*tasks, return_exceptions=True)
    await settle()
    assert [type(one) for one in refusals] == [ShuttingDown] * 2
    assert [one.facts["call"] for one in refusals] == [call.id for call in calls]  # type: ignore[union-attr]
    assert len(ends(at)) == 2


@virtual
async def test_identical_ones_within_a_batch() -> None:
    """Both together: two of three are the same, so two inputs are asked for, and three are answered."""
    provider = Provider()
    at = world(provider, rules=Rules(coalesce=("*",), embeddings=True))
    await used_up(at)
    calls = [ask(at, text) for text in ("same", "other", "same")]
    replies = await asyncio.gather(*start(at, *calls))
    assert provider.sizes == [2]
    assert uncounted(replies[0][1]) == uncounted(replies[2][1]) == alone(calls[0])
    assert uncounted(replies[1][1]) == alone(calls[1])
    assert len(ends(at)) == 3


@virtual
async def test_the_most_urgent_takes_the_others_along() -> None:
    """A person's call goes first, and the batch's that wait go with it."""
    provider = Provider()
    at = world(provider)
    await used_up(at)
    calls = [ask(at, f"b{i}", priority=Priority.BATCH) for i in range(3)]
    calls.append(ask(at, "me", priority=Priority.INTERACTIVE))
    replies = await asyncio.gather(*start(at, *calls))
    assert provider.sizes == [4]
    assert [uncounted(body) for _, body in replies] == [alone(call) for call in calls]
    assert provider.sent[0].id == calls[3].id


def packed(call: Call) -> Answer:
    """An answer as most clients ask for it: compressed."""
    plain = embeddings(call)
    data = gzip.compress(plain.pieces[0])  # type: ignore[arg-type]
    return Answer(200, (*JSON, ("Content-Encoding", "gzip"), ("Content-Length", str(len(data)))), data)


def unnumbered(call: Call) -> Answer:
    """An answer whose rows do not say which input they are of."""
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return Answer(200, JSON, json.dumps({"data": [{"embedding": [1.0]}], "usage": usage}).encode())


def hidden(call: Call) -> Answer:
    """An error behind a 200."""
    return Answer(200, JSON, b'{"error": {"message": "no", "type": "server_error"}}')


@pytest.mark.parametrize(
    ("answer", "explain", "kind"), [(packed, None, "done"), (unnumbered, None, "done"), (hidden, "off", "failed")]
)
@virtual
async def test_what_went_alone_is_passed_on_as_it_came(
    answer: Callable[[Call], Answer], explain: str | None, kind: str
) -> None:
    """Nothing has to be taken apart, so it is sent once, whatever the answer looks like: not a byte and not a field of
    it changes, and what it cost is read all the same."""

    def once(call: Call) -> Answer:
        assert len(provider.sent) < 2, "it was answered, and is sent again"
        found = answer(call)
        found.call = call
        return found

    provider = Provider(once)
    at = world(provider)
    call = ask(at, "a", explain=explain)
    reply, body = await answered(at, call)
    told = answer(call)
    assert (reply.status, body) == (200, told.pieces[0])
    assert set(told.headers) <= set(reply.headers)
    end = ends(at)[call.id]
    assert end.kind == kind
    assert kind == "failed" or (end.usage is not None and end.usage.input == 1)
    assert at.in_flight() == 0
